"""One series of bars as one Parquet file, in the engine's own layout and with our facts in its footer.

The layout is NautilusTrader 1.231's: prices and sizes as 128-bit fixed point with sixteen decimals, two nanosecond stamps, the bar type in the
schema's metadata; its `ParquetDataCatalog` reads these files. The conversion is done on whole arrays by Arrow, which is ten times faster than
by way of bar objects and needs no import of the engine. A file is written under a temporary name, forced to disk and renamed: it is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ats.core.clock import from_ns
from ats.core.errors import DependencyError
from ats.core.market import BarSpec
from ats.data.calendar import opened_ns
from ats.data.columns import PRICES, BarColumns

INCOMING = ".incoming-"
_SCALE = 16
_RAW = pa.binary(_SCALE)
_WIDE = 38
_FACTS = b"ats"
_ROW_GROUP = 131_072


@dataclass(frozen=True, slots=True)
class BarFacts:
    """What a file's footer says about its bars. `generation` grows with each rewrite: the highest in a folder is the valid one."""

    instrument_id: str
    spec: BarSpec
    first: datetime
    last: datetime
    rows: int
    adjusted: bool
    price_precision: int
    source: str
    source_sha256: str
    digest: str
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where bars came from: a name for people, the SHA-256 of the file, and whether prices were adjusted on the way in."""

    source: str
    sha256: str
    adjusted: bool


def bar_type_name(instrument_id: str, spec: BarSpec) -> str:
    """The engine's name of an externally built bar type, `QQQ.NASDAQ-1-DAY-LAST-EXTERNAL`."""
    return f"{instrument_id}-{spec}-EXTERNAL"


def facts_of(instrument_id: str, spec: BarSpec, columns: BarColumns, price_precision: int, origin: Origin) -> BarFacts:
    """The footer of bars about to be written."""
    return BarFacts(
        instrument_id=instrument_id,
        spec=spec,
        first=from_ns(int(columns.event_ns[0])),
        last=from_ns(int(columns.event_ns[-1])),
        rows=len(columns),
        adjusted=origin.adjusted,
        price_precision=price_precision,
        source=origin.source,
        source_sha256=origin.sha256,
        digest=columns.digest(),
    )


def write_bars(folder: Path, facts: BarFacts, columns: BarColumns) -> Path:
    """Write the series into its folder and return the file. Whoever interrupts this leaves the old state."""
    folder.mkdir(parents=True, exist_ok=True)
    incoming = folder / f"{INCOMING}{os.getpid()}-{secrets.token_hex(4)}"
    target = folder / f"{_file_stamp(columns.event_ns[0])}_{_file_stamp(columns.event_ns[-1])}.parquet"
    try:
        pq.write_table(_to_table(facts, columns), incoming, compression="zstd", use_dictionary=False, row_group_size=_ROW_GROUP)
        _force_to_disk(incoming)
        incoming.replace(target)
    finally:
        incoming.unlink(missing_ok=True)
    _force_to_disk(folder)
    return target


def read_facts(path: Path) -> BarFacts:
    """The footer of one file. Raises DependencyError for a file that is damaged or not ours."""
    try:
        found = json.loads((pq.read_schema(path).metadata or {})[_FACTS])
        moments = {name: datetime.fromisoformat(found[name]) for name in ("first", "last")}
        return BarFacts(**{**found, **moments, "spec": BarSpec.parse(found["spec"])})
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError) as error:
        raise DependencyError(
            f"{path} is not a readable bar file of this catalog ({error}).",
            remedy="Move it out of the catalog and import its data again with `ats data import`.",
        ) from error


def read_bars(path: Path, facts: BarFacts) -> BarColumns:
    """Every bar of one file; prices are the nearest float64 to the stored decimals."""
    table = pq.read_table(path)
    event_ns = _moments(table, "ts_event")
    prices = {name: _decode(table[name], facts.price_precision) for name in PRICES}
    return BarColumns(
        opened_ns=opened_ns(facts.spec, event_ns),
        event_ns=event_ns,
        available_ns=_moments(table, "ts_init"),
        volume=_decode(table["volume"], 0),
        **prices,
    )


def next_generation(facts: BarFacts, after: BarFacts | None) -> BarFacts:
    """The facts as the successor of what is stored."""
    return replace(facts, generation=1 if after is None else after.generation + 1)


def _to_table(facts: BarFacts, columns: BarColumns) -> pa.Table:
    arrays = [_encode(getattr(columns, name), facts.price_precision) for name in PRICES]
    arrays.append(_encode(columns.volume, 0))
    arrays += [pa.array(stamps.astype(np.uint64)) for stamps in (columns.event_ns, columns.available_ns)]
    names = (*PRICES, "volume", "ts_event", "ts_init")
    fields = [pa.field(name, array.type, nullable=False) for name, array in zip(names, arrays, strict=True)]
    return pa.table(arrays, schema=pa.schema(fields, metadata=_metadata(facts)))


def _metadata(facts: BarFacts) -> dict[str | bytes, str]:
    ours = {name: getattr(facts, name) for name in BarFacts.__slots__}
    ours |= {"spec": str(facts.spec), "first": facts.first.isoformat(), "last": facts.last.isoformat()}
    return {
        "bar_type": bar_type_name(facts.instrument_id, facts.spec),
        "instrument_id": facts.instrument_id,
        "price_precision": str(facts.price_precision),
        "size_precision": "0",
        _FACTS: json.dumps(ours, sort_keys=True),
    }


def _encode(values: NDArray[np.float64], precision: int) -> pa.Array:
    """float64 -> fixed point: round to `precision`, then let Arrow rescale the integers to sixteen decimals."""
    units = pa.array(np.rint(values * 10**precision).astype(np.int64)).cast(pa.decimal128(_WIDE, 0))
    return _reread(_reread(units, pa.decimal128(_WIDE, precision)).cast(pa.decimal128(_WIDE, _SCALE)), _RAW)


def _decode(column: pa.ChunkedArray, precision: int) -> NDArray[np.float64]:
    whole = column.combine_chunks()
    raw = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
    scaled = _reread(raw, pa.decimal128(_WIDE, _SCALE)).cast(pa.decimal128(_WIDE, precision))
    units: NDArray[np.int64] = _reread(scaled, pa.decimal128(_WIDE, 0)).cast(pa.int64()).to_numpy()
    values: NDArray[np.float64] = units / 10**precision
    return values


def _reread(array: pa.Array, kind: Any) -> pa.Array:  # noqa: ANN401 -- Arrow ships no types
    """The same sixteen bytes a value under another type."""
    return pa.Array.from_buffers(kind, len(array), array.buffers(), offset=array.offset)


def _moments(table: pa.Table, name: str) -> NDArray[np.int64]:
    stamps: NDArray[np.int64] = table[name].to_numpy().astype(np.int64)
    return stamps


def _file_stamp(nanoseconds: np.int64) -> str:
    """The engine's way to write a moment in a file name: `2020-01-02T21-00-00-000000000Z`."""
    seconds, rest = divmod(int(nanoseconds), 1_000_000_000)
    return f"{from_ns(seconds * 1_000_000_000):%Y-%m-%dT%H-%M-%S}-{rest:09}Z"


def _force_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
