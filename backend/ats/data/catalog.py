"""The catalog of bars: one NautilusTrader Parquet catalog, and the only way bars go in and come out.

Each series (instrument and cadence) is one file in the engine's own layout, replaced as a whole, so that readers see the old state or the new one.
A lock, which the system frees when its holder dies, keeps one writer from readers and other writers; a crash leaves at most a temporary or a
superseded file, which the next writer removes. A cadence that is not stored is resampled from a finer one. The engine is imported only when its own bar objects are asked for.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ats.core.errors import DependencyError, EvidenceError
from ats.core.ids import InstrumentId
from ats.core.invariant import invariant
from ats.core.market import Bar, BarSpec
from ats.data.bar_file import (
    INCOMING,
    BarFacts,
    Origin,
    bar_type_name,
    facts_of,
    next_generation,
    read_bars,
    read_facts,
    write_bars,
)
from ats.data.calendar import Days, session_dates
from ats.data.columns import COLUMN_NAMES, BarColumns, core_bars
from ats.data.merge import as_stored, merge, price_precision
from ats.data.resample import base_for, resample
from ats.data.window import bounds_ns

if TYPE_CHECKING:
    from nautilus_trader.model.data import Bar as EngineBar
    from nautilus_trader.model.instruments import Equity

_LOCK = ".lock"

CatalogEntry = BarFacts
"""One stored series: instrument, cadence, first and last close, rows, whether prices were adjusted, precision, source, digest."""
type CoreBars = list[Bar]


@dataclass(frozen=True, slots=True, eq=False)
class BarSeries(BarColumns):
    """A window of bars for the engine: its bar objects, its instrument, and the same bars as arrays. Never empty.

    `resampled_from` names the stored cadence the bars were built from, None when they are stored as they are.
    """

    instrument_id: str
    spec: BarSpec
    price_precision: int
    bars: list[EngineBar]
    instrument: Equity
    adjusted: bool
    source: str
    resampled_from: BarSpec | None

    @property
    def dates(self) -> Days:
        """New York date of each close."""
        return session_dates(self.event_ns)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a write did: the series as it is now, rows that are new, rows that were there already."""

    entry: BarFacts
    added: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Window:
    columns: BarColumns
    facts: BarFacts
    path: Path
    is_resampled: bool


