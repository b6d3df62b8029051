"""The charts of a report as plain data: what is drawn where. How it looks stands in the template.

A run of more bars than a chart has room for is drawn with one mark a session; every figure is still of all marks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from ats.analytics.drawdown import drawdowns
from ats.analytics.equity import EquityCurve
from ats.analytics.returns import Days, last_of_each
from ats.core.orders import Fill, Side

LONGEST_CHART = 8_000
_CENTS = 2
_FINE = 4

Floats = NDArray[np.float64]


def chart_data(curve: EquityCurve, benchmark: EquityCurve, dates: Days, close: Floats, fills: Sequence[Fill], *, daily: bool) -> str:
    """Every series of the page as JSON: numbers, dates and sides, no free text, hence safe in a script element; the same for the same run."""
    by_day = daily or len(dates) > LONGEST_CHART
    rows = last_of_each(dates) if by_day else np.arange(len(dates))
    charts: Mapping[str, object] = {
        "x": [str(day) for day in dates[rows]] if by_day else _moments(curve.event_ns[rows]),
        "equity": {"strategy": _rounded(curve.equity[rows], _CENTS), "benchmark": _rounded(benchmark.equity[rows], _CENTS)},
        "drawdown": {"strategy": _falls(curve, rows), "benchmark": _falls(benchmark, rows)},
        "close": _rounded(close[rows], _FINE),
        "buys": _marks(fills, Side.BUY, daily=daily),
        "sells": _marks(fills, Side.SELL, daily=daily),
    }
    return json.dumps(charts, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _moments(event_ns: NDArray[np.int64]) -> list[str]:
    return [str(moment).replace("T", " ") for moment in event_ns.astype("datetime64[ns]").astype("datetime64[s]")]


def _falls(curve: EquityCurve, rows: NDArray[np.intp]) -> list[float]:
    """Per cent below the highest so far; each mark drawn is the deepest since the one before, so that no trough is hidden."""
    if len(rows) == 0:
        return []
    falls = drawdowns(curve.equity, float(curve.starting_cash))
    firsts = np.r_[0, rows[:-1] + 1]
    return _rounded(np.minimum.reduceat(falls, firsts) * 100, _FINE)


def _marks(fills: Sequence[Fill], side: Side, *, daily: bool) -> dict[str, list[object]]:
    mine = [fill for fill in fills if fill.side is side]
    return {
        "x": [_shown(fill.filled_at, daily=daily) for fill in mine],
        "y": [float(fill.price) for fill in mine],
        "text": [f"{fill.side} {fill.quantity:f} at {fill.price:f}" for fill in mine],
    }


def _shown(moment: datetime, *, daily: bool) -> str:
    return f"{moment:%Y-%m-%d}" if daily else f"{moment:%Y-%m-%d %H:%M:%S}"


def _rounded(values: Floats, places: int) -> list[float]:
    result: list[float] = np.round(values, places).tolist()
    return result
