"""The data that ships: what its README says, loadable by the path of every file, equal to the independent copy where there is one."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ats.core.market import BarSpec
from ats.data.catalog import Catalog
from ats.data.quality import Problem
from ats.data.shipped import SHIPPED_FILE, SHIPPED_INSTRUMENTS, load_shipped

DAILY = BarSpec(1, "DAY")
BACKEND = Path(__file__).resolve().parents[3]
SHARED = BACKEND.parent.parent / "shared" / "data"


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog")


def test_the_readme_names_the_digest_of_the_file():
    digest = hashlib.sha256(SHIPPED_FILE.read_bytes()).hexdigest()
    assert digest in (SHIPPED_FILE.parent / "README.md").read_text(encoding="utf-8")


def test_five_stocks_load_with_the_spans_the_readme_names(catalog):
    reports = load_shipped(catalog)
    assert tuple(report.entry.instrument_id for report in reports) == SHIPPED_INSTRUMENTS
    assert sum(report.added for report in reports) == 12_154
    spans = {entry.instrument_id: (f"{entry.first:%Y-%m-%d}", f"{entry.last:%Y-%m-%d}") for entry in catalog.list()}
    assert spans["MSFT.NASDAQ"] == spans["AAPL.NASDAQ"] == spans["IBM.NYSE"] == ("2000-03-01", "2013-03-01")
    assert (spans["FB.NASDAQ"], spans["GOOG.NASDAQ"]) == (("2012-05-18", "2013-03-01"), ("2004-08-19", "2013-03-01"))
    assert all(entry.adjusted and entry.price_precision == 4 for entry in catalog.list())


def test_loading_again_changes_nothing(catalog):
    load_shipped(catalog)
    digests = [entry.digest for entry in catalog.list()]
    again = load_shipped(catalog)
    assert [report.added for report in again] == [0] * 5
    assert [entry.digest for entry in catalog.list()] == digests


def test_the_only_finding_is_the_real_fall_of_apple_in_2000(catalog):
    findings = [finding for report in load_shipped(catalog) for finding in report.quality.findings]
    assert [(finding.instrument_id, finding.problem, finding.event_at.date()) for finding in findings] == [
        ("AAPL.NASDAQ", Problem.SUSPECTED_SPLIT, date(2000, 9, 29))
    ]


def test_prices_are_adjusted_through_the_splits(catalog):
    load_shipped(catalog)
    split = catalog.columns("AAPL.NASDAQ", DAILY, date(2005, 2, 25), date(2005, 2, 28))
    assert split.open[1] / split.close[0] == pytest.approx(1.0, abs=0.02)


def test_the_file_is_what_the_script_makes_of_its_source(tmp_path):
    """The script refuses any source but the recorded one; its form is checked on a source of the same form."""
    script = _script()
    source = tmp_path / "stocks.csv.gz"
    rows = "Ticker,Date,Open,High,Low,Close,Volume,Adj Close\nB,2000-01-04,1,2,1,2,3,0.5\nA,2000-01-05,1,2,1,2,3,0.5\nA,2000-01-04,1,2,1,2,3,0.5\n"
    source.write_bytes(gzip.compress(rows.encode()))
    with pytest.raises(SystemExit, match="SHA-256"):
        script.build(source, tmp_path / "out.parquet")
    script.SOURCE_SHA256 = hashlib.sha256(source.read_bytes()).hexdigest()
    digest = script.build(source, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.equals(pq.read_schema(SHIPPED_FILE))
    assert table["symbol"].to_pylist() == ["A", "A", "B"]
    assert digest == hashlib.sha256((tmp_path / "out.parquet").read_bytes()).hexdigest()


def _script():
    specification = importlib.util.spec_from_file_location("build_shipped_data", BACKEND / "scripts" / "build_shipped_data.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.skipif(not (SHARED / "wiki_2000_2013").is_dir(), reason="the shared market data are not beside this checkout")
def test_every_value_equals_the_independent_copy():
    names = ["symbol", "date", "open", "high", "low", "close", "volume", "adj_close"]
    ours = pq.read_table(SHIPPED_FILE, columns=names)
    theirs = pq.read_table(SHARED / "wiki_2000_2013" / "daily_raw.parquet", columns=names)
    for name in names:
        assert np.array_equal(np.array(ours[name].to_pylist()), np.array(theirs[name].to_pylist())), name
