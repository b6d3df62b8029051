"""Every rule by which Guardian refuses, in the words the screen uses too."""

from __future__ import annotations

from ats.risk.limits import Rule
from ats.risk.rule_help import help_for
from pages import HEADER

_INTRODUCTION = """# Refusals

Guardian *refuses* an order before it leaves the process; the engine then marks it *denied*; a venue that turns an order down *rejects* it.
This page lists the refusals. Each carries a code, what was measured, and the limit, and stands in three places: the audit log, the
session's counters and the screen. In `..._NAME` the dots stand for `ATS_LIVE_RISK`, `ATS_PAPER_RISK` or `ATS_BACKTEST_RISK`.

A cancel is never judged and never refused. An order that only reduces a position passes the value limits and the check of funds
([why](../decisions/0004-orders-that-only-reduce.md)), but no other check.
"""


def page() -> str:
    """docs/reference/refusals.md."""
    parts = [HEADER, _INTRODUCTION]
    for rule in Rule:
        words = help_for(rule)
        parts.append(f"\n## {rule.value}\n\n{words.meaning}\n\n**What to do.** {words.remedy}\n")
    return "".join(parts)
