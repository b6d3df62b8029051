"""One run, pinned: the same plan on the same data gives the same result, today and next year, to the byte."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ats.core.market import BarSpec
from ats.data.catalog import Catalog
from ats.data.shipped import load_shipped

RUN = """
import json, sys
from decimal import Decimal
from pathlib import Path

from ats.backtest.plan import BacktestPlan
from ats.backtest.report import render_report
from ats.backtest.run import report_input, run_backtest
from ats.core.config import BacktestRiskSettings
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.data.catalog import Catalog
from ats.risk.limits import limits_from
from ats.signals.params import parse_params
from ats.strategies.registry import rule_of

instrument = "MSFT.NASDAQ"
params = parse_params(rule_of("ibs_reversion").params_model, "{}")
limits = limits_from(BacktestRiskSettings(), [instrument])
plan = BacktestPlan("ibs_reversion", InstrumentId.parse(instrument), BarSpec.parse("1-DAY-LAST"), None, None, params, Decimal(5_000), limits)
result = run_backtest(plan, Catalog(Path(sys.argv[1])))
Path(sys.argv[2]).write_text(render_report(report_input(result)), encoding="utf-8")
print(json.dumps(result.summary(), sort_keys=True))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


@pytest.fixture(scope="module")
def two_runs(folder: Path) -> list[tuple[str, bytes]]:
    """Summary and report of two runs, each in a process of its own, with its own hash seed."""
    load_shipped(Catalog(folder / "catalog"))
    outcomes = []
    for number in ("1", "2"):
        report = folder / f"report-{number}.html"
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(folder / "catalog"), str(report)],
            env={"PYTHONHASHSEED": number, "PATH": "/usr/bin:/bin", "HOME": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        outcomes.append((done.stdout, report.read_bytes()))
    return outcomes


def test_ibs_backtest_matches_golden(golden, two_runs):
    """S5-06, S5-09."""
    golden.check("ibs_reversion_msft_daily.json", json.loads(two_runs[0][0]))


def test_two_fresh_runs_give_the_same_bytes(two_runs):
    """D19: summary and report alike, whatever the hash seed."""
    (first_summary, first_report), (second_summary, second_report) = two_runs
    assert first_summary == second_summary
    assert hashlib.sha256(first_report).hexdigest() == hashlib.sha256(second_report).hexdigest()


def test_the_golden_run_covers_the_whole_shipped_series(two_runs, folder):
    columns = Catalog(folder / "catalog").columns("MSFT.NASDAQ", BarSpec(1, "DAY"))
    assert json.loads(two_runs[0][0])["bars"] == len(columns) == 3270


class TestGolden:
    """The frozen file is guarded: a difference fails, an update needs a reason and fails too."""

    @pytest.fixture
    def guarded(self, golden, tmp_path):
        (tmp_path / "it.json").write_text(json.dumps({"reason": "first of all", "value": {"a": 1}}))
        return lambda because=None: type(golden)(tmp_path, because)

    def test_a_difference_fails(self, guarded):
        guarded().check("it.json", {"a": 1})
        with pytest.raises(AssertionError):
            guarded().check("it.json", {"a": 2})

    def test_an_update_without_a_reason_writes_nothing(self, guarded, tmp_path):
        with pytest.raises(pytest.fail.Exception, match="three words"):
            guarded("because").check("it.json", {"a": 2})
        assert '"a": 1' in (tmp_path / "it.json").read_text()

    def test_an_update_with_a_reason_writes_and_does_not_pass(self, guarded, tmp_path):
        with pytest.raises(pytest.fail.Exception, match="written anew"):
            guarded("a is two now").check("it.json", {"a": 2})
        assert json.loads((tmp_path / "it.json").read_text()) == {"reason": "a is two now", "value": {"a": 2}}

    def test_a_missing_file_fails(self, guarded):
        with pytest.raises(AssertionError, match="does not exist"):
            guarded().check("other.json", {})
