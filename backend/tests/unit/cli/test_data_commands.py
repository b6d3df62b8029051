"""`ats data` as a person runs it: files in, series out, and damaged files refused whole, by row and field (S5-05, J19, J23)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ats.cli.main import run
from ats.core.config import load_settings
from ats.core.errors import EvidenceError
from ats.core.market import BarSpec
from ats.wiring.research import catalog_of

HEADER = "date,open,high,low,close,volume"
GOOD = ["2024-01-02,10,11,9,10.5,1000", "2024-01-03,10.5,12,10,11.5,1100", "2024-01-04,11.5,12,11,11.25,900"]
DAILY = ["--instrument", "AAA.NASDAQ", "--bar-spec", "1-DAY-LAST"]


@pytest.fixture(autouse=True)
def _installation(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("ATS_")]:
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text("# nothing\n")
    monkeypatch.setenv("ATS_ENV_FILE", str(tmp_path / ".env"))
    monkeypatch.setenv("ATS_DATA_DIR", str(tmp_path / "data"))


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture
def ats(capsys) -> Callable[..., Outcome]:
    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def csv(tmp_path) -> Callable[..., Path]:
    def write(*lines: str, name: str = "bars.csv", header: str = HEADER) -> Path:
        path = tmp_path / name
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return path

    return write


def test_a_csv_file_becomes_a_series(ats, csv):
    """S5-05."""
    outcome = ats("data", "import", csv(*GOOD), *DAILY)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("AAA.NASDAQ 1-DAY-LAST: 3 bars added, 0 already there; 3 from 2024-01-02 to 2024-01-04")
    listed = ats("data", "list", "--json").document
    assert [(entry["instrument_id"], entry["rows"]) for entry in listed] == [("AAA.NASDAQ", 3)]


def test_a_parquet_file_becomes_the_same_series(ats, csv, tmp_path):
    """S5-05."""
    rows = [line.split(",") for line in GOOD]
    table = pa.table(
        {name: [row[index] if name == "date" else float(row[index]) for row in rows] for index, name in enumerate(HEADER.split(","))}
    )
    pq.write_table(table, tmp_path / "bars.parquet")
    first = ats("data", "import", csv(*GOOD), *DAILY, "--json").document["entry"]
    second = ats("data", "import", tmp_path / "bars.parquet", "--instrument", "BBB.NASDAQ", "--bar-spec", "1-DAY-LAST", "--json").document[
        "entry"
    ]
    assert first["rows"] == second["rows"] == 3
    assert (first["first"], first["last"]) == (second["first"], second["last"])


def test_the_same_file_again_changes_nothing(ats, csv):
    ats("data", "import", csv(*GOOD), *DAILY)
    again = ats("data", "import", csv(*GOOD), *DAILY, "--json").document
    assert (again["added"], again["unchanged"]) == (0, 3)


def _minutes(count: int) -> list[str]:
    start = datetime(2024, 1, 2, 9, 31)  # noqa: DTZ001 -- the file names no zone; the option does
    return [f"{start + timedelta(minutes=number):%Y-%m-%d %H:%M},10,11,9,{10 + number / 1000:.3f},100" for number in range(count)]


def test_minutes_are_imported_in_their_zone_and_resampled_on_reading(ats, csv):
    """S5-05: stored at their own cadence; coarser timeframes of the registry are built when asked for."""
    path = csv(*_minutes(390), header="timestamp,open,high,low,close,volume")
    options = ["--instrument", "AAA.NASDAQ", "--bar-spec", "1-MINUTE-LAST"]
    assert ats("data", "import", path, *options).code != 0, "a time without a zone must not be guessed"
    assert ats("data", "import", path, *options, "--timezone", "America/New_York").code == 0
    catalog = catalog_of(load_settings())
    for spec, count in (("1-MINUTE-LAST", 390), ("5-MINUTE-LAST", 78), ("30-MINUTE-LAST", 13), ("1-DAY-LAST", 1)):
        columns = catalog.columns("AAA.NASDAQ", BarSpec.parse(spec))
        assert (len(columns), columns.volume.sum()) == (count, 39_000), spec


def test_a_session_that_is_not_over_is_no_daily_bar_and_the_error_says_what_is_stored(ats, csv):
    """S5-05, S5-06: an hour of minutes makes no day."""
    path = csv(*_minutes(60), header="timestamp,open,high,low,close,volume")
    ats("data", "import", path, "--instrument", "AAA.NASDAQ", "--bar-spec", "1-MINUTE-LAST", "--timezone", "America/New_York")
    with pytest.raises(EvidenceError, match=r"no 1-DAY-LAST bars.*stored are 1-MINUTE-LAST bars of 2024-01-02 to 2024-01-02"):
        catalog_of(load_settings()).columns("AAA.NASDAQ", BarSpec(1, "DAY"))


@pytest.mark.parametrize("spec", ["7-MINUTE-LAST", "1-day-last", "0-DAY-LAST", "1-WEEK-LAST", "1-DAY", "99999999-MINUTE-LAST", ""])
def test_a_timeframe_outside_the_registry_is_usage(ats, csv, spec):
    """J6, S5-05."""
    outcome = ats("data", "import", csv(*GOOD), "--instrument", "AAA.NASDAQ", "--bar-spec", spec)
    assert outcome.code == 2
    assert "bar-spec" in outcome.err
    assert "1-DAY-LAST" in outcome.err


@pytest.mark.parametrize("instrument", ["AAA", "AAA.", ".NASDAQ", "../AAA.NASDAQ", "A*.NASDAQ", "A%.NASDAQ", "A" * 1_000])
def test_an_instrument_that_is_none_is_usage(ats, csv, instrument, tmp_path):
    """J5."""
    outcome = ats("data", "import", csv(*GOOD), "--instrument", instrument, "--bar-spec", "1-DAY-LAST")
    assert outcome.code == 2
    assert "instrument" in outcome.err
    assert not (tmp_path / "data" / "catalog" / "data").exists()


UNSOUND = [
    pytest.param(["2024-01-05,10,9,11,10,100"], ["row 4", "high", "low"], id="high below low"),
    pytest.param(["2024-01-05,10,nan,9,10,100"], ["row 4", "high"], id="not a number"),
    pytest.param(["2024-01-04,11.5,12,11,11.25,900"], ["row 4", "2024-01-04"], id="duplicate"),
    pytest.param(["2024-01-02,10,11,9,10.5,1000"], ["row 4", "2024-01-02"], id="time goes back"),
    pytest.param(["2024-01-05,-10,11,-11,10,100"], ["row 4", "open"], id="negative price"),
    pytest.param(["2024-01-05,10,11,0,10,100"], ["row 4", "low"], id="zero price"),
    pytest.param(["2024-01-05,10,11,9,12,100"], ["row 4", "close"], id="close above high"),
    pytest.param(["2024-01-05,10,11,9,10,-1"], ["row 4", "volume"], id="negative volume"),
    pytest.param(["2024-01-05,10,11,9,,100"], ["row 4", "close"], id="empty cell"),
    pytest.param(["2024-01-05,ten,11,9,10,100"], ["row 4", "open"], id="a word"),
    pytest.param(["05.01.2024,10,11,9,10,100"], ["row 4", "date"], id="another date format"),
    pytest.param(["2024-01-05,10,11,9,10"], ["2024-01-05,10,11,9,10"], id="too few cells"),
]


@pytest.mark.parametrize(("rows", "words"), UNSOUND)
def test_an_unsound_row_refuses_the_whole_file_by_row_and_field(ats, csv, tmp_path, rows, words):
    """J19: exit code 5 or 2, the place named, nothing written; what was stored before stays."""
    outcome = ats("data", "import", csv(*GOOD, *rows), *DAILY, "--json")
    error = outcome.document["error"]
    assert outcome.code in (2, 5), outcome.err
    assert all(word in error["message"].lower() for word in words), error["message"]
    assert error["remedy"]
    assert ats("data", "list", "--json").document == []
    assert list((tmp_path / "data").rglob("*.parquet")) == []


FOREIGN = [
    pytest.param(b"", ["empty"], id="0 bytes"),
    pytest.param(HEADER.encode() + b"\n", ["row"], id="header alone"),
    pytest.param(b"date,open,high,low,volume\n2024-01-02,1,1,1,1\n", ["close"], id="missing column"),
    pytest.param(b"\xff\xfe\xe9\xe8 caf\xe9\n" * 20, [], id="J23 Latin-1 garbage"),
    pytest.param(b"date,open,high,low,close,volume\n2024-01-02,1\xe9,2,1,1,1\n", [], id="J23 Latin-1 in a cell"),
    pytest.param(b"PAR1 and nothing else", [], id="no Parquet"),
    pytest.param(b"date,open,high,low,close,volume,symbol\n2024-01-02,1,2,1,1,1,ZZZ\n", ["zzz"], id="another symbol"),
    pytest.param(b"\x00" * 4096, [], id="zero bytes"),
]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(("content", "words"), FOREIGN)
def test_a_file_that_is_no_file_of_bars_is_refused(ats, tmp_path, content, words, suffix):
    """J19, J23: named, with a remedy, nothing written."""
    path = tmp_path / f"foreign.{suffix}"
    path.write_bytes(content)
    outcome = ats("data", "import", path, *DAILY, "--json")
    error = outcome.document["error"]
    assert outcome.code in (2, 5), outcome.err
    assert error["remedy"]
    if suffix == "csv":
        assert all(word in error["message"].lower() for word in words), error["message"]
    assert list((tmp_path / "data").rglob("*.parquet")) == []


def _folder(path: Path) -> None:
    path.mkdir()


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere.csv"))


@pytest.mark.parametrize("make", [_folder, _dangling, lambda _path: None], ids=["a folder", "a dangling link", "nothing"])
def test_a_path_without_a_file_is_refused_by_name(ats, tmp_path, make):
    """J23."""
    make(tmp_path / "it.csv")
    outcome = ats("data", "import", tmp_path / "it.csv", *DAILY)
    assert outcome.code in (2, 5)
    assert str(tmp_path / "it.csv") in outcome.err


def test_another_version_of_the_past_is_refused_and_the_stored_one_stays(ats, csv):
    """J19: two vendors' pasts are not mixed."""
    ats("data", "import", csv(*GOOD), *DAILY)
    outcome = ats("data", "import", csv(GOOD[0], "2024-01-03,10.5,12,10,11.75,1100"), *DAILY)
    assert outcome.code == 5
    assert "2024-01-03" in outcome.err
    assert "--replace" in outcome.err
    assert ats("data", "check").out.startswith("AAA.NASDAQ 1-DAY-LAST: 3 bars, 0 errors")


