"""Internal bar strength reversion: buy a close near the bar's low, sell a close near its high."""

from __future__ import annotations

from pydantic import Field, model_validator

from ats.signals.history import History
from ats.signals.params import Real, RuleParams
from ats.signals.rule import Rule, RuleCard

_MIDDLE = 0.5


class IbsReversionParams(RuleParams):
    """Thresholds of the internal bar strength, 0 (close at the low) to 1 (close at the high)."""

    buy_threshold: Real = Field(0.2, gt=0, lt=1, description="Buy when the internal bar strength is below this.")
    sell_threshold: Real = Field(0.8, gt=0, lt=1, description="Sell when the internal bar strength is above this.")
    max_holding_bars: int = Field(5, ge=1, le=1_000, description="Sell after this many bars, whatever the price.")
    trend_bars: int | None = Field(None, ge=2, le=1_000, description="Buy only above the mean close of this many bars. null: always.")

    @model_validator(mode="after")
    def _buys_below_where_it_sells(self) -> IbsReversionParams:
        if self.buy_threshold >= self.sell_threshold:
            raise ValueError("buy_threshold must be below sell_threshold")
        return self


def internal_bar_strength(high: float, low: float, close: float) -> float:
    """Where the close lies between low (0) and high (1); 0.5 for a bar without range."""
    return (close - low) / (high - low) if high > low else _MIDDLE


class IbsReversion(Rule[IbsReversionParams]):
    """Buys weakness inside the bar, sells strength inside the bar or after a time limit."""

    card = RuleCard(
        key="ibs_reversion",
        title="Internal bar strength reversion",
        description="Buys a close in the lowest part of the bar's range and sells a close in the highest part, or after a few bars.",
        source="A. Pagonidis, The IBS Effect: Mean Reversion in Equity ETFs (NAAIM, 2014).",
        search_space={
            "buy_threshold": (0.05, 0.1, 0.15, 0.2, 0.25, 0.3),
            "sell_threshold": (0.6, 0.7, 0.75, 0.8, 0.85, 0.9),
            "max_holding_bars": (2, 3, 5, 10),
            "trend_bars": (None, 100, 200),
        },
    )
    params_model = IbsReversionParams

    def warm_up(self, params: IbsReversionParams) -> int:
        """One bar, or the trend filter's."""
        return params.trend_bars or 1

    def enters(self, history: History, params: IbsReversionParams) -> bool:
        """Close low in the bar, and above the trend when there is a filter."""
        trend_bars = params.trend_bars
        if history.count < (trend_bars or 1):
            return False
        strength = internal_bar_strength(history.highs[-1], history.lows[-1], history.closes[-1])
        return strength < params.buy_threshold and (trend_bars is None or history.is_close_above_mean(trend_bars))

    def exits(self, history: History, params: IbsReversionParams, bars_held: int) -> bool:
        """Held long enough, or close high in the bar."""
        if bars_held >= params.max_holding_bars:
            return True
        if history.count == 0:
            return False
        return internal_bar_strength(history.highs[-1], history.lows[-1], history.closes[-1]) > params.sell_threshold


RULE = IbsReversion()
