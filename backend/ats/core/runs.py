"""Backtest runs as they are recorded: what was run on which code, parameters and data, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class RunStatus(StrEnum):
    """Where a run stands; it only goes forward."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. `metrics` and `params` are plain JSON values; `artifacts` maps a name (`report`) to a path."""

    run_id: str
    created_at: datetime
    strategy: str
    instrument_id: str
    bar_spec: str
    params: Mapping[str, object]
    code_digest: str
    params_digest: str
    data_digest: str = ""
    status: RunStatus = RunStatus.QUEUED
    metrics: Mapping[str, object] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""


class RunStore(Protocol):
    """Where runs are kept."""

    def add(self, record: RunRecord) -> None:
        """Record a new run, queued."""
        ...

    def start(self, run_id: str, at: datetime) -> None:
        """Queued to running. Raises RefusedByGateError when it is not queued: somebody else has it."""
        ...

    def finish(self, run_id: str, at: datetime, data_digest: str, metrics: Mapping[str, object], artifacts: Mapping[str, str]) -> None:
        """Running to done."""
        ...

    def fail(self, run_id: str, at: datetime, error: str) -> None:
        """Queued or running to failed, with the reason."""
        ...

    def get(self, run_id: str) -> RunRecord | None:
        """One run by id."""
        ...

    def recent(self, limit: int = 20, strategy: str | None = None) -> list[RunRecord]:
        """Newest first."""
        ...
