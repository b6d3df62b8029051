"""`ats backtest` as a person runs it: import, run, report, record; and every way it says no (S5-05, S5-06, S5-09, S5-12, S5-13)."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ats.cli.main import run
from ats.core.config import StorageSettings
from ats.core.runs import RunRecord, RunStatus
from ats.signals.library import RULES
from ats.store.embedded import open_services
from ats.store.postgres.database import Database
from ats.store.postgres.runs import PostgresRuns

FIGURES = {
    "total_return", "cagr", "sharpe", "sortino", "calmar", "volatility", "max_drawdown", "exposure", "win_rate", "profit_factor",
    "average_win", "average_loss",
}  # fmt: skip
SHARED = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "us_daily_adjusted" / "bars.parquet"


@dataclass
class Installation:
    """One data folder with its services running and the shipped stocks loaded."""

    folder: Path
    environment: dict[str, str]
    runs: PostgresRuns

    def latest(self) -> RunRecord:
        return self.runs.recent(1)[0]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("ats")
    (folder / ".env").write_text("# nothing\n")
    environment = {"ATS_ENV_FILE": str(folder / ".env"), "ATS_DATA_DIR": str(folder / "data")}
    with open_services(StorageSettings(data_dir=folder / "data"), lambda _: None) as services, pytest.MonkeyPatch.context() as patch:
        _settings(patch, environment)
        assert run(["data", "load-shipped"]) == 0
        with Database(services.database_url) as database:
            yield Installation(folder / "data", environment, PostgresRuns(database))


def _settings(patch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("ATS_")]:
        patch.delenv(name)
    for name, value in environment.items():
        patch.setenv(name, value)


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict:
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.fixture
def ats(installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., Outcome]:
    """Runs one command line in this process."""
    _settings(monkeypatch, installation.environment)

    def call(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = run(list(arguments))
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return call


def backtest(key: str, instrument: str, *more: str) -> list[str]:
    return ["backtest", "--strategy", key, "--instrument", instrument, "--bar-spec", "1-DAY-LAST", *more]


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() is None or not self.get_starttag_text().startswith(("<script", "<style")):
            self.texts.append(data)


def assert_recorded(outcome: Outcome, installation: Installation, key: str, instrument: str) -> None:
    """The report exists and is whole; the run is done, with digests of code, parameters and data."""
    assert outcome.code == 0, outcome.err
    document, record = outcome.document, installation.latest()
    report = Path(document["report"])
    assert report.is_file()
    assert report.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert json.loads((report.parent / "summary.json").read_text())["fills_digest"] == document["fills_digest"]
    assert (record.run_id, record.status, record.error) == (document["run_id"], RunStatus.DONE, "")
    assert (record.strategy, record.instrument_id, record.bar_spec) == (key, instrument, "1-DAY-LAST")
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in (record.code_digest, record.params_digest, record.data_digest))
    assert record.data_digest == document["data_digest"]
    assert record.artifacts["report"] == document["report"]
    assert record.metrics == document["metrics"]
    assert None not in (record.started_at, record.ended_at)
    assert set(document["metrics"]) >= FIGURES
    assert set(document["buy_and_hold"]) == set(document["metrics"])
    assert document["first_fill"] is not None


@pytest.mark.parametrize("instrument", ["MSFT.NASDAQ", "IBM.NYSE"])
@pytest.mark.parametrize("key", list(RULES))
def test_every_strategy_runs_on_the_shipped_stocks(ats, installation, key, instrument):
    """S5-06, S5-09, S5-12, S5-13: report, record, every figure, buy and hold beside it."""
    outcome = ats(*backtest(key, instrument, "--json"))
    assert_recorded(outcome, installation, key, instrument)


@pytest.fixture(scope="module")
def imported(installation: Installation) -> dict[str, int]:
    """The two index funds, imported once by the command a person uses."""
    if not SHARED.is_file():
        pytest.skip(f"the shared market data are not at {SHARED}")
    codes = {}
    with pytest.MonkeyPatch.context() as patch:
        _settings(patch, installation.environment)
        for instrument in ("QQQ.NASDAQ", "SPY.ARCA"):
            codes[instrument] = run(["data", "import", str(SHARED), "--instrument", instrument, "--bar-spec", "1-DAY-LAST"])
    return codes


@pytest.mark.parametrize("instrument", ["QQQ.NASDAQ", "SPY.ARCA"])
@pytest.mark.parametrize("key", list(RULES))
def test_every_strategy_runs_on_an_imported_index_fund(ats, installation, imported, key, instrument):
    """S5-05, S5-06, S5-12, S5-13: from a file of many symbols to a recorded run."""
    assert imported[instrument] == 0
    outcome = ats(*backtest(key, instrument, "--json", "--start", "2006-01-01", "--end", "2016-12-31"))
    assert_recorded(outcome, installation, key, instrument)
    first, last = outcome.document["first_fill"][-1], outcome.document["last_fill"][-1]
    assert "2006-01-01" < first < last < "2017-01-01"


def test_both_ends_of_the_window_are_included(ats):
    day = ats(*backtest("ibs_reversion", "MSFT.NASDAQ", "--json", "--start", "2005-01-03", "--end", "2005-12-30"))
    assert day.document["bars"] == 252


# What a person sees.


def test_the_table_for_people_is_aligned_and_money_has_two_decimals(ats):
    """S5-09."""
    outcome = ats(*backtest("ibs_reversion", "MSFT.NASDAQ"))
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    rows = {line[:23].strip(): line[23:] for line in lines[1:-1]}
    column = lines[0].index("BUY AND HOLD")
    assert all(len(line) > column and line[column - 1] == " " != line[column] for line in lines[1:-1])
    assert {name.replace("_", " ") for name in FIGURES} <= set(rows)
    for name in ("final equity", "net profit", "commissions", "average win", "average loss"):
        assert all(re.fullmatch(r"-?[\d,]+\.\d\d|-", cell) for cell in rows[name].split()), (name, rows[name])
    assert rows["net profit"].split() == ["3,083.09", "0.00"]
    for name in ("total return", "cagr", "volatility", "max drawdown", "exposure", "win rate"):
        assert all(re.fullmatch(r"-?[\d.]+%|-", cell) for cell in rows[name].split()), (name, rows[name])
    assert not re.search(r"\b(nan|inf|none)\b", outcome.out, re.IGNORECASE)
    assert lines[-1].startswith("report  ")


def test_a_run_without_a_trade_shows_dashes_and_never_nan(ats):
    """S5-09: a figure that does not exist is a dash for people and null for programs."""
    arguments = backtest("sma_cross", "FB.NASDAQ", "--params", '{"fast_bars": 99, "slow_bars": 195}')
    people, programs = ats(*arguments), ats(*arguments, "--json")
    assert (people.code, programs.code) == (0, 0)
    assert programs.document["metrics"]["trades"] == 0
    assert programs.document["metrics"]["profit_factor"] is None
    assert re.search(r"^profit factor +- ", people.out, re.MULTILINE)
    texts = _Texts()
    texts.feed(Path(programs.document["report"]).read_text(encoding="utf-8"))
    assert not re.search(r"\b(nan|None|inf)\b(?!\.)", " ".join(texts.texts))


def test_refused_orders_are_counted_on_the_screen(ats, monkeypatch):
    """S0-04, A20."""
    monkeypatch.setenv("ATS_BACKTEST_RISK_MAX_NOTIONAL_PER_ORDER", "100")
    outcome = ats(*backtest("ibs_reversion", "MSFT.NASDAQ", "--end", "2000-06-01"))
    assert outcome.code == 0
    assert re.search(r"Guardian refused \d+ orders by MAX_NOTIONAL_PER_ORDER; first: .*\(limit 100\)", outcome.err)


def test_open_shows_the_report_in_the_browser(ats, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    outcome = ats(*backtest("turn_of_month", "FB.NASDAQ", "--open", "--json"))
    assert opened == [Path(outcome.document["report"]).as_uri()]


def test_without_open_no_browser_is_started(ats, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda _: pytest.fail("nobody asked"))
    assert ats(*backtest("turn_of_month", "FB.NASDAQ")).code == 0


def test_others_than_the_owner_may_read_the_report(ats):
    """A colleague or a web server shows it; folders can be entered, files be read, nothing be written."""
    old = os.umask(0o022)
    try:
        report = Path(ats(*backtest("turn_of_month", "FB.NASDAQ", "--json")).document["report"])
    finally:
        os.umask(old)
    assert stat.S_IMODE(report.stat().st_mode) == 0o644
    assert stat.S_IMODE((report.parent / "summary.json").stat().st_mode) == 0o644
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o755


def test_a_stricter_umask_keeps_the_report_private(ats):
    old = os.umask(0o077)
    try:
        report = Path(ats(*backtest("turn_of_month", "FB.NASDAQ", "--json")).document["report"])
    finally:
        os.umask(old)
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700


def test_the_same_run_twice_writes_the_same_files(ats):
    """D19: through the command, report and summary to the byte."""
    reports = [Path(ats(*backtest("rsi_pullback", "IBM.NYSE", "--json")).document["report"]) for _ in range(2)]
    assert reports[0] != reports[1]
    for name in ("report.html", "summary.json"):
        first, second = ((report.parent / name).read_bytes() for report in reports)
        assert first == second


# What is refused.

FAILED = [
    pytest.param(
        ["--start", "1990-01-01", "--end", "1999-12-31"], 5, ["no 1-DAY-LAST bars", "2000-03-01", "2013-03-01"], id="window before the data"
    ),
    pytest.param(["--start", "2013-03-02"], 5, ["no 1-DAY-LAST bars", "2000-03-01", "2013-03-01"], id="window after the data"),
    pytest.param(["--start", "2005-01-01", "--end", "2005-01-02"], 5, ["no 1-DAY-LAST bars"], id="a weekend"),
    pytest.param(["--start", "2013-01-02"], 5, ["41 bars", "not enough", "100"], id="too few for the warm-up"),
]


@pytest.mark.parametrize(("window", "code", "words"), FAILED)
def test_a_window_that_gives_no_result_fails_and_is_recorded(ats, installation, window, code, words):
    """S5-06: never zero trades; the run is FAILED with the sentence the person saw."""
    outcome = ats(*backtest("sma_cross", "MSFT.NASDAQ", "--json", *window))
    error, record = outcome.document["error"], installation.latest()
    assert (outcome.code, error["exit_code"]) == (code, code)
    assert all(word in error["message"] for word in words), error["message"]
    assert error["remedy"]
    assert (record.status, record.error) == (RunStatus.FAILED, error["message"])
    assert record.ended_at is not None
    assert record.artifacts == {}


def test_an_instrument_without_data_is_an_error_naming_what_there_is(ats, installation):
    """S5-06."""
    outcome = ats(*backtest("ibs_reversion", "TSLA.NASDAQ"))
    assert outcome.code == 5
    assert all(name in outcome.err for name in ("TSLA.NASDAQ", "AAPL.NASDAQ", "MSFT.NASDAQ", "ats data import"))
    assert installation.latest().status is RunStatus.FAILED


def test_a_finer_cadence_than_stored_is_an_error_naming_the_stored_one(ats):
    """S5-05."""
    outcome = ats("backtest", "--strategy", "ibs_reversion", "--instrument", "MSFT.NASDAQ", "--bar-spec", "1-MINUTE-LAST")
    assert outcome.code == 5
    assert "stored for it: 1-DAY-LAST" in outcome.err


USAGE = [
    pytest.param("ibs_reversion", "MSFT.NASDAQ", ["--start", "2010-01-02", "--end", "2010-01-01"], "start", id="start after end"),
    pytest.param("no_such", "MSFT.NASDAQ", [], "strategy", id="strategy"),
    pytest.param("ibs_reversion", "MSFT", [], "instrument", id="J5 instrument"),
    pytest.param("ibs_reversion", "MSFT.NASDAQ", ["--bar-spec", "1-day"], "bar-spec", id="J6 bar spec"),
    pytest.param("ibs_reversion", "MSFT.NASDAQ", ["--params", '{"buy_treshold": 0.1}'], "params.buy_treshold", id="J7 unknown parameter"),
    pytest.param("ibs_reversion", "MSFT.NASDAQ", ["--params", '{"buy_threshold": NaN}'], "params", id="J7 not a number"),
    pytest.param("ibs_reversion", "MSFT.NASDAQ", ["--cash", "5,000"], "cash", id="J1 cash"),
    pytest.param("ibs_reversion", "MSFT.NASDAQ", ["--cash", "-1"], "cash", id="J1 negative cash"),
    pytest.param("ibs_reversion", "MSFT.NASDAQ", ["--start", "01.02.2010"], "--start", id="date"),
]


@pytest.mark.parametrize(("key", "instrument", "more", "field"), USAGE)
def test_a_malformed_request_is_usage_and_starts_nothing(ats, installation, key, instrument, more, field):
    """J1, J5, J6, J7: exit code 2, the field named, no run recorded."""
    before = installation.latest().run_id
    outcome = ats(*backtest(key, instrument, "--json", *more))
    assert outcome.code == 2
    assert field in outcome.document["error"]["message"]
    assert installation.latest().run_id == before


def test_a_run_that_breaks_is_recorded_with_its_error(ats, installation, monkeypatch):
    """S5-06: also when the reason is a bug."""

    def breaks(*_args, **_more):
        raise ZeroDivisionError("for the test")

    monkeypatch.setattr("ats.operations.backtest.render_report", breaks)
    assert ats(*backtest("turn_of_month", "FB.NASDAQ")).code == 1
    record = installation.latest()
    assert (record.status, record.error) == (RunStatus.FAILED, "ZeroDivisionError: for the test")


def test_an_interrupt_leaves_a_failed_run_and_no_half_report(ats, installation, monkeypatch):
    """S5-06: nothing that the next command cannot use."""

    def interrupted(*_args, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ats.operations.backtest.render_report", interrupted)
        assert ats(*backtest("turn_of_month", "FB.NASDAQ")).code == 130
    record = installation.latest()
    assert record.status is RunStatus.FAILED
    assert not (installation.folder / "artifacts" / "runs" / record.run_id).exists()
    assert ats(*backtest("turn_of_month", "FB.NASDAQ")).code == 0


def test_artifacts_that_cannot_be_written_fail_the_run(ats, installation, tmp_path, monkeypatch):
    """S5-06: exit code 4, the path named, the run FAILED."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ATS_ARTIFACTS_DIR", str(tmp_path / "file"))
    outcome = ats(*backtest("turn_of_month", "FB.NASDAQ"))
    assert outcome.code == 4
    assert str(tmp_path / "file") in outcome.err
    assert installation.latest().status is RunStatus.FAILED