class Catalog:
    """The bars below one folder. Safe to use from several processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def list(self) -> list[CatalogEntry]:
        """Every stored series, by instrument, then from the finest cadence to the coarsest."""
        with self._reading():
            return _entries(self._bars_folder)

    def columns(self, instrument_id: str, spec: BarSpec, start: date | None = None, end: date | None = None) -> BarColumns:
        """Bars as arrays, without importing the engine. Window and errors as in `bars`."""
        with self._reading():
            return self._window(instrument_id, spec, start, end).columns

    def bars(self, instrument_id: str, spec: BarSpec, start: date | None = None, end: date | None = None) -> BarSeries:
        """Bars that closed at or after `start` and were known by `end`; a plain date means the whole New York day, None no bound.

        Raises EvidenceError when the window holds none, naming what is stored and how to import.
        """
        with self._reading():
            window = self._window(instrument_id, spec, start, end)
            bars = _engine_bars(window, spec)
        invariant(len(bars) == len(window.columns), "catalog.bars_match_arrays", bars=len(bars), arrays=len(window.columns))
        facts = window.facts
        return BarSeries(
            **{name: getattr(window.columns, name) for name in COLUMN_NAMES},
            instrument_id=instrument_id,
            spec=spec,
            price_precision=facts.price_precision,
            bars=bars,
            instrument=engine_instrument(instrument_id, facts.price_precision),
            adjusted=facts.adjusted,
            source=facts.source,
            resampled_from=facts.spec if window.is_resampled else None,
        )

    def core_bars(
        self, instrument_id: str, spec: BarSpec, start: date | None = None, end: date | None = None, *, tick: Decimal = Decimal("0.01")
    ) -> CoreBars:
        """Bars in our own type with prices rounded half to even to the tick, at least one tick. Window and errors as in `bars`."""
        return core_bars(self.columns(instrument_id, spec, start, end), tick)

    def write(self, instrument_id: str, spec: BarSpec, columns: BarColumns, origin: Origin, *, replace: bool = False) -> Stored:
        """Add bars to a series, all of them or none. Bars already stored are left alone; `replace` drops the stored series first.

        Raises EvidenceError when a stored bar of the same moment says something else, since two versions of the past must not be mixed, and
        when bars are out of order or would be known before their close.
        """
        InstrumentId.parse(instrument_id)
        if len(columns) == 0:
            raise EvidenceError(f"There are no {spec} bars of {instrument_id} to store.", remedy="Check the file and the window.")
        columns = as_stored(columns)
        folder = self._folder(instrument_id, spec)
        with self._writing():
            current = _current(folder)
            if current is None or replace:
                merged, added = columns, len(columns)
            else:
                merged, added = merge(read_bars(*current), current[1], columns, origin)
            if current is not None and added == 0:
                return Stored(current[1], 0, len(columns))
            facts = facts_of(instrument_id, spec, merged, price_precision(merged), origin)
            facts = next_generation(facts, None if current is None else current[1])
            _remove_others(folder, write_bars(folder, facts, merged))
        return Stored(facts, added, len(columns) - added)

    @property
    def _bars_folder(self) -> Path:
        return self.path / "data" / "bar"

    def _folder(self, instrument_id: str, spec: BarSpec) -> Path:
        return self._bars_folder / bar_type_name(instrument_id, spec)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        lock_file = self.path / _LOCK
        if not lock_file.exists():  # nothing was ever written here
            yield
            return
        with lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise DependencyError(
                f"The catalog {self.path} cannot be written: {error}.", remedy="Check folder, rights and free space."
            ) from error

    def _window(self, instrument_id: str, spec: BarSpec, start: date | None, end: date | None) -> _Window:
        InstrumentId.parse(instrument_id)
        first_ns, last_ns = bounds_ns(start, end)
        whole = self._series(instrument_id, spec)
        columns = whole.columns
        inside = (columns.event_ns >= first_ns) & (columns.available_ns <= last_ns)
        if not inside.any():
            raise _nothing_in_window(instrument_id, spec, start, end, whole.facts)
        return whole if inside.all() else _Window(columns.take(inside), whole.facts, whole.path, whole.is_resampled)

    def _series(self, instrument_id: str, spec: BarSpec) -> _Window:
        stored = self._load(instrument_id, spec)
        if stored is not None:
            return stored
        entries = _entries(self._bars_folder)
        base = base_for(spec, [entry.spec for entry in entries if entry.instrument_id == instrument_id])
        source = None if base is None else self._load(instrument_id, base)
        if source is None:
            raise _not_stored(instrument_id, spec, entries)
        return _Window(resample(source.columns, spec), source.facts, source.path, is_resampled=True)

    def _load(self, instrument_id: str, spec: BarSpec) -> _Window | None:
        current = _current(self._folder(instrument_id, spec))
        return None if current is None else _Window(read_bars(*current), current[1], current[0], is_resampled=False)


def _not_stored(instrument_id: str, spec: BarSpec, entries: list[CatalogEntry]) -> EvidenceError:
    specs = [str(entry.spec) for entry in entries if entry.instrument_id == instrument_id]
    instruments = sorted({entry.instrument_id for entry in entries})
    known = f"stored for it: {', '.join(specs)}" if specs else f"stored in the catalog: {', '.join(instruments) or 'nothing'}"
    return EvidenceError(
        f"The catalog has no {spec} bars of {instrument_id}, and none they could be built from ({known}).",
        remedy=_import_command(instrument_id, spec),
        instrument_id=instrument_id,
    )


def _nothing_in_window(instrument_id: str, spec: BarSpec, start: date | None, end: date | None, facts: BarFacts) -> EvidenceError:
    asked = f"from {start or 'the beginning'} to {end or 'the end'}"
    return EvidenceError(
        f"There are no {spec} bars of {instrument_id} {asked}; stored are {facts.spec} bars of {facts.first:%Y-%m-%d} to {facts.last:%Y-%m-%d}.",
        remedy=f"Choose a window inside that range. {_import_command(instrument_id, spec)}",
        instrument_id=instrument_id,
    )


def engine_instrument(instrument_id: str, price_precision: int) -> Equity:
    """The engine's equity in US dollars, traded in whole shares, fully margined: leverage is never assumed."""
    from nautilus_trader.model.currencies import USD  # noqa: PLC0415 -- start-up time
    from nautilus_trader.model.identifiers import InstrumentId as EngineId  # noqa: PLC0415 -- start-up time
    from nautilus_trader.model.identifiers import Symbol  # noqa: PLC0415 -- start-up time
    from nautilus_trader.model.instruments import Equity  # noqa: PLC0415 -- start-up time
    from nautilus_trader.model.objects import Price, Quantity  # noqa: PLC0415 -- start-up time

    return Equity(
        instrument_id=EngineId.from_str(instrument_id),
        raw_symbol=Symbol(InstrumentId.parse(instrument_id).symbol),
        currency=USD,
        price_precision=price_precision,
        price_increment=Price(10**-price_precision, price_precision),
        lot_size=Quantity.from_int(1),
        margin_init=Decimal(1),
        margin_maint=Decimal(1),
        ts_event=0,
        ts_init=0,
    )


