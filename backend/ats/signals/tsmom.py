"""Time-series momentum: long while the trailing return is positive, reviewed at fixed intervals."""

from __future__ import annotations

from pydantic import Field

from ats.signals.history import History
from ats.signals.params import RuleParams
from ats.signals.rule import Rule, RuleCard


class TsmomParams(RuleParams):
    """Length of the trailing return and the interval of reviews."""

    lookback_bars: int = Field(252, ge=2, le=2_000, description="Bars of the trailing return.")
    rebalance_bars: int = Field(21, ge=1, le=1_000, description="A position is reviewed each time it has been held this many bars more.")


class Tsmom(Rule[TsmomParams]):
    """Enters on a positive trailing return; a position is kept until a review finds the return no longer positive.

    Reviews count from the entry, not from the first bar seen, so that a restart does not move them.
    """

    card = RuleCard(
        key="tsmom",
        title="Time-series momentum",
        description="Long while the trailing return is positive; a position is reviewed every few bars after its entry.",
        source="Moskowitz, Ooi, Pedersen, Time Series Momentum, Journal of Financial Economics 104 (2012).",
        search_space={"lookback_bars": (63, 126, 189, 252), "rebalance_bars": (5, 10, 21)},
    )
    params_model = TsmomParams

    def warm_up(self, params: TsmomParams) -> int:
        """The two closes the return is taken from, and all between."""
        return params.lookback_bars + 1

    def enters(self, history: History, params: TsmomParams) -> bool:
        """Positive trailing return."""
        bars = params.lookback_bars
        return history.count > bars and history.closes[-1] > history.closes[-1 - bars]

    def exits(self, history: History, params: TsmomParams, bars_held: int) -> bool:
        """At a review: trailing return not positive."""
        bars = params.lookback_bars
        is_review = bars_held > 0 and bars_held % params.rebalance_bars == 0
        return is_review and history.count > bars and history.closes[-1] <= history.closes[-1 - bars]


RULE = Tsmom()
