"""The kill switch's state: several independent places say on, off or unreadable, and any one that says on wins.

Semantics: *on* halts — nothing is submitted, working orders are cancelled, the state survives restarts until a person lifts it.
*Unreadable* blocks new orders without cancelling: while the switch cannot be read the answer is no.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Reading(StrEnum):
    """What one place says."""

    ON = "on"
    OFF = "off"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class KillReading:
    """One place's answer: `place` is `file`, `database` or `redis`; `reason` is the operator's, or why it is unreadable."""

    place: str
    reading: Reading
    reason: str = ""


class KillPlace(Protocol):
    """One of the places that hold the switch. Reading never raises; writing raises DependencyError when it did not happen."""

    @property
    def name(self) -> str:
        """`file`, `database` or `redis`."""
        ...

    def read(self) -> KillReading:
        """What this place says now."""
        ...

    def switch_on(self, reason: str, actor: str, at: datetime) -> None:
        """Latch on. Idempotent: the first reason stays."""
        ...

    def switch_off(self) -> None:
        """Unlatch."""
        ...


@dataclass(frozen=True, slots=True)
class KillState:
    """The switch as a whole."""

    readings: tuple[KillReading, ...]

    @property
    def is_on(self) -> bool:
        """Any place says on."""
        return any(reading.reading is Reading.ON for reading in self.readings)

    @property
    def is_readable(self) -> bool:
        """Every place could be read."""
        return all(reading.reading is not Reading.UNREADABLE for reading in self.readings)

    @property
    def reason(self) -> str:
        """Why trading is stopped or blocked; empty when it is not."""
        decisive = Reading.ON if self.is_on else Reading.UNREADABLE
        return "; ".join(
            f"{reading.place} says {reading.reading}: {reading.reason or 'no reason given'}"
            for reading in self.readings
            if reading.reading is decisive
        )


def read_all(places: Iterable[KillPlace]) -> KillState:
    """Ask every place."""
    return KillState(tuple(place.read() for place in places))