def _engine_bars(window: _Window, spec: BarSpec) -> list[EngineBar]:
    return _built(window, spec) if window.is_resampled else _decoded(window)


def _decoded(window: _Window) -> list[EngineBar]:
    """Straight from the file by the engine's own reader: half the time of building each bar from arrays (measured)."""
    from nautilus_trader.core.nautilus_pyo3 import DataBackendSession, NautilusDataType, drop_cvec_pycapsule  # noqa: PLC0415 -- start-up time
    from nautilus_trader.model.data import capsule_to_list  # noqa: PLC0415 -- start-up time

    first, last = int(window.columns.event_ns[0]), int(window.columns.event_ns[-1])
    query = f"SELECT * FROM bars WHERE ts_event >= {first} AND ts_event <= {last} ORDER BY ts_init"  # noqa: S608 -- two integers
    session = DataBackendSession()
    session.add_file(NautilusDataType.Bar, "bars", window.path.absolute().as_uri(), query)
    bars: list[EngineBar] = []
    for chunk in session.to_query_result():
        bars.extend(capsule_to_list(chunk))
        drop_cvec_pycapsule(chunk)
    return bars


def _built(window: _Window, spec: BarSpec) -> list[EngineBar]:
    from nautilus_trader.model.data import Bar as EngineBar  # noqa: PLC0415 -- start-up time
    from nautilus_trader.model.data import BarType  # noqa: PLC0415 -- start-up time

    columns = window.columns
    prices = (columns.open, columns.high, columns.low, columns.close, columns.volume)
    stamps = (columns.event_ns.astype(np.uint64), columns.available_ns.astype(np.uint64))
    bar_type = BarType.from_str(bar_type_name(window.facts.instrument_id, spec))
    writable = [array.copy() for array in prices]  # the engine's typed memory views refuse read-only arrays
    built: list[EngineBar] = EngineBar.from_raw_arrays_to_list(bar_type, window.facts.price_precision, 0, *writable, *stamps)
    return built


def _entries(bars_folder: Path) -> list[CatalogEntry]:
    folders = sorted(bars_folder.iterdir()) if bars_folder.is_dir() else []
    found = [current[1] for folder in folders if folder.is_dir() and (current := _current(folder)) is not None]
    return sorted(found, key=lambda entry: (entry.instrument_id, entry.spec.duration))


def _current(folder: Path) -> tuple[Path, BarFacts] | None:
    """The valid file of a series: the one of the highest generation."""
    found = [(path, read_facts(path)) for path in sorted(folder.glob("*.parquet"))]
    return max(found, key=lambda item: item[1].generation, default=None)


def _remove_others(folder: Path, kept: Path) -> None:
    for path in folder.iterdir():
        if path != kept and (path.suffix == ".parquet" or path.name.startswith(INCOMING)):
            path.unlink(missing_ok=True)


def _import_command(instrument_id: str, spec: BarSpec) -> str:
    return f"Import bars with `ats data import FILE --instrument {instrument_id} --bar-spec {spec}`."
