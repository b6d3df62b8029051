"""Exit codes and the error classes behind each, read from the source so that no module has to be imported."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from pages import HEADER

MEANINGS = {
    0: ("Done", "The command did what it says."),
    1: ("Bug", "Something nobody foresaw. Run it again as `ats --debug ...` and report the traceback."),
    2: ("Usage", "The request is malformed: an option, a file, a setting. Nothing was done."),
    3: ("Refused by a gate", "A gate said no. Nothing was sent and nothing was changed; the message names the next step."),
    4: ("Dependency unavailable", "The database, Redis, the gateway or a file cannot be used right now. Repeat once it can."),
    5: ("Evidence failed", "The evidence is missing or says no: no data in the window, a failed check, a broken audit chain."),
    6: ("Halted", "Trading is halted: the kill switch is on, or a limit has latched. `ats status` says why."),
    70: ("Invariant broken", "A condition that must always hold does not. Trading stops; report it."),
    130: ("Interrupted", "Ctrl-C or a stop signal ended the command. What it held was released."),
    141: ("Reader gone", "Whoever read the output closed it, for example by piping it into `head`."),
}

_INTRODUCTION = """# Exit codes

Every command ends with one of these, also `python -m ats.paper` and `python -m ats.live`. Words for people go to stderr, results to
stdout. With `--json` an error is one document on stdout as well:
`{"error": {"code": ..., "message": ..., "remedy": ..., "exit_code": ..., "facts": {...}}}`. The codes never change their meaning.

| Exit | Name | Meaning |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """An error ats raises on purpose, as its source states it."""

    name: str
    bases: tuple[str, ...]
    exit_code: int | None
    code: str | None
    says: str


def page() -> str:
    """docs/reference/exit-codes.md."""
    parts = [HEADER, _INTRODUCTION]
    parts += [f"| {number} | {name} | {meaning} |\n" for number, (name, meaning) in MEANINGS.items()]
    parts.append("\n## Errors\n\n| Error | Code | Exit | When |\n|---|---|---|---|\n")
    parts += [
        f"| `{error.name}` | `{code}` | {exit_code} | {error.says} |\n"
        for exit_code, code, error in sorted(resolved(), key=lambda row: (row[0], row[1], row[2].name))
    ]
    return "".join(parts)


def resolved() -> list[tuple[int, str, ErrorClass]]:
    """(exit code, code, class) of every class below AtsError, inheriting what it does not state itself."""
    classes = {error.name: error for error in _classes()}
    rows = []
    for error in classes.values():
        lineage = _lineage(error, classes)
        if lineage and lineage[-1].name == "AtsError" and error.name != "AtsError":
            exit_code = next(entry.exit_code for entry in lineage if entry.exit_code is not None)
            code = next(entry.code for entry in lineage if entry.code is not None)
            rows.append((exit_code, code, error))
    return rows


def _lineage(error: ErrorClass, classes: dict[str, ErrorClass]) -> list[ErrorClass]:
    line = [error]
    while base := next((classes[name] for name in line[-1].bases if name in classes), None):
        line.append(base)
    return line


def _classes() -> list[ErrorClass]:
    package = Path(__file__).resolve().parents[2] / "ats"
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted(package.rglob("*.py")))
    return [_described(node) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def _described(node: ast.ClassDef) -> ErrorClass:
    constants = {
        statement.targets[0].id: statement.value.value
        for statement in node.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name) and isinstance(statement.value, ast.Constant)
    }
    bases = tuple(base.id if isinstance(base, ast.Name) else base.attr for base in node.bases if isinstance(base, ast.Name | ast.Attribute))
    says = (ast.get_docstring(node) or "").split("\n")[0]
    return ErrorClass(node.name, bases, constants.get("exit_code"), constants.get("code"), says)
