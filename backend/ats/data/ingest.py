"""Files into the catalog: read, adjust, check, store. A file with an error is refused whole; the same file again changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from ats.core.clock import to_ns
from ats.core.errors import EvidenceError, InputError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.data.bar_file import BarFacts, Origin
from ats.data.calendar import sessions_of
from ats.data.catalog import Catalog
from ats.data.columns import PRICES, BarColumns, Floats, historical_bars
from ats.data.moments import Stamped, closes_of
from ats.data.quality import Finding, QualityReport, check_bars
from ats.data.table_file import Progress, TableFile, read_table_file

_ERRORS_SHOWN = 5
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `entry` is the stored series afterwards; `warnings` are for a person to judge, with the count of each kind."""

    entry: BarFacts
    rows_read: int
    added: int
    unchanged: int
    quality: QualityReport

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that did not stop the import."""
        return self.quality.warnings


def import_file(
    path: Path,
    instrument_id: str,
    spec: BarSpec,
    catalog: Catalog,
    *,
    now: datetime,
    adjust: bool = True,
    timezone: str | None = None,
    stamped: Stamped = "close",
    replace: bool = False,
    symbol: str | None = None,
    source: str | None = None,
    progress: Progress = lambda stage, rows: None,  # noqa: ARG005 -- silence is a valid listener
) -> ImportReport:
    """Import one instrument's bars from a CSV or Parquet file.

    Args: adjust, use `adj_close` where the file has it; timezone, IANA zone of times that name none; stamped, whether intraday times are the
    bar's close or its open; replace, drop the stored series first; symbol, the file's name for the instrument where it differs from the
    id's; source, what the catalog shows as origin instead of the file's name.
    Raises: InputError when the file cannot be understood; EvidenceError when its bars are unsound or contradict what is stored.
    """
    instrument = InstrumentId.parse(instrument_id)
    table = read_table_file(path, symbol or instrument.symbol, daily=not spec.is_intraday, progress=progress)
    as_given = historical_bars(
        spec, closes_of(table, spec, timezone, stamped), {name: table.numbers[name] for name in PRICES}, table.numbers["volume"]
    )
    progress("checking", len(as_given))
    _refuse_errors(path, check_bars(instrument_id, spec, as_given, now_ns=to_ns(now), rows=table.rows))
    columns = _adjusted(table, as_given) if adjust else as_given
    quality = check_bars(instrument_id, spec, columns, sessions=sessions_of(columns.event_ns), rows=table.rows)
    progress("storing", len(columns))
    origin = Origin(source or path.name, _sha256(path), adjusted=columns is not as_given)
    stored = catalog.write(instrument_id, spec, columns, origin, replace=replace)
    return ImportReport(stored.entry, len(columns), stored.added, stored.unchanged, quality)


def _adjusted(table: TableFile, bars: BarColumns) -> BarColumns:
    """Prices times adjusted close over close, volume divided by it; the same bars when the file has no adjusted close."""
    if table.adjusted_close is None:
        return bars
    factor = _adjustment(table, table.adjusted_close)
    prices = {name: getattr(bars, name) * factor for name in PRICES}
    return BarColumns(bars.opened_ns, bars.event_ns, bars.available_ns, **prices, volume=bars.volume / factor)


def _adjustment(table: TableFile, adjusted_close: Floats) -> Floats:
    """What each price is multiplied by: adjusted close over close. Raises InputError where the adjusted close is not a price."""
    wrong = np.flatnonzero(~(np.isfinite(adjusted_close) & (adjusted_close > 0)))
    if len(wrong):
        row = int(wrong[0])
        problem = f"in row {table.rows[row]} is not a price"
        raise InputError(
            "adj_close", float(adjusted_close[row]), problem, remedy="Repair the row, or import the prices as traded with --raw."
        )
    factor: Floats = adjusted_close / table.numbers["close"]
    return factor


def _refuse_errors(path: Path, quality: QualityReport) -> None:
    errors = quality.errors
    if not errors:
        return
    total = sum(count for problem, count in quality.counts.items() if problem.is_error)
    shown = "; ".join(str(finding) for finding in errors[:_ERRORS_SHOWN])
    more = f" and {total - _ERRORS_SHOWN} more" if total > _ERRORS_SHOWN else ""
    raise EvidenceError(
        f"{path.name} was not imported: {shown}{more}.",
        remedy="Repair the rows named, or fetch the file again; nothing was stored.",
        findings=[str(finding) for finding in errors],
    )


def _sha256(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
    return state.hexdigest()


def check_entry(catalog: Catalog, entry: BarFacts, *, now_ns: int) -> QualityReport:
    """Every finding in a stored series: the checks of an import.

    Raises EvidenceError when the stored bars are not those whose digest was written with them.
    """
    columns = catalog.columns(entry.instrument_id, entry.spec)
    if columns.digest() != entry.digest:
        raise EvidenceError(
            f"The stored {entry.spec} bars of {entry.instrument_id} are not those that were written: their digest differs.",
            remedy="The file was changed outside ats; import the data again with --replace.",
        )
    return check_bars(entry.instrument_id, entry.spec, columns, now_ns=now_ns, sessions=sessions_of(columns.event_ns))
