"""How a failed command is told: words on stderr, with `--json` one document on stdout, and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from ats.cli import console
from ats.core.errors import AtsError

BUG, USAGE, INTERRUPTED, OUTPUT_CLOSED = 1, 2, 130, 141


@dataclass(frozen=True, slots=True)
class Failures:
    """Tells failures in the form the caller asked for."""

    as_json: bool
    with_traceback: bool

    def expected(self, error: AtsError) -> int:
        """An error ats raised on purpose: its message, its remedy, its exit code."""
        self._document(error.code, error.message, error.remedy, error.exit_code, error.facts)
        console.complain(error.message, error.remedy)
        self._trace(error)
        return error.exit_code

    def unexpected(self, error: BaseException) -> int:
        """Anything else: a bug, here or below us."""
        message = f"Unexpected {type(error).__name__}: {error}".rstrip(": ")
        remedy = "This is a bug in ats. Run it again as `ats --debug ...` and report the traceback."
        self._document("BUG", message, remedy, BUG, {})
        console.complain(message, "" if self.with_traceback else remedy)
        self._trace(error)
        return BUG

    def usage(self, message: str) -> None:
        """A malformed command line. Typer itself says so on stderr and exits with 2."""
        self._document("USAGE", message, "Run the command with --help.", USAGE, {})
        if "unexpected extra argument" in message.lower():
            console.say("  JSON needs single quotes around it, for example --params '{\"buy_threshold\": 0.15}'.")

    def _document(self, code: str, message: str, remedy: str, exit_code: int, facts: Mapping[str, object]) -> None:
        if self.as_json:
            shown = {name: value if isinstance(value, str | int) else str(value) for name, value in facts.items()}
            error = {"code": code, "message": message, "remedy": remedy, "exit_code": exit_code, "facts": shown}
            console.result_json({"error": error})

    def _trace(self, error: BaseException) -> None:
        if self.with_traceback:
            sys.stderr.write("".join(traceback.format_exception(error)))
