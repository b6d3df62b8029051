"""Does the node believe what the broker says? Compared before the session calls itself running, by means the node does not share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ats.core.orders import Position


@dataclass(frozen=True, slots=True)
class Difference:
    """One instrument on which node and broker disagree, in signed shares."""

    instrument_id: str
    at_node: Decimal
    at_broker: Decimal

    def __str__(self) -> str:
        return f"{self.instrument_id}: node {self.at_node}, broker {self.at_broker}"


def differences(node: Iterable[Position], broker: Iterable[Position]) -> tuple[Difference, ...]:
    """Every instrument with different net quantities; absence means zero."""
    at_node = {position.instrument_id: position.quantity for position in node}
    at_broker = {position.instrument_id: position.quantity for position in broker}
    zero = Decimal(0)
    return tuple(
        Difference(name, at_node.get(name, zero), at_broker.get(name, zero))
        for name in sorted({*at_node, *at_broker})
        if at_node.get(name, zero) != at_broker.get(name, zero)
    )