def test_data_check_of_an_empty_catalog_says_so(ats):
    outcome = ats("data", "check")
    assert outcome.code == 5
    assert "ats data list" in outcome.err


def test_an_empty_list_tells_how_to_fill_it(ats):
    outcome = ats("data", "list")
    assert outcome.code == 0
    assert "ats data load-shipped" in outcome.err


def test_a_misspelt_choice_is_usage(ats, csv):
    outcome = ats("data", "import", csv(*GOOD), *DAILY, "--stamped", "middle")
    assert outcome.code == 2
    assert "stamped" in outcome.err


@pytest.mark.parametrize("kill_after_seconds", [0.3, 0.6, 0.8, 1.0, 1.3])
def test_an_import_killed_at_any_moment_leaves_a_usable_catalog(ats, csv, tmp_path, kill_after_seconds):
    """J19: SIGKILL; afterwards the series is there whole or not at all, and the same import succeeds."""
    days = (datetime(1990, 1, 1) + timedelta(days=number) for number in range(13_000))  # noqa: DTZ001 -- dates
    path = csv(*(f"{day:%Y-%m-%d},10,11,9,10.5,1000" for day in days if day.weekday() < 5))
    command = [sys.executable, "-m", "ats.cli", "data", "import", str(path), *DAILY]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + kill_after_seconds
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    rows = sum(1 for _ in path.open()) - 1
    assert [entry["rows"] for entry in ats("data", "list", "--json").document] in ([], [rows])
    again = ats("data", "import", path, *DAILY, "--json")
    assert again.code == 0, again.err
    assert again.document["entry"]["rows"] == rows
    assert ats("data", "check").code == 0
    assert len([name for name in (tmp_path / "data").rglob("*") if name.is_file() and "bar" in str(name) and name.suffix != ".lock"]) == 1
