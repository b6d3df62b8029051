"""`make bench` runs and prints every row. How fast anything is, no test says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROWS = (
    "backtest, 2,000 bars, sma_cross, Guardian, equity and metrics",
    "backtest over the bare engine, trade recorder replaced",
    "backtest over the engine as shipped",
    "backtest, growth from 2,000 bars to 8,000",
    "Guardian, one order, median, 2 positions, 3 working orders",
    "Guardian, one order, 99th percentile",
    "Guardian with the guard around it",
    "Guardian, growth with 10,0",
    "ats --help",
    "catalog, load 2,000 bars",
    "catalog over the engine's own",
    "intent and audit entry of one order, committed, median",
    "intent and audit entry of one order, committed, 99th percentile",
)


@pytest.mark.slow
def test_the_quick_benchmark_prints_every_row():
    script = Path(__file__).resolve().parents[3] / "benchmarks" / "run.py"
    done = subprocess.run([sys.executable, str(script), "--quick"], capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[2:]
    assert len(lines) == len(ROWS)
    assert all(line.startswith(row) for line, row in zip(lines, ROWS, strict=True)), done.stdout
