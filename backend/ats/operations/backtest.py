"""Run a backtest, keep its report, record the run with the digests of code, parameters and data (S5-06)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ats.backtest.plan import BacktestPlan, BarSource
from ats.backtest.report import render_report
from ats.backtest.run import BacktestResult, code_digest, report_input, run_backtest
from ats.core.clock import Clock
from ats.core.digest import digest_of
from ats.core.errors import AtsError
from ats.core.ids import mint_id
from ats.core.runs import RunRecord, RunStore


@dataclass(frozen=True, slots=True)
class RunPorts:
    """Where bars come from and where the run goes. `write` takes run id, file name and content, writes all or nothing, returns the path."""

    source: BarSource
    runs: RunStore
    write: Callable[[str, str, str], Path]
    clock: Clock


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A finished run and where its files are."""

    run_id: str
    result: BacktestResult
    report: Path
    summary: Path


def backtest(plan: BacktestPlan, ports: RunPorts) -> RecordedRun:
    """Run, report, record. A run that fails is recorded with its error, and the error is raised."""
    now = ports.clock.now()
    run_id = mint_id("b", now)
    params = plan.params.plain()
    ports.runs.add(
        RunRecord(
            run_id, now, plan.strategy, str(plan.instrument_id), str(plan.bar_spec), params, code_digest(plan.strategy), digest_of(params)
        )
    )
    ports.runs.start(run_id, now)
    try:
        result = run_backtest(plan, ports.source)
        report = ports.write(run_id, "report.html", render_report(report_input(result)))
        summary = ports.write(run_id, "summary.json", json.dumps(result.summary(), indent=1, sort_keys=True) + "\n")
    except BaseException as error:
        ports.runs.fail(run_id, ports.clock.now(), error.message if isinstance(error, AtsError) else f"{type(error).__name__}: {error}")
        raise
    artifacts = {"report": str(report), "summary": str(summary)}
    ports.runs.finish(run_id, ports.clock.now(), result.data_digest, result.performance.as_plain(), artifacts)
    return RecordedRun(run_id, result, report, summary)
