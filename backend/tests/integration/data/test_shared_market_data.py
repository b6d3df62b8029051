"""Real market data through the import: long histories arrive whole, known defects are found (S5-05, J19). Skipped without the data sets."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ats.core.market import BarSpec
from ats.data.catalog import Catalog
from ats.data.ingest import import_file
from ats.data.quality import Problem

SHARED = Path(__file__).resolve().parents[4].parent / "shared" / "data"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAILY = BarSpec(1, "DAY")
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared market data are not beside this checkout")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog")


def shared_file(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not among the shared market data")
    return path


@pytest.mark.parametrize(("instrument", "first", "rows"), [("QQQ.NASDAQ", date(1999, 3, 10), 4700), ("SPY.ARCA", date(2005, 2, 25), 3200)])
def test_an_index_fund_arrives_whole_and_without_findings(catalog, instrument, first, rows):
    path = shared_file("us_daily_adjusted/bars.parquet")
    report = import_file(path, instrument, DAILY, catalog, now=NOW)
    series = catalog.bars(instrument, DAILY)
    source = pq.read_table(path, filters=[("symbol", "=", instrument.split(".")[0])])
    assert (report.added, report.entry.first.date()) == (source.num_rows, first)
    assert source.num_rows > rows
    assert np.allclose(series.close, source["close"].to_numpy(), atol=0.00005001, rtol=0)
    assert series.event_ns.tolist() == source["ts"].cast(pa.int64()).to_pylist()
    assert report.quality.errors == ()


def test_thirty_one_years_arrive_whole(catalog):
    path = next(iter(shared_file("msft_1986_2017").glob("*.parquet")))
    report = import_file(path, "MSFT.NASDAQ", DAILY, catalog, now=NOW)
    assert report.entry.first.date() == date(1986, 3, 13)
    assert report.added == pq.read_metadata(path).num_rows


def pystock(folder: Path, symbol: str) -> Path:
    table = pq.read_table(shared_file("pystock_2015_2017/daily_raw.parquet"), filters=[("symbol", "=", symbol)])
    path = folder / f"{symbol}.parquet"
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize(
    ("symbol", "day", "problems", "adjust"),
    [
        ("CF", date(2015, 6, 18), {Problem.SUSPECTED_SPLIT}, True),
        ("UA", date(2016, 4, 8), {Problem.SUSPECTED_SPLIT}, True),
        ("NEE", date(2016, 6, 9), {Problem.SUSPECTED_SPLIT, Problem.LARGE_MOVE}, True),
        ("NEE", date(2016, 11, 28), {Problem.SUSPECTED_SPLIT, Problem.LARGE_MOVE}, True),
        ("WIN", date(2015, 4, 27), {Problem.SUSPECTED_SPLIT, Problem.LARGE_MOVE}, True),
        ("DTV", None, {Problem.MISSING_SESSIONS}, True),
        ("NKE", date(2015, 12, 24), {Problem.SUSPECTED_SPLIT}, False),
    ],
)
def test_known_defects_of_a_vendor_are_found(tmp_path, catalog, symbol, day, problems, adjust):
    report = import_file(pystock(tmp_path, symbol), f"{symbol}.NYSE", DAILY, catalog, now=NOW, adjust=adjust)
    found = {finding.problem for finding in report.warnings if day is None or finding.event_at.date() == day}
    assert found & problems, [str(finding) for finding in report.warnings]


def test_adjusting_removes_the_suspicion_of_a_known_split(tmp_path, catalog):
    report = import_file(pystock(tmp_path, "NKE"), "NKE.NYSE", DAILY, catalog, now=NOW)
    assert [finding for finding in report.warnings if finding.problem is Problem.SUSPECTED_SPLIT] == []


def test_findings_on_five_hundred_real_stocks_stay_few(tmp_path, catalog):
    """A check that cries wolf is not read: over two years, fewer than one stock in ten has an overnight finding."""
    table = pq.read_table(shared_file("pystock_2015_2017/daily_raw.parquet"))
    symbols = pc.unique(table["symbol"]).to_pylist()[::10]
    suspects = {}
    for symbol in symbols:
        report = import_file(
            pystock(tmp_path, symbol), "X.NYSE" if "." in symbol else f"{symbol}.NYSE", DAILY, catalog, now=NOW, replace=True
        )
        moves = [finding for finding in report.warnings if finding.problem in (Problem.SUSPECTED_SPLIT, Problem.LARGE_MOVE)]
        if moves:
            suspects[symbol] = moves
    assert len(suspects) < len(symbols) / 10, suspects
