"""A vendor's CSV or Parquet file as plain columns: names matched, numbers and moments parsed, every complaint naming the field and the row.

Columns are matched by name, whatever their case: `date` or `timestamp` (also `datetime`, `time`, `ts`), `open`, `high`, `low`, `close`, `volume`,
optionally `adj_close` and `symbol` (also `ticker`). Anything else in the file is ignored. CSV may be separated by comma, semicolon or tab and
may be compressed (.gz). Rows are counted from 1, the first row under the header.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ats.core.errors import InputError
from ats.data.columns import PRICES, Floats

Progress = Callable[[str, int], None]
"""Called with what is being done (`reading`, `checking`, `storing`) and the rows done so far."""

_TIME_NAMES = ("timestamp", "datetime", "ts", "time", "date")
_SYMBOL_NAMES = ("symbol", "ticker")
_ADJUSTED_NAMES = ("adj_close", "adjclose", "adjusted_close", "close_adj")
_NUMBERS = (*PRICES, "volume")
_SEPARATORS = (",", ";", "\t")
_HEADER_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 23
_SYMBOLS_SHOWN = 10
_MISSING = ("", "nan", "null", "none", "na", "n/a", "-")
_SCHEMA_REMEDY = "Needed are date or timestamp, open, high, low, close and volume; adj_close and symbol are optional."


@dataclass(frozen=True, slots=True)
class TableFile:
    """The rows of one instrument as the file gives them. `times` is an Arrow array of text, dates or timestamps."""

    rows: NDArray[np.int64]
    times: Any
    time_name: str
    numbers: dict[str, Floats]
    adjusted_close: Floats | None


def read_table_file(path: Path, symbol: str, *, daily: bool, progress: Progress) -> TableFile:
    """Read the rows of `symbol`, or all rows when the file has no symbol column. Raises InputError naming the field (rows J19, J23)."""
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise InputError("file", path, problem, remedy="Give the path of a CSV or Parquet file.")
    try:
        table, columns = _read_parquet(path, daily) if _is_parquet(path) else _read_csv(path, daily, progress)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError("file", path, f"cannot be read: {reason}", remedy="Give a CSV (UTF-8) or Parquet file of bars.") from error
    progress("reading", table.num_rows)
    if table.num_rows == 0:
        raise InputError("file", path, "has no rows", remedy="Check the download.")
    rows = _rows_of(table, columns, symbol)
    numbers = {name: _numbers(table, columns, name, rows) for name in _NUMBERS}
    adjusted = _numbers(table, columns, "adj_close", rows) if "adj_close" in columns else None
    times = _whole(table[columns["time"]]).take(pa.array(rows))
    return TableFile(rows + 1, times, columns["time"], numbers, adjusted)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _read_parquet(path: Path, daily: bool) -> tuple[pa.Table, dict[str, str]]:
    columns = _match(pq.read_schema(path).names, daily)
    return pq.read_table(path, columns=list(columns.values())), columns


def _read_csv(path: Path, daily: bool, progress: Progress) -> tuple[pa.Table, dict[str, str]]:
    names, separator = _csv_header(path)
    columns = _match(names, daily)
    convert = pyarrow.csv.ConvertOptions(
        include_columns=list(columns.values()),
        column_types=dict.fromkeys(columns.values(), pa.string()),
    )
    read = pyarrow.csv.ReadOptions(column_names=names, skip_rows=1, block_size=_BLOCK_BYTES)
    parse = pyarrow.csv.ParseOptions(delimiter=separator)
    with pyarrow.csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
        batches = list(_counted(reader, progress))
        return pa.Table.from_batches(batches, schema=reader.schema), columns


def _counted(reader: Any, progress: Progress) -> Iterator[Any]:  # noqa: ANN401 -- Arrow ships no types
    done = 0
    for batch in reader:
        done += batch.num_rows
        progress("reading", done)
        yield batch


def _csv_header(path: Path) -> tuple[list[str], str]:
    with pa.input_stream(path, compression="detect") as stream:
        head = stream.read(_HEADER_BYTES).decode("utf-8-sig", errors="replace")
    line = head.splitlines()[0] if head.strip() else ""
    separator = max(_SEPARATORS, key=line.count)
    if not line.strip():
        raise InputError("file", path, "is empty or has no header", remedy=_SCHEMA_REMEDY)
    return next(csv.reader([line], delimiter=separator)), separator


def _match(names: list[str], daily: bool) -> dict[str, str]:
    """Our name of each wanted column to the file's. Raises InputError for a missing or doubled one."""
    known: dict[str, list[str]] = {}
    for name in names:
        known.setdefault(re.sub(r"[\s\-]+", "_", name.strip().lower()), []).append(name)
    time_names = ("date", *_TIME_NAMES[:-1]) if daily else _TIME_NAMES
    wanted: dict[str, tuple[str, ...]] = {name: (name,) for name in _NUMBERS}
    wanted |= {"time": time_names, "symbol": _SYMBOL_NAMES, "adj_close": _ADJUSTED_NAMES}
    found = {ours: next((known[name] for name in candidates if name in known), []) for ours, candidates in wanted.items()}
    for ours, matches in found.items():
        if not matches and ours not in ("symbol", "adj_close"):
            missing = "date or timestamp" if ours == "time" else ours
            raise InputError("columns", ", ".join(names), f"have no {missing}", remedy=_SCHEMA_REMEDY)
        if len(matches) > 1:
            raise InputError("columns", ", ".join(names), f"have {ours} twice", remedy="Keep one of them.")
    return {ours: matches[0] for ours, matches in found.items() if matches}


