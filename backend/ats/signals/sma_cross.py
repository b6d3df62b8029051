"""Moving average cross: long while the fast mean of the closes is above the slow one."""

from __future__ import annotations

from pydantic import Field, model_validator

from ats.signals.history import History
from ats.signals.params import RuleParams
from ats.signals.rule import Rule, RuleCard


class SmaCrossParams(RuleParams):
    """Lengths of the two means."""

    fast_bars: int = Field(20, ge=1, le=1_000, description="Bars of the fast mean.")
    slow_bars: int = Field(100, ge=2, le=2_000, description="Bars of the slow mean.")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> SmaCrossParams:
        if self.fast_bars >= self.slow_bars:
            raise ValueError("fast_bars must be below slow_bars")
        return self


class SmaCross(Rule[SmaCrossParams]):
    """Decides on the level, not on the moment of crossing: after a restart or a refused order it still knows where it wants to be."""

    card = RuleCard(
        key="sma_cross",
        title="Moving average cross",
        description="Long while the fast mean of the closes is above the slow mean, flat otherwise.",
        source="Brock, Lakonishok, LeBaron, Simple Technical Trading Rules, Journal of Finance 47 (1992).",
        search_space={"fast_bars": (5, 10, 20, 50), "slow_bars": (50, 100, 150, 200, 250)},
    )
    params_model = SmaCrossParams

    def warm_up(self, params: SmaCrossParams) -> int:
        """The slow mean."""
        return params.slow_bars

    def enters(self, history: History, params: SmaCrossParams) -> bool:
        """Fast mean above slow mean."""
        slow_bars = params.slow_bars
        return history.count >= slow_bars and history.is_mean_above(params.fast_bars, slow_bars)

    def exits(self, history: History, params: SmaCrossParams, bars_held: int) -> bool:  # noqa: ARG002 -- this rule has no holding limit
        """Fast mean not above slow mean."""
        slow_bars = params.slow_bars
        return history.count >= slow_bars and not history.is_mean_above(params.fast_bars, slow_bars)


RULE = SmaCross()
