"""DonchianBreakout: buys new highs of a channel, leaves at new lows. The decision is `signals/donchian_breakout.py`."""

from __future__ import annotations

from ats.signals.donchian_breakout import RULE
from ats.strategies.base import RuleStrategy


class DonchianBreakout(RuleStrategy):
    """Buys new highs of a channel, leaves at new lows, at the next open after each close."""

    rule = RULE


STRATEGY = DonchianBreakout
