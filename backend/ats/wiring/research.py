"""Backtests and data from settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ats.backtest.plan import BacktestPlan
from ats.core.config import Settings
from ats.data.catalog import Catalog
from ats.operations.backtest import RecordedRun, RunPorts, backtest
from ats.store.artifacts import ArtifactFolder
from ats.wiring.world import open_world


def catalog_of(settings: Settings) -> Catalog:
    """The catalog of this installation."""
    return Catalog(settings.storage.catalog)


def record_backtest(plan: BacktestPlan, settings: Settings, announce: Callable[[str], None]) -> RecordedRun:
    """Run a backtest and record it."""
    folder = ArtifactFolder(settings.storage.artifacts / "runs")

    def write(run_id: str, name: str, content: str) -> Path:
        return folder.for_run(run_id).write(name, content).path

    with open_world(settings, announce) as world:
        return backtest(plan, RunPorts(catalog_of(settings), world.runs, write, world.clock))
