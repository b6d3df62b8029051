"""`make bench`: speed as ratios measured in one run, medians of several repeats, each measurement in a fresh process.

    .venv/bin/python benchmarks/run.py            # about ten minutes
    .venv/bin/python benchmarks/run.py --quick    # small and once: that everything runs, not how fast

Ratios hold on any machine; absolute numbers are of this one, on whatever else it was doing. Nothing here is a test: a target that is missed
is printed as missed, and the exit code stays 0.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Size:
    """How much is measured, and how often."""

    bars: int
    more_bars: int
    repeats: int
    orders: int


FULL, QUICK = Size(250_000, 1_000_000, 3, 2_000), Size(2_000, 8_000, 1, 100)


@dataclass(frozen=True)
class Row:
    """One line of the table; `limit` is the most it should be, None where there is no target."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    def __str__(self) -> str:
        verdict = "" if self.limit is None else f"≤ {self.limit:g} {'met' if self.value <= self.limit else 'MISSED'}"
        return f"{self.name:<66}{self.value:>10,.2f} {self.unit:<4}{verdict:<14}{self.note}".rstrip()


class Bench:
    """Takes the measurements below one folder."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size

    def rows(self) -> Iterator[Row]:
        """The table, row by row as it is measured."""
        few, more = self.folder / "few", self.folder / "more"
        self._once("make_data", few, self.size.bars)
        self._once("make_data", more, self.size.more_bars)
        yield from self._backtest(few, more)
        yield from self._guardian()
        yield self._help()
        yield from self._catalog(few)
        yield from self._journal()

    def _backtest(self, few: Path, more: Path) -> Iterator[Row]:
        """The competitors take turns, so that a machine that slows down slows all of them down."""
        names = ("ours", "bare", "shipped")
        results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for _ in range(self.size.repeats):
            for name in names:
                results[name].append(self._once(name, few, self.size.bars))
        orders = {result["orders"] for found in results.values() for result in found}
        if len(orders) != 1:
            raise SystemExit(f"the same strategy on the same data sent different orders: {orders}")
        ours, bare, shipped = (statistics.median(result["seconds"] for result in results[name]) for name in names)
        more_seconds = statistics.median(
            self._once("ours", more, self.size.more_bars)["seconds"] for _ in range(max(1, self.size.repeats - 1))
        )
        bars = f"{self.size.bars:,} bars"
        yield Row(f"backtest, {bars}, sma_cross, Guardian, equity and metrics", ours, "s", note=f"user CPU, {orders.pop():,.0f} orders")
        yield Row(f"backtest over the bare engine, trade recorder replaced, {bare:.1f} s", ours / bare, "x", 1.10)
        yield Row(f"backtest over the engine as shipped, {shipped:.1f} s", ours / shipped, "x")
        yield Row(f"backtest, growth from {bars} to {self.size.more_bars:,}, {more_seconds:.1f} s", more_seconds / ours, "x", 4.5)

    def _guardian(self) -> Iterator[Row]:
        found = [self._once("guardian", self.folder, self.size.orders) for _ in range(self.size.repeats)]
        names = ("judged_p50", "judged_p99", "guarded_p50", "judged_with_many_p50")
        judged, high, guarded, with_many = (statistics.median(result[name] for result in found) for name in names)
        held = f"{found[0]['positions']:.0f} positions, {found[0]['working']:.0f} working orders"
        yield Row(f"Guardian, one order, median, {held}", judged, "µs", 25)
        yield Row("Guardian, one order, 99th percentile", high, "µs")
        yield Row("Guardian with the guard around it, bus to approval, median", guarded, "µs")
        yield Row(f"Guardian, growth with {found[0]['closed']:,.0f} closed orders in the cache", with_many / judged, "x", 1.25)

    def _help(self) -> Row:
        seconds = statistics.median(_user_seconds_of([sys.executable, "-m", "ats.cli", "--help"]) for _ in range(self.size.repeats + 2))
        return Row("ats --help", seconds, "s", 0.6, "user CPU")

    def _catalog(self, folder: Path) -> Iterator[Row]:
        ours, plain = (
            statistics.median(self._once(name, folder, self.size.bars)["seconds"] for _ in range(self.size.repeats))
            for name in ("catalog_load", "plain_load")
        )
        yield Row(f"catalog, load {self.size.bars:,} bars as objects and arrays", ours, "s", note="user CPU")
        yield Row(f"catalog over the engine's own, objects alone, {plain:.2f} s", ours / max(plain, 0.01), "x")

    def _journal(self) -> Iterator[Row]:
        with tempfile.TemporaryDirectory(prefix="ats-bench-journal-") as folder:
            found = self._once("journal", Path(folder), self.size.orders)
        yield Row("intent and audit entry of one order, committed, median", found["p50"] / 1_000, "ms", note="embedded PostgreSQL")
        yield Row("intent and audit entry of one order, committed, 99th percentile", found["p99"] / 1_000, "ms")

    def _once(self, name: str, folder: Path, count: int) -> dict[str, float]:
        command = [sys.executable, str(HERE / "measurements.py"), name, str(folder), str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{name} failed:\n{done.stderr}")
        result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return result


def _user_seconds_of(command: list[str]) -> float:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the speed of ats as ratios.")
    parser.add_argument("--quick", action="store_true", help="small and once: that it runs, not how fast")
    size = QUICK if parser.parse_args().quick else FULL
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors; medians of {size.repeats}\n")
    with tempfile.TemporaryDirectory(prefix="ats-bench-") as folder:
        for row in Bench(Path(folder), size).rows():
            print(row, flush=True)


if __name__ == "__main__":
    main()
