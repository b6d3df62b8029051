"""Drawdown: how far equity stands below its highest mark so far, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Nanoseconds = NDArray[np.int64]

_DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class DeepestDrawdown:
    """The deepest fall: `depth` as a fraction (-0.25 is a quarter below the peak), indices of peak and trough, of recovery or None."""

    depth: float
    peak: int
    trough: int
    recovery: int | None


def drawdowns(equity: Floats, start: float | None = None) -> Floats:
    """`equity / highest so far - 1` at every mark, zero or below. `start`, the cash begun with, counts as a first peak.

    Raises ValueError when the highest so far is not above zero.
    """
    highest = np.maximum.accumulate(equity if start is None else np.maximum(equity, start))
    if len(highest) and highest[0] <= 0:
        raise ValueError("a drawdown needs a peak above zero")
    result: Floats = equity / highest - 1.0
    return result


def deepest_drawdown(equity: Floats) -> DeepestDrawdown | None:
    """The deepest fall from a mark to a later one; None when there is none."""
    falls = drawdowns(equity)
    if len(falls) == 0 or falls.min() >= 0:
        return None
    trough = int(falls.argmin())
    peak = int(equity[: trough + 1].argmax())
    back = np.flatnonzero(equity[trough:] >= equity[peak])
    return DeepestDrawdown(float(falls[trough]), peak, trough, trough + int(back[0]) if len(back) else None)


def longest_underwater_days(event_ns: Nanoseconds, falls: Floats) -> float:
    """Longest stay below a peak: from the peak's mark to the mark that stood there again, or to the last one. Calendar days; 0 when never below.

    `falls` is what `drawdowns` gives for the marks at `event_ns`. Below the cash begun with, the stay counts from the first mark.
    """
    below = falls < 0
    if not below.any():
        return 0.0
    edges = np.diff(np.r_[False, below, False].astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    since = event_ns[np.maximum(starts - 1, 0)]
    until = event_ns[np.minimum(ends, len(event_ns) - 1)]
    return float((until - since).max()) / _DAY_NS
