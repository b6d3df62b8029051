"""Go-live approvals: what exactly a person approved, until when, and whether reality still matches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ats.core.digest import digest_of


@dataclass(frozen=True, slots=True)
class ApprovalScope:
    """Everything an approval binds. Changing any field after the approval is drift, and drift refuses the start."""

    strategy: str
    source_digest: str
    instrument_id: str
    bar_spec: str
    params: Mapping[str, object]
    account_id: str
    caps: Mapping[str, str]

    def fields(self) -> dict[str, object]:
        """The bound fields by name, in the order they are reported."""
        return {
            "strategy": self.strategy,
            "source_digest": self.source_digest,
            "instrument_id": self.instrument_id,
            "bar_spec": self.bar_spec,
            "params": dict(self.params),
            "account_id": self.account_id,
            "caps": dict(self.caps),
        }

    @property
    def digest(self) -> str:
        """SHA-256 over all bound fields."""
        return digest_of(self.fields())


@dataclass(frozen=True, slots=True)
class GoLiveApproval:
    """A person's recorded permission to trade one scope with real money."""

    approval_id: str
    scope: ApprovalScope
    digest: str
    approver: str
    note: str
    granted_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None

    def is_standing(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at


def drift(approved: ApprovalScope, current: ApprovalScope) -> tuple[str, ...]:
    """Names of the fields that no longer match, deepest first where a field has parts (`params.buy_threshold`, `caps.max_…`)."""
    names: list[str] = []
    now = current.fields()
    for name, value in approved.fields().items():
        if digest_of(value) == digest_of(now[name]):
            continue
        other = now[name]
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            names += [f"{name}.{key}" for key in sorted({*value, *other}) if _part(value, key) != _part(other, key)]
        else:
            names.append(name)
    return tuple(names)


def _part(mapping: Mapping[str, object], key: str) -> str | None:
    """A part's digest; a missing part differs from one that is set to nothing."""
    return digest_of(mapping[key]) if key in mapping else None


class ApprovalStore(Protocol):
    """Where approvals are kept. Every change is audited in the same transaction by the store's caller."""

    def add(self, approval: GoLiveApproval) -> None:
        """Record a new approval."""
        ...

    def revoke(self, approval_id: str, by: str, reason: str, at: datetime) -> None:
        """Mark as revoked; idempotent."""
        ...

    def get(self, approval_id: str) -> GoLiveApproval | None:
        """One approval by id."""
        ...

    def find(self, strategy: str | None = None, instrument_id: str | None = None, bar_spec: str | None = None) -> list[GoLiveApproval]:
        """Approvals matching the given fields, newest first."""
        ...
