"""IbsReversion: buys weakness inside the day's range, sells strength. The decision is `signals/ibs_reversion.py`."""

from __future__ import annotations

from ats.signals.ibs_reversion import RULE
from ats.strategies.base import RuleStrategy


class IbsReversion(RuleStrategy):
    """Buys weakness inside the day's range, sells strength, at the next open after each close."""

    rule = RULE


STRATEGY = IbsReversion
