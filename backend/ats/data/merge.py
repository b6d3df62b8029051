"""How new bars meet stored ones: rounded to what is stored, joined where they are new, refused where they contradict."""

from __future__ import annotations

import numpy as np

from ats.core.clock import from_ns
from ats.core.errors import EvidenceError
from ats.data.bar_file import BarFacts, Origin
from ats.data.columns import COLUMN_NAMES, PRICES, BarColumns, join

_CENTS = 2
_FINE = 4
_NOISE = 1e-6  # of a hundredth: what a float adds to a price, far below any decimal a vendor writes
_SAME = 1e-12
_MOMENTS = ("opened_ns", "event_ns", "available_ns")


def price_precision(columns: BarColumns) -> int:
    """Two decimals when they hold every price exactly, else four."""
    hundredths = [getattr(columns, name) * 10**_CENTS for name in PRICES]
    exact = all(np.allclose(prices, np.rint(prices), rtol=0, atol=_NOISE) for prices in hundredths)
    return _CENTS if exact else _FINE


def as_stored(columns: BarColumns) -> BarColumns:
    """The bars as a file can hold them: prices rounded half to even at their precision, volume to whole shares.

    Raises EvidenceError for what no file may hold: a price that rounds to zero, moments out of order, a bar known before its close.
    """
    _refuse_disorder(columns)
    precision = price_precision(columns)
    prices = {name: np.rint(getattr(columns, name) * 10**precision) / 10**precision for name in PRICES}
    if min(float(price.min()) for price in prices.values()) <= 0:
        raise EvidenceError(
            f"A price is below half of 10^-{precision} and would be stored as zero.", remedy="Import the prices as traded, with --raw."
        )
    return BarColumns(**{name: getattr(columns, name) for name in _MOMENTS}, **prices, volume=np.rint(columns.volume))


def merge(stored: BarColumns, facts: BarFacts, incoming: BarColumns, origin: Origin) -> tuple[BarColumns, int]:
    """Both together, and how many bars are new. Raises EvidenceError when the two are of different kinds or contradict each other."""
    if origin.adjusted != facts.adjusted:
        kind = {True: "adjusted", False: "as they were given"}
        raise EvidenceError(
            f"Stored {facts.spec} prices of {facts.instrument_id} are {kind[facts.adjusted]}, the new ones {kind[origin.adjusted]}.",
            remedy="Import with the same adjustment (--raw keeps prices as given), or replace the whole series with --replace.",
        )
    is_new = ~np.isin(incoming.event_ns, stored.event_ns)
    _refuse_contradiction(facts, stored, incoming.take(~is_new))
    fresh = incoming.take(is_new)
    return (join(stored, fresh), len(fresh)) if len(fresh) else (stored, 0)


def _refuse_contradiction(facts: BarFacts, stored: BarColumns, repeated: BarColumns) -> None:
    before = stored.take(np.searchsorted(stored.event_ns, repeated.event_ns))
    for name in COLUMN_NAMES:
        old, new = getattr(before, name), getattr(repeated, name)
        differs = np.flatnonzero(~np.isclose(old, new, rtol=_SAME, atol=0))
        if len(differs):
            row = int(differs[0])
            raise EvidenceError(
                f"{facts.instrument_id} {facts.spec} at {from_ns(int(repeated.event_ns[row])):%Y-%m-%d %H:%M:%S}Z: stored {name} is "
                f"{old[row]:.10g}, the new file says {new[row]:.10g} ({len(differs)} bars differ).",
                remedy="Two versions of the past must not be mixed: check which is right, then replace the whole series with --replace.",
            )


def _refuse_disorder(columns: BarColumns) -> None:
    early = np.flatnonzero(columns.available_ns < columns.event_ns)
    back = np.flatnonzero((np.diff(columns.event_ns) <= 0) | (np.diff(columns.available_ns) < 0)) + 1
    for rows, problem in ((early, "could be known before its close"), (back, "does not follow the bar before it")):
        if len(rows):
            close = from_ns(int(columns.event_ns[rows[0]]))
            raise EvidenceError(
                f"The bar of {close:%Y-%m-%d %H:%M:%S}Z {problem}.", remedy="Sort the bars by their close.", row=int(rows[0])
            )
