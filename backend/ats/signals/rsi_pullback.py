"""RSI pullback: buy a short sell-off inside a long up-trend, sell the recovery."""

from __future__ import annotations

from pydantic import Field, model_validator

from ats.signals.history import History
from ats.signals.params import Real, RuleParams
from ats.signals.rolling import wilder_memory
from ats.signals.rule import Rule, RuleCard


class RsiPullbackParams(RuleParams):
    """Length and thresholds of the relative strength index, and the trend filter."""

    rsi_period: int = Field(2, ge=2, le=30, description="Period of Wilder's relative strength index, bars.")
    entry_threshold: Real = Field(10.0, gt=0, lt=100, description="Buy when the index is below this.")
    exit_threshold: Real = Field(65.0, gt=0, lt=100, description="Sell when the index is above this.")
    trend_bars: int = Field(200, ge=2, le=1_000, description="Buy only when the close is above the mean close of this many bars.")

    @model_validator(mode="after")
    def _buys_below_where_it_sells(self) -> RsiPullbackParams:
        if self.entry_threshold >= self.exit_threshold:
            raise ValueError("entry_threshold must be below exit_threshold")
        return self


class RsiPullback(Rule[RsiPullbackParams]):
    """Buys an oversold close above the long mean, sells when the index has recovered."""

    card = RuleCard(
        key="rsi_pullback",
        title="RSI pullback in an up-trend",
        description="Buys when a short relative strength index is oversold while the close is above its long mean; sells the recovery.",
        source="L. Connors, C. Alvarez, Short Term Trading Strategies That Work (2008), chapter on the 2-period RSI.",
        search_space={
            "rsi_period": (2, 3, 4),
            "entry_threshold": (5.0, 10.0, 15.0, 20.0),
            "exit_threshold": (50.0, 60.0, 65.0, 70.0, 80.0),
            "trend_bars": (100, 150, 200),
        },
    )
    params_model = RsiPullbackParams

    def warm_up(self, params: RsiPullbackParams) -> int:
        """The trend filter, or the bars after which the index has forgotten where it began."""
        return max(params.trend_bars, wilder_memory(params.rsi_period))

    def enters(self, history: History, params: RsiPullbackParams) -> bool:
        """Oversold, above the trend."""
        if not _is_warm(history, params):
            return False
        return history.is_close_above_mean(params.trend_bars) and history.rsi(params.rsi_period) < params.entry_threshold

    def exits(self, history: History, params: RsiPullbackParams, bars_held: int) -> bool:  # noqa: ARG002 -- this rule has no holding limit
        """Recovered, whatever the trend."""
        if not _is_warm(history, params):
            return False
        return history.rsi(params.rsi_period) > params.exit_threshold


def _is_warm(history: History, params: RsiPullbackParams) -> bool:
    return history.count >= params.trend_bars and history.count >= wilder_memory(params.rsi_period)


RULE = RsiPullback()
