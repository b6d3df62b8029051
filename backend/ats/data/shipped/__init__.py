"""The market data that comes with ats: five US stocks, daily, 2000 to 2013, in the public domain. README.md names source and digests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ats.core.market import BarSpec
from ats.data.catalog import Catalog
from ats.data.ingest import ImportReport, import_file
from ats.data.table_file import Progress

SHIPPED_FILE = Path(__file__).parent / "us_daily_2000_2013.parquet"
SHIPPED_SPEC = BarSpec(1, "DAY")
SHIPPED_INSTRUMENTS = ("AAPL.NASDAQ", "FB.NASDAQ", "GOOG.NASDAQ", "IBM.NYSE", "MSFT.NASDAQ")
_CLOSED_ON = datetime(2013, 3, 2, tzinfo=UTC)
_SOURCE = "shipped with ats: Quandl WIKI Prices, public domain"


def load_shipped(catalog: Catalog, progress: Progress = lambda stage, rows: None) -> list[ImportReport]:  # noqa: ARG005 -- silence is valid
    """Import the five stocks, adjusted for splits and dividends, by the path every file takes. Doing it again changes nothing."""
    return [
        import_file(SHIPPED_FILE, instrument_id, SHIPPED_SPEC, catalog, now=_CLOSED_ON, source=_SOURCE, progress=progress)
        for instrument_id in SHIPPED_INSTRUMENTS
    ]
