"""Go-live approvals in PostgreSQL. A row can be revoked once and is otherwise kept as it was written."""

# ruff: noqa: S608 -- the statements join nothing but this module's own constants

from __future__ import annotations

import json
from datetime import datetime
from typing import LiteralString

from ats.core.digest import canonical_json
from ats.core.errors import InputError
from ats.core.invariant import invariant
from ats.risk.approvals import ApprovalScope, GoLiveApproval
from ats.store.postgres.database import Database, Row, storable

_COLUMNS: LiteralString = (
    "approval_id, strategy, source_digest, instrument_id, bar_spec, params::text, account_id, caps::text, digest, approver, note,"
    " granted_at, expires_at, revoked_at, revoked_by, revoke_reason"
)
_ADD: LiteralString = (
    "INSERT INTO approvals (approval_id, strategy, source_digest, instrument_id, bar_spec, params, account_id, caps, digest, approver, note,"
    " granted_at, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_REVOKE: LiteralString = (
    "UPDATE approvals SET revoked_at = %s, revoked_by = %s, revoke_reason = %s WHERE approval_id = %s AND revoked_at IS NULL"
)
_GET: LiteralString = f"SELECT {_COLUMNS} FROM approvals WHERE approval_id = %s"
_FIND: LiteralString = (
    f"SELECT {_COLUMNS} FROM approvals WHERE (%s::text IS NULL OR strategy = %s) AND (%s::text IS NULL OR instrument_id = %s)"
    " AND (%s::text IS NULL OR bar_spec = %s) ORDER BY granted_at DESC, approval_id DESC"
)


class PostgresApprovals:
    """The approval store. What comes out matches the digest that was approved, or it does not come out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, approval: GoLiveApproval) -> None:
        """Record a new approval. Raises DependencyError when it was not written."""
        scope = approval.scope
        invariant(approval.digest == scope.digest, "approval.digest_covers_scope", approval_id=approval.approval_id)
        what = (scope.strategy, scope.source_digest, scope.instrument_id, scope.bar_spec, canonical_json(scope.params), scope.account_id)
        how = (canonical_json(scope.caps), approval.digest, storable(approval.approver), storable(approval.note))
        self._database.execute(_ADD, (approval.approval_id, *what, *how, approval.granted_at, approval.expires_at))

    def revoke(self, approval_id: str, by: str, reason: str, at: datetime) -> None:
        """Mark as revoked; the first revocation stays. Raises InputError for an unknown id."""
        if self._database.execute(_REVOKE, (at, storable(by), storable(reason), approval_id)) == 0 and self.get(approval_id) is None:
            raise InputError("approval", approval_id, "is not a known approval", remedy="See `ats approvals list`.")

    def get(self, approval_id: str) -> GoLiveApproval | None:
        """One approval by id. Raises InvariantError when the row was altered."""
        found = self._database.row(_GET, (approval_id,))
        return None if found is None else _approval(found)

    def find(self, strategy: str | None = None, instrument_id: str | None = None, bar_spec: str | None = None) -> list[GoLiveApproval]:
        """Approvals matching the given fields, newest first. Raises InvariantError when one was altered."""
        given = (strategy, strategy, instrument_id, instrument_id, bar_spec, bar_spec)
        return [_approval(row) for row in self._database.rows(_FIND, given)]


def _approval(row: Row) -> GoLiveApproval:
    approval_id, strategy, source_digest, instrument_id, bar_spec, params, account_id, caps, digest, *rest = row
    scope = ApprovalScope(strategy, source_digest, instrument_id, bar_spec, json.loads(params), account_id, json.loads(caps))
    invariant(scope.digest == digest, "approval.row_is_as_approved", approval_id=approval_id)
    return GoLiveApproval(approval_id, scope, digest, *rest)
