"""Invariants that always run; plain `assert` disappears under -O and is for tests and type narrowing."""

from __future__ import annotations

from ats.core.errors import InvariantError


def invariant(holds: bool, name: str, **facts: object) -> None:
    """Raise InvariantError(name, facts) unless `holds`. One condition per call; names are dotted nouns."""
    if not holds:
        shown = ", ".join(f"{key}={value!r}" for key, value in facts.items())
        raise InvariantError(f"Invariant {name} is broken ({shown}).", remedy="Trading must stop; report this.", **facts)
