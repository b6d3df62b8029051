"""What every process that runs the engine does first."""

from __future__ import annotations

from nautilus_trader.analysis.analyzer import PortfolioAnalyzer


def _record_nothing(*_: object) -> None:
    """Statistics are ours, computed from fills and marks."""


def prepare_process() -> None:
    """Replace the engine's trade recorder: it concatenates two pandas series per closed trade and is quadratic in their number."""
    PortfolioAnalyzer.record_trade = _record_nothing  # type: ignore[method-assign, assignment]  # on purpose: see above