def _rows_of(table: pa.Table, columns: dict[str, str], symbol: str) -> NDArray[np.int64]:
    if "symbol" not in columns:
        return np.arange(table.num_rows, dtype=np.int64)
    symbols = pc.utf8_trim_whitespace(_whole(table[columns["symbol"]]).cast(pa.string()))
    rows: NDArray[np.int64] = np.flatnonzero(pc.fill_null(pc.equal(symbols, symbol), fill_value=False).to_numpy(zero_copy_only=False))
    if len(rows) == 0:
        present = sorted(name for name in pc.unique(symbols).to_pylist() if name is not None)
        shown = ", ".join(present[:_SYMBOLS_SHOWN]) + (
            f" and {len(present) - _SYMBOLS_SHOWN} more" if len(present) > _SYMBOLS_SHOWN else ""
        )
        raise InputError("instrument", symbol, f"is not in the file, which holds {shown}", remedy="Choose one of these symbols.")
    return rows


def _numbers(table: pa.Table, columns: dict[str, str], name: str, rows: NDArray[np.int64]) -> Floats:
    column = _whole(table[columns[name]]).take(pa.array(rows))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _parsed(column, name, rows)
    try:
        return _floats(column.cast(pa.float64(), safe=False))
    except pa.ArrowException as error:
        raise InputError(name, str(column.type), "is not a column of numbers", remedy=_SCHEMA_REMEDY) from error


def _parsed(texts: pa.Array, name: str, rows: NDArray[np.int64]) -> Floats:
    texts = pc.utf8_trim_whitespace(texts)
    known = pc.if_else(pc.is_in(pc.utf8_lower(texts), value_set=pa.array(_MISSING)), None, texts)
    try:
        return _floats(known.cast(pa.float64()))
    except pa.ArrowException as error:
        row = next(index for index, text in enumerate(known.to_pylist()) if text is not None and not _is_number(text))
        problem = f"in row {rows[row] + 1} is not a number"
        raise InputError(name, known[row].as_py(), problem, remedy="Write digits and a decimal point, no separators.") from error


def _is_number(text: str) -> bool:
    try:
        pa.scalar(text).cast(pa.float64())
    except pa.ArrowException:
        return False
    return True


def _floats(array: pa.Array) -> Floats:
    values: Floats = array.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _whole(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined
