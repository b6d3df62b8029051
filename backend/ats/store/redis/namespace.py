"""Key names: one namespace per mode, so that nothing of paper can be taken for live (row C16)."""

from __future__ import annotations

from dataclasses import dataclass

from ats.core.errors import InputError
from ats.session.records import Mode


@dataclass(frozen=True, slots=True)
class Namespace:
    """Builds every key of one mode: `ats:paper:…` or `ats:live:…`."""

    mode: Mode

    def key(self, *parts: str) -> str:
        """`ats:MODE:part:part`. Raises InputError for an empty part or one with a colon, which could leave the namespace."""
        for part in parts:
            if not part or ":" in part:
                raise InputError("key", part, "cannot be part of a key", remedy="Use a name without colons.")
        return ":".join(("ats", self.mode.value, *parts))
