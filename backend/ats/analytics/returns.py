"""Returns: from equity to simple returns, from bars to one mark a session, from sessions to calendar years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class YearReturn:
    """Return of one calendar year as a fraction, compounded over the sessions of it that the run covers."""

    year: int
    value: float


def simple_returns(values: Floats) -> Floats:
    """`values[i] / values[i-1] - 1`, one shorter than `values`. Raises ValueError when a base is not above zero: there is no return on it."""
    if len(values) > 1 and values[:-1].min() <= 0:
        raise ValueError("a return needs a base above zero")
    result: Floats = values[1:] / values[:-1] - 1.0
    return result


def last_of_each(dates: Days) -> NDArray[np.intp]:
    """Index of the last mark of each date; dates must not go back. This makes one mark a session of intraday equity."""
    if len(dates) == 0:
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.r_[dates[1:] != dates[:-1], True])


def year_returns(dates: Days, equity: Floats, start: float) -> tuple[YearReturn, ...]:
    """Return of each calendar year: its last mark over the last mark of the year before, `start` for the first.

    Raises ValueError when a base is not above zero.
    """
    years = dates.astype("datetime64[Y]")
    ends = last_of_each(years)
    values = simple_returns(np.r_[start, equity[ends]])
    numbers = years[ends].astype(np.int64) + 1970
    return tuple(YearReturn(int(year), float(value)) for year, value in zip(numbers, values, strict=True))
