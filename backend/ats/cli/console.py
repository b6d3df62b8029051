"""What a command writes: results on stdout, words for people on stderr, colour only where a person looks.

Rich is imported when something is printed with it; it honours NO_COLOR and writes no colour to a pipe or a file.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

_NARROWEST = 100


class OutputClosedError(Exception):
    """Whoever read our stdout has gone, as in `ats data list | head -1`. Not an error of ours; nothing more can be said."""


def result_json(value: object) -> None:
    """Write one JSON document to stdout. Decimals become strings, so that no digit is lost. Raises ValueError for NaN."""
    _write_stdout(json.dumps(plain(value), allow_nan=False, ensure_ascii=False) + "\n")


def result_text(text: str) -> None:
    """Write a result for people to stdout."""
    _write_stdout(text + "\n")


def result_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write aligned columns to stdout, headings in capitals; nothing is cut, whatever the width of the terminal."""
    cells = [[column.upper() for column in columns], *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells)
    _write_stdout("\n".join(lines) + "\n")


def say(text: str = "", *, style: str | None = None) -> None:
    """Write words for a person to stderr. Brackets are text, not markup."""
    stderr_console().print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """Write a warning to stderr."""
    say(f"Warning: {text}", style="yellow")


def complain(message: str, remedy: str = "") -> None:
    """Write an error to stderr, and below it what to do."""
    say(f"Error: {message}", style="bold red")
    if remedy:
        say(f"  {remedy}")


class Advance(Protocol):
    """Tells a progress display how far the work is."""

    def __call__(self, steps: int = 1) -> None:
        """Count `steps` more as done."""
        ...


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Advance]:
    """Show progress on stderr while the block runs: a bar for a person, two plain lines for a log. Yields the counter."""
    console = stderr_console()
    if not console.is_terminal:
        say(f"{description} ...")
        yield _uncounted
        say(f"{description}: done")
        return
    from rich.progress import Progress  # noqa: PLC0415 -- slow to import, needed only before a person's eyes

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps=1: bar.advance(task, steps)
    say(f"{description}: done")


def _uncounted(steps: int = 1) -> None:
    """A log wants no bar."""
    del steps


def stderr_console() -> Console:
    """A Rich console on the current stderr, never narrower than a readable line."""
    from rich.console import Console  # noqa: PLC0415 -- a tenth of a second that `--json` calls need not pay

    console = Console(stderr=True, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = max(console.width, _NARROWEST)
    return console


def plain(value: object) -> object:
    """The value in the types JSON has. Raises TypeError for a type nobody decided about."""
    match value:
        case Decimal():
            return format(value, "f") if value.is_finite() else str(value)
        case None | bool() | int() | float() | str():
            return value
        case datetime() | date():
            return value.isoformat()
        case PurePath():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(str(item) for item in value)
        case Sequence():
            return [plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _write_stdout(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise OutputClosedError from error
