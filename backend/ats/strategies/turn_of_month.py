"""TurnOfMonth: holds around the turn of the month. The decision is `signals/turn_of_month.py`."""

from __future__ import annotations

from ats.signals.turn_of_month import RULE
from ats.strategies.base import RuleStrategy


class TurnOfMonth(RuleStrategy):
    """Holds around the turn of the month, at the next open after each close."""

    rule = RULE


STRATEGY = TurnOfMonth
