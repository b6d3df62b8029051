"""The strategies by key: class, rule, parameter schema, and the digest of the source an approval is bound to.

A key names one module in `signals` (the decision) and one in `strategies` (the class).

Listing and parameter checks import no engine; only `strategy_class` does.
"""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ats.core.digest import digest_of
from ats.core.errors import InputError
from ats.signals.library import RULES
from ats.signals.rule import Rule

if TYPE_CHECKING:
    from ats.strategies.base import RuleStrategy

_SHARED_SOURCES = (
    "strategies/base.py",
    "signals/history.py",
    "signals/rolling.py",
    "signals/rule.py",
    "signals/params.py",
    "signals/sessions.py",
    "portfolio/sizing.py",
)


def check_key(key: str) -> str:
    """The key itself. Raises InputError naming the known ones."""
    if key not in RULES:
        raise InputError("strategy", key, "is not a strategy", remedy=f"Use one of {', '.join(RULES)}.")
    return key


def rule_of(key: str) -> Rule[Any]:
    """The decision rule of a strategy, with its parameter model, description and search space."""
    return RULES[check_key(key)]


def strategy_class(key: str) -> type[RuleStrategy]:
    """The engine class of a strategy."""
    found: type[RuleStrategy] = import_module(f"ats.strategies.{check_key(key)}").STRATEGY
    return found


def source_digest(key: str) -> str:
    """SHA-256 over the sources that decide what the strategy does: changing one line of them is drift (row C6)."""
    root = files("ats")
    names = (f"strategies/{check_key(key)}.py", f"signals/{key}.py", *_SHARED_SOURCES)
    return digest_of({name: root.joinpath(name).read_text(encoding="utf-8") for name in names})
