"""Tsmom: holds while the trailing return is positive. The decision is `signals/tsmom.py`."""

from __future__ import annotations

from ats.signals.tsmom import RULE
from ats.strategies.base import RuleStrategy


class Tsmom(RuleStrategy):
    """Holds while the trailing return is positive, at the next open after each close."""

    rule = RULE


STRATEGY = Tsmom
