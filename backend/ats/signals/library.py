"""Every rule ats has, by key."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ats.signals import donchian_breakout, ibs_reversion, rsi_pullback, sma_cross, tsmom, turn_of_month
from ats.signals.rule import Rule

RULES: Mapping[str, Rule[Any]] = MappingProxyType(
    {
        rule.card.key: rule
        for rule in (
            ibs_reversion.RULE,
            sma_cross.RULE,
            rsi_pullback.RULE,
            donchian_breakout.RULE,
            tsmom.RULE,
            turn_of_month.RULE,
        )
    }
)
"""The six rules (S5-12), in the order they are listed to people."""
