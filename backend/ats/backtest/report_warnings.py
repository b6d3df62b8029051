"""What a reader must know before believing a run: drawn from its figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ats.analytics.metrics import SESSIONS_PER_YEAR, Performance
from ats.analytics.round_trips import RoundTrip, closed
from ats.backtest.report_words import percent

FEWEST_TRADES = 30
HIGHEST_BELIEVABLE_SHARPE = 3.0
_FEW = 5
_HALF = Decimal("0.5")


def warnings_of(figures: Performance, benchmark: Performance, trips: Sequence[RoundTrip]) -> tuple[str, ...]:
    """Plain sentences, the gravest first; none when there is nothing to say."""
    return (*_about_belief(figures), *_about_luck(figures, trips), *_about_worth(figures, benchmark, trips))


def _about_belief(figures: Performance) -> Iterator[str]:
    if figures.max_drawdown is not None and figures.max_drawdown <= -1:
        yield "Equity fell to zero or below: a real account would have been closed out, and nothing after that moment could have happened."
    if figures.sharpe is not None and figures.sharpe > HIGHEST_BELIEVABLE_SHARPE:
        yield (
            f"A Sharpe ratio of {figures.sharpe:.1f} is above {HIGHEST_BELIEVABLE_SHARPE:.0f}. "
            "Look for a look-ahead, missing costs or a very short window before believing it."
        )
    if figures.sessions < SESSIONS_PER_YEAR:
        yield f"The run covers {figures.sessions} sessions, less than a year: annual figures are extrapolated."


def _about_luck(figures: Performance, trips: Sequence[RoundTrip]) -> Iterator[str]:
    if figures.trades == 0:
        yield "No round trip was completed: trade figures do not exist, and the return says little about the rule."
    elif figures.trades < FEWEST_TRADES:
        yield f"Only {figures.trades} completed round trips, fewer than {FEWEST_TRADES}: too few to tell skill from luck."
    best = sum(sorted((trip.profit for trip in closed(trips)), reverse=True)[:_FEW], Decimal(0))
    if figures.trades >= FEWEST_TRADES and figures.net_profit > 0 and best > figures.net_profit * _HALF:
        share = percent(float(best / figures.net_profit), sign=False)
        yield f"The {_FEW} best round trips earned {share} of the net profit: without them the result is another one."


def _about_worth(figures: Performance, benchmark: Performance, trips: Sequence[RoundTrip]) -> Iterator[str]:
    if figures.trades and figures.total_return < benchmark.total_return:
        yield (
            f"Buying and holding with the same cash and costs returned {percent(benchmark.total_return)}, "
            f"the strategy {percent(figures.total_return)}."
        )
    still_open = sorted({trip.instrument_id for trip in trips if trip.is_open})
    if still_open:
        names = ", ".join(still_open)
        yield f"The run ends with an open position in {names}: it is in the equity at the last close, and in no trade figure."
