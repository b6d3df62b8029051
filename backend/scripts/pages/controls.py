"""Which promise is proven by which test: tests/rows.toml against the names and docstrings of the tests."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pages import HEADER

BACKEND = Path(__file__).resolve().parents[2]
_ID = re.compile(r"\b([A-HJ])([1-9][0-9]?)\b(?:\s*(?:[-\u2013]|\.\.|to)\s*\1([1-9][0-9]?)\b)?")
_REQUIREMENT = re.compile(r"\bS([0-5])-([0-9]{2})\b(?:\s*(?:[-\u2013]|\.\.|to)\s*S\1-([0-9]{2})\b)?")
_IN_NAME = re.compile(r"(?:^|_)(?:([a-hj][1-9][0-9]?)|(s[0-5]_[0-9]{2}))(?=_|$)")
_TITLES = {"controls": "Controls", "bad_input": "Bad input", "requirements": "Requirements"}

_INTRODUCTION = """# What is proven

Each row is a promise to the operator and the tests that hold it. A row without a test fails `make check`.
`make test` runs them all; `pytest -k NAME` runs one.
"""


def page() -> str:
    """docs/reference/controls.md."""
    tests = proofs()
    parts = [HEADER, _INTRODUCTION]
    for section, rows in promised().items():
        parts.append(f"\n## {_TITLES[section]}\n\n| Row | Promise | Proven by |\n|---|---|---|\n")
        parts += [
            f"| {row} | {promise} | {'<br>'.join(f'`{name}`' for name in tests.get(row, ['nothing yet']))} |\n"
            for row, promise in rows.items()
        ]
    return "".join(parts)


def promised() -> dict[str, dict[str, str]]:
    """Every promised row by section."""
    with (BACKEND / "tests" / "rows.toml").open("rb") as file:
        return tomllib.load(file)


def unproven() -> list[str]:
    """Promised rows that no test carries."""
    tests = proofs()
    return [row for rows in promised().values() for row in rows if row not in tests]


def proofs() -> dict[str, list[str]]:
    """Tests by row id: `path::test` for an id in a test's name or docstring, the path alone for one in the file's docstring."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((BACKEND / "tests").rglob("test_*.py")):
        for test, ids in _ids_of(ast.parse(path.read_text(encoding="utf-8"))):
            for row in ids:
                name = path.relative_to(BACKEND / "tests").as_posix()
                found[row].add(f"{name}::{test}" if test else name)
    return {row: _without_covered_files(names) for row, names in found.items()}


def _without_covered_files(names: set[str]) -> list[str]:
    files = {name.partition("::")[0] for name in names if "::" in name}
    return sorted(name for name in names if "::" in name or name not in files)


def _ids_of(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    yield "", ids_in_text(ast.get_docstring(tree) or "")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name, ids_in_text(ast.get_docstring(node) or "") | ids_in_name(node.name)
        elif isinstance(node, ast.ClassDef) and node.name.endswith("Test"):
            yield node.name, ids_in_text(ast.get_docstring(node) or "")


def ids_in_text(text: str) -> set[str]:
    """Row ids in prose; `B1-B7` means all seven."""
    found = set()
    for letter, first, last in _ID.findall(text):
        found |= {f"{letter}{number}" for number in range(int(first), int(last or first) + 1)}
    for source, first, last in _REQUIREMENT.findall(text):
        found |= {f"S{source}-{number:02}" for number in range(int(first), int(last or first) + 1)}
    return found


def ids_in_name(name: str) -> set[str]:
    """Row ids in a test's name, as in `test_a17_an_error_is_a_refusal` or `test_s3_22_...`."""
    return {(control or requirement.replace("_", "-")).upper() for control, requirement in _IN_NAME.findall(name)}
