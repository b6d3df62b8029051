"""The audit record and the port every security-relevant act goes through. A failed write refuses the act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what, when, from where, with which facts. `kind` is dotted (`approval.granted`); facts hold no secrets."""

    kind: str
    actor: str
    occurred_at: datetime
    source: str
    subject: str
    facts: Mapping[str, object] = field(default_factory=dict)
    correlation_id: str = ""


class AuditLog(Protocol):
    """Append-only, hash-chained store of audit events."""

    def append(self, event: AuditEvent) -> int:
        """Write the event durably and return its sequence number. Raises DependencyError when it cannot: then refuse the act."""
        ...
