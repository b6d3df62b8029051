"""Donchian breakout: buy a close above the highest high of the bars before, sell a close below the lowest low."""

from __future__ import annotations

from pydantic import Field, model_validator

from ats.signals.history import History
from ats.signals.params import RuleParams
from ats.signals.rule import Rule, RuleCard


class DonchianBreakoutParams(RuleParams):
    """Lengths of the entry and the exit channel."""

    entry_bars: int = Field(20, ge=2, le=1_000, description="Bars of the entry channel, the newest bar not counted.")
    exit_bars: int = Field(10, ge=1, le=1_000, description="Bars of the exit channel, the newest bar not counted.")

    @model_validator(mode="after")
    def _exit_is_no_slower(self) -> DonchianBreakoutParams:
        if self.exit_bars > self.entry_bars:
            raise ValueError("exit_bars must not be above entry_bars")
        return self


class DonchianBreakout(Rule[DonchianBreakoutParams]):
    """Follows a breakout until the shorter channel breaks the other way."""

    card = RuleCard(
        key="donchian_breakout",
        title="Donchian channel breakout",
        description="Buys a close above the highest high of the preceding bars and sells a close below the lowest low of fewer of them.",
        source="R. Donchian's channel rule as given by C. Faith, Way of the Turtle (2007).",
        search_space={"entry_bars": (10, 20, 40, 55, 100), "exit_bars": (5, 10, 20)},
    )
    params_model = DonchianBreakoutParams

    def warm_up(self, params: DonchianBreakoutParams) -> int:
        """The entry channel and the bar that breaks it."""
        return params.entry_bars + 1

    def enters(self, history: History, params: DonchianBreakoutParams) -> bool:
        """Close above the entry channel."""
        bars = params.entry_bars
        return history.count > bars and history.closes[-1] > history.highest_before(bars)

    def exits(self, history: History, params: DonchianBreakoutParams, bars_held: int) -> bool:  # noqa: ARG002 -- this rule has no holding limit
        """Close below the exit channel."""
        bars = params.exit_bars
        return history.count > bars and history.closes[-1] < history.lowest_before(bars)


RULE = DonchianBreakout()
