"""Backtest runs in PostgreSQL. A run goes from queued to running to done or failed, and never back."""

# ruff: noqa: S608 -- the statements join nothing but this module's own constants

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import LiteralString

from ats.core.digest import canonical_json
from ats.core.errors import RefusedByGateError
from ats.core.runs import RunRecord, RunStatus
from ats.store.postgres.database import Database, Row, storable

_COLUMNS: LiteralString = (
    "run_id, created_at, strategy, instrument_id, bar_spec, params::text, code_digest, params_digest, data_digest, status, metrics::text,"
    " artifacts::text, started_at, ended_at, error"
)
_ADD: LiteralString = (
    "INSERT INTO runs (run_id, created_at, strategy, instrument_id, bar_spec, params, code_digest, params_digest, data_digest, status)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'queued')"
)
_START: LiteralString = "UPDATE runs SET status = 'running', started_at = %s WHERE run_id = %s AND status = 'queued'"
_FINISH: LiteralString = "UPDATE runs SET status = 'done', ended_at = %s, data_digest = %s, metrics = %s, artifacts = %s WHERE run_id = %s AND status = 'running'"
_FAIL: LiteralString = "UPDATE runs SET status = 'failed', ended_at = %s, error = %s WHERE run_id = %s AND status IN ('queued', 'running')"
_GET: LiteralString = f"SELECT {_COLUMNS} FROM runs WHERE run_id = %s"
_RECENT: LiteralString = (
    f"SELECT {_COLUMNS} FROM runs WHERE (%s::text IS NULL OR strategy = %s) ORDER BY created_at DESC, run_id DESC LIMIT %s"
)


class PostgresRuns:
    """The run store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: RunRecord) -> None:
        """Record a new run, queued. Raises DependencyError when it was not written."""
        what = (record.run_id, record.created_at, record.strategy, record.instrument_id, record.bar_spec, canonical_json(record.params))
        self._database.execute(_ADD, (*what, record.code_digest, record.params_digest, record.data_digest))

    def start(self, run_id: str, at: datetime) -> None:
        """Queued to running. Raises RefusedByGateError when it is not queued: somebody else has it."""
        self._move(run_id, RunStatus.RUNNING, _START, (at, run_id))

    def finish(self, run_id: str, at: datetime, data_digest: str, metrics: Mapping[str, object], artifacts: Mapping[str, str]) -> None:
        """Running to done. Raises RefusedByGateError when it is not running."""
        self._move(run_id, RunStatus.DONE, _FINISH, (at, data_digest, canonical_json(metrics), canonical_json(artifacts), run_id))

    def fail(self, run_id: str, at: datetime, error: str) -> None:
        """Queued or running to failed, with the reason. Raises RefusedByGateError when it has ended."""
        self._move(run_id, RunStatus.FAILED, _FAIL, (at, storable(error) or "no reason given", run_id))

    def get(self, run_id: str) -> RunRecord | None:
        """One run by id."""
        found = self._database.row(_GET, (run_id,))
        return None if found is None else _run(found)

    def recent(self, limit: int = 20, strategy: str | None = None) -> list[RunRecord]:
        """Newest first."""
        return [_run(row) for row in self._database.rows(_RECENT, (strategy, strategy, limit))]

    def _move(self, run_id: str, to: RunStatus, statement: LiteralString, parameters: tuple[object, ...]) -> None:
        if self._database.execute(statement, parameters) == 1:
            return
        found = self.get(run_id)
        now = "not recorded" if found is None else found.status.value
        raise RefusedByGateError(f"Run {run_id} is {now} and cannot become {to.value}.", remedy="See `ats backtest list`.")


def _run(row: Row) -> RunRecord:
    run_id, created_at, strategy, instrument_id, bar_spec, params, *rest = row
    code_digest, params_digest, data_digest, status, metrics, artifacts, started_at, ended_at, error = rest
    return RunRecord(
        run_id=run_id,
        created_at=created_at,
        strategy=strategy,
        instrument_id=instrument_id,
        bar_spec=bar_spec,
        params=json.loads(params),
        code_digest=code_digest,
        params_digest=params_digest,
        data_digest=data_digest,
        status=RunStatus(status),
        metrics=json.loads(metrics),
        artifacts=json.loads(artifacts),
        started_at=started_at,
        ended_at=ended_at,
        error=error,
    )
