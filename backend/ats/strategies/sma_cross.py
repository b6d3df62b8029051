"""SmaCross: follows the trend while a fast average stands above a slow one. The decision is `signals/sma_cross.py`."""

from __future__ import annotations

from ats.signals.sma_cross import RULE
from ats.strategies.base import RuleStrategy


class SmaCross(RuleStrategy):
    """Follows the trend while a fast average stands above a slow one, at the next open after each close."""

    rule = RULE


STRATEGY = SmaCross
