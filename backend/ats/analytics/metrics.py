"""The figures of a run (S5-09). Each says its formula; a figure that does not exist is None, never NaN or infinity.

Returns are per session: intraday equity is reduced to its last mark of each New York date. Annual figures use 252 sessions a year and a
risk-free rate of zero; CAGR uses calendar time. Trade figures are of closed round trips, net of commissions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ats.analytics.drawdown import drawdowns, longest_underwater_days
from ats.analytics.equity import EquityCurve
from ats.analytics.returns import Days, Floats, last_of_each, simple_returns
from ats.analytics.round_trips import RoundTrip, closed

SESSIONS_PER_YEAR = 252
_YEAR_NS = 365.25 * 86_400e9
_SHORTEST_YEARS = 30 / 365.25
_NO_SPREAD = 1e-12
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Performance:
    """Everything a report says in numbers. Fractions are 0.05 for five per cent; money is in the account's currency."""

    final_equity: float
    total_return: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float | None
    longest_drawdown_days: float | None
    exposure: float | None
    trades: int
    win_rate: float | None
    profit_factor: float | None
    average_win: Decimal | None
    average_loss: Decimal | None
    net_profit: Decimal
    commissions: Decimal
    sessions: int

    def as_plain(self) -> dict[str, float | int | str | None]:
        """For JSON: money as text, the rest as it is."""
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()}


def performance(curve: EquityCurve, dates: Days, trips: Sequence[RoundTrip]) -> Performance:
    """Every figure of a run. `dates` is the New York date of each mark; `trips` may hold an open one, which no trade figure counts."""
    start = float(curve.starting_cash)
    marks = last_of_each(dates)
    returns = _returns(start, curve.equity[marks])
    falls = _falls(curve.equity, start)
    total = total_return(start, curve.equity)
    growth = cagr(total, years_between(curve.event_ns))
    deepest = None if falls is None else float(falls.min(initial=0.0))
    finished = closed(trips)
    return Performance(
        final_equity=float(curve.equity[-1]) if len(curve.equity) else start,
        total_return=total,
        cagr=growth,
        volatility=volatility(returns),
        sharpe=sharpe(returns),
        sortino=sortino(returns),
        calmar=calmar(growth, deepest),
        max_drawdown=deepest,
        longest_drawdown_days=None if falls is None else longest_underwater_days(curve.event_ns, falls),
        exposure=curve.exposure,
        trades=len(finished),
        win_rate=win_rate(finished),
        profit_factor=profit_factor(finished),
        average_win=_mean([trip.profit for trip in finished if trip.profit > 0]),
        average_loss=_mean([trip.profit for trip in finished if trip.profit < 0]),
        net_profit=sum((trip.profit for trip in finished), Decimal(0)),
        commissions=sum((trip.commission for trip in trips), Decimal(0)),
        sessions=len(marks),
    )


def total_return(start: float, equity: Floats) -> float:
    """Last equity over the cash begun with, less one."""
    return float(equity[-1]) / start - 1.0 if len(equity) else 0.0


def years_between(event_ns: NDArray[np.int64]) -> float:
    """Calendar years of 365.25 days from the first mark to the last."""
    return float(event_ns[-1] - event_ns[0]) / _YEAR_NS if len(event_ns) else 0.0


def cagr(total: float, years: float) -> float | None:
    """Compound annual growth, `(1 + total) ** (1 / years) - 1`. None for less than 30 days, or when more than everything was lost."""
    if years < _SHORTEST_YEARS or total < -1.0:
        return None
    growth: float = (1.0 + total) ** (1.0 / years) - 1.0
    return growth


def volatility(returns: Floats) -> float | None:
    """Standard deviation of session returns (n - 1) times the root of 252. None for fewer than two returns."""
    return None if len(returns) < 2 else float(returns.std(ddof=1)) * SESSIONS_PER_YEAR**0.5  # noqa: PLR2004 -- two points make a spread


def sharpe(returns: Floats) -> float | None:
    """Mean over standard deviation (n - 1) of session returns, times the root of 252; risk-free rate zero. None without a spread.

    Source: Sharpe (1994), The Sharpe Ratio, Journal of Portfolio Management 21, 49-58; its ex-post form.
    """
    if len(returns) < 2:  # noqa: PLR2004 -- two points make a spread
        return None
    return _annual_ratio(float(returns.mean()), float(returns.std(ddof=1)))


def sortino(returns: Floats) -> float | None:
    """Mean over downside deviation, the root of the mean of squared negative returns over all sessions, times the root of 252; target zero.

    None when no return is negative. Source: Sortino and Price (1994), Journal of Investing 3, 59-64.
    """
    if len(returns) == 0:
        return None
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    return _annual_ratio(float(returns.mean()), downside)


def calmar(growth: float | None, deepest: float | None) -> float | None:
    """CAGR over the depth of the deepest drawdown of the whole run. None without a CAGR or a drawdown.

    Source: Young (1991), Futures 20, 40; there over 36 months.
    """
    if growth is None or not deepest:
        return None
    return growth / -deepest


def win_rate(trips: Sequence[RoundTrip]) -> float | None:
    """Share of trips that earned something after commissions. None without trips."""
    return sum(trip.profit > 0 for trip in trips) / len(trips) if trips else None


def profit_factor(trips: Sequence[RoundTrip]) -> float | None:
    """Sum of profits over sum of losses. None when nothing was lost: the quotient does not exist."""
    won = sum((trip.profit for trip in trips if trip.profit > 0), Decimal(0))
    lost = sum((-trip.profit for trip in trips if trip.profit < 0), Decimal(0))
    return float(won / lost) if lost else None


def _annual_ratio(mean: float, spread: float) -> float | None:
    return None if spread < _NO_SPREAD else mean / spread * SESSIONS_PER_YEAR**0.5


def _returns(start: float, marks: Floats) -> Floats:
    """Session returns; none at all when equity fell to zero or below, because there is no return on nothing."""
    values = np.r_[start, marks]
    return np.zeros(0) if values[:-1].min(initial=np.inf) <= 0 else simple_returns(values)


def _falls(equity: Floats, start: float) -> Floats | None:
    return drawdowns(equity, start) if start > 0 else None


def _mean(amounts: Sequence[Decimal]) -> Decimal | None:
    """Average amount to the cent, half to even."""
    return (sum(amounts, Decimal(0)) / len(amounts)).quantize(_CENT) if amounts else None
