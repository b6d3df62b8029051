"""RsiPullback: buys short pullbacks in a long uptrend. The decision is `signals/rsi_pullback.py`."""

from __future__ import annotations

from ats.signals.rsi_pullback import RULE
from ats.strategies.base import RuleStrategy


class RsiPullback(RuleStrategy):
    """Buys short pullbacks in a long uptrend, at the next open after each close."""

    rule = RULE


STRATEGY = RsiPullback
