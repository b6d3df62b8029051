"""The contract of a rule: what it is called, what it can be set to, when it enters and when it exits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from ats.signals.history import History
from ats.signals.params import RuleParams


@dataclass(frozen=True, slots=True)
class RuleCard:
    """What people and the registry know of a rule. `search_space` holds the values worth trying for a parameter, nothing more."""

    key: str
    title: str
    description: str
    source: str
    search_space: Mapping[str, tuple[object, ...]]


class Rule[P: RuleParams](ABC):
    """A long-or-flat rule on closed bars. Same history, same parameters: same decision.

    Decisions are taken after a bar has closed and act at the next session's or bar's open. A cold rule never
    enters; it exits as soon as what its exit reads is there, and a holding limit reads no history at all.
    """

    card: RuleCard
    params_model: type[P]

    @abstractmethod
    def warm_up(self, params: P) -> int:
        """Closed bars needed before the rule may decide; the least capacity of its history."""

    def bars_needed(self, params: P) -> int:
        """Closed bars needed before an order may be sent: for the decision and for its size."""
        return max(self.warm_up(params), params.sizing_bars)

    @abstractmethod
    def enters(self, history: History, params: P) -> bool:
        """Whether to buy, asked while flat."""

    @abstractmethod
    def exits(self, history: History, params: P, bars_held: int) -> bool:
        """Whether to sell, asked while long. `bars_held` counts bars closed since the entry filled, the bar of the fill as one."""
