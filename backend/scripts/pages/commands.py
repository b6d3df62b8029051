"""The command line reference, from the Typer applications themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from ats.cli.commands import COMMANDS
from pages import HEADER

_INTRODUCTION = """# Commands

`ats` is installed in `backend/.venv/bin`; `python -m ats.cli` is the same, and `python -m ats.paper` and `python -m ats.live` start a session. Results go to stdout, words for people to stderr, and
`--json` writes the result as one JSON document. [Exit codes](exit-codes.md) say how a command ended.
"""


def page() -> str:
    """docs/reference/cli.md."""
    parts = [HEADER, _INTRODUCTION]
    for lazy in COMMANDS:
        for name, command in _leaves(f"ats {lazy.name}", typer.main.get_command(lazy.load())):
            parts.append(_section(name, command))
    return "".join(parts)


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- Typer's command type is private
    children = getattr(command, "commands", None)
    if not children:
        yield name, command
        return
    for child_name, child in sorted(children.items()):
        if not child.hidden:
            yield from _leaves(f"{name} {child_name}", child)


def _section(name: str, command: Any) -> str:  # noqa: ANN401 -- as above
    context = typer.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    text = f"\n## {name}\n\n{_prose(command.help or '')}\n\n```\n{usage}\n```\n"
    records = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    options = [(names, words) for names, words in records if "--help" not in names]
    if options:
        text += "\n| Option | Meaning |\n|---|---|\n"
        text += "".join(f"| `{_cell(names)}` | {_cell(words)} |\n" for names, words in options)
    return text


def _prose(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
