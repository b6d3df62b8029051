"""Bars as arrays: the form in which they are checked, stored, resampled and handed to the engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ats.core.clock import from_ns
from ats.core.invariant import invariant
from ats.core.market import Bar, BarSpec
from ats.data.calendar import Days, opened_ns, session_dates

Nanoseconds = NDArray[np.int64]
Floats = NDArray[np.float64]
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, eq=False)
class BarColumns:
    """Bars of one instrument in time order, one array per field, all of one length and read-only.

    Moments are nanoseconds since the epoch, UTC: `event_ns` is the close, `available_ns` the moment from which the bar may be known.
    Prices are in the instrument's currency, volume in shares.
    """

    opened_ns: Nanoseconds
    event_ns: Nanoseconds
    available_ns: Nanoseconds
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __post_init__(self) -> None:
        for name in COLUMN_NAMES:
            array = getattr(self, name)
            invariant(array.shape == self.event_ns.shape, "bars.columns_have_one_length", column=name)
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.event_ns)

    def take(self, rows: slice | NDArray[np.bool_] | NDArray[np.intp]) -> BarColumns:
        """The bars at `rows`, in that order."""
        return BarColumns(**{name: getattr(self, name)[rows] for name in COLUMN_NAMES})

    @property
    def dates(self) -> Days:
        """New York date of each bar's close: the session it belongs to."""
        return session_dates(self.event_ns)

    def digest(self) -> str:
        """SHA-256, hex, over every moment, price and volume; the same bars give the same digest on every machine."""
        state = hashlib.sha256(b"ats bars 1")
        for name in COLUMN_NAMES:
            array = getattr(self, name)
            kind = "<i8" if array.dtype == np.int64 else "<f8"
            state.update(np.ascontiguousarray(array, dtype=kind).data)
        return state.hexdigest()


COLUMN_NAMES: tuple[str, ...] = tuple(field.name for field in fields(BarColumns))


def historical_bars(spec: BarSpec, event_ns: Nanoseconds, prices: dict[str, Floats], volume: Floats) -> BarColumns:
    """Bars of a vendor's history: each opened as its specification says and could be known from its close, never before."""
    return BarColumns(
        opened_ns=opened_ns(spec, event_ns),
        event_ns=event_ns,
        available_ns=event_ns.copy(),
        open=prices["open"],
        high=prices["high"],
        low=prices["low"],
        close=prices["close"],
        volume=volume,
    )


def join(first: BarColumns, second: BarColumns) -> BarColumns:
    """Both sets of bars in time order. The caller has made sure that no moment is in both."""
    joined = {name: np.concatenate((getattr(first, name), getattr(second, name))) for name in COLUMN_NAMES}
    order = np.argsort(joined["event_ns"], kind="stable")
    return BarColumns(**{name: array[order] for name, array in joined.items()})


def core_bars(columns: BarColumns, tick: Decimal) -> list[Bar]:
    """Bars in our own type, prices rounded half to even to the tick and at least one tick: rounding keeps high and low outside the others."""
    ticks = [np.maximum(np.rint(getattr(columns, name) / float(tick)), 1).astype(np.int64).tolist() for name in PRICES]
    moments = [[from_ns(stamp) for stamp in getattr(columns, name).tolist()] for name in ("opened_ns", "event_ns", "available_ns")]
    volumes = [Decimal(int(volume)) for volume in np.rint(columns.volume).tolist()]
    rows = zip(*moments, *ticks, volumes, strict=True)
    return [Bar(a, b, c, o * tick, h * tick, low * tick, close * tick, volume) for a, b, c, o, h, low, close, volume in rows]
