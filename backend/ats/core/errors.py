"""The error tree: every error an operator can meet carries its facts, its remedy and its exit code.

Exit codes (house rule, documented in docs/reference/exit-codes.md): 0 done · 1 bug · 2 usage · 3 refused by a gate ·
4 dependency unavailable · 5 evidence failed · 6 halted · 70 invariant broken · 130 interrupted.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import PurePath

_LONGEST_SHOWN = 80
_LONGEST_PATH = 400


def excerpt(value: object, longest: int = _LONGEST_SHOWN) -> str:
    """A value as a person may see it in a message: quoted, control characters escaped, cut at `longest` characters; a path is shown whole."""
    if isinstance(value, PurePath):
        return excerpt(str(value), max(longest, _LONGEST_PATH))
    shown = str(value) if isinstance(value, Decimal) else ascii(value)
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


class AtsError(Exception):
    """Base of every error ats raises on purpose. `code` is stable and documented; `remedy` names the next step."""

    exit_code = 1
    code = "ATS-ERROR"

    def __init__(self, message: str, *, remedy: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(AtsError):
    """The request itself is malformed: a field, a file, a setting."""

    exit_code = 2
    code = "USAGE"


class ConfigError(UsageError):
    """A setting is unknown, malformed or out of its range."""

    code = "CONFIG"


class InputError(UsageError):
    """A value from a person, a file or a peer does not fit its field."""

    code = "INPUT"

    def __init__(self, field: str, value: object, problem: str, *, remedy: str = "") -> None:
        super().__init__(f"{field}: {excerpt(value)} {problem}.", remedy=remedy, field=field, problem=problem)
        self.field = field


class RefusedByGateError(AtsError):
    """A gate said no to an operator's request. Nothing was sent, nothing was changed."""

    exit_code = 3
    code = "REFUSED"


class DependencyError(AtsError):
    """A service, gateway or file that is needed cannot be used right now."""

    exit_code = 4
    code = "DEPENDENCY"


class RejectedWriteError(DependencyError):
    """The store is there and says no to this very write; trying again cannot help."""

    code = "REJECTED_WRITE"


class EvidenceError(AtsError):
    """The evidence asked for is missing or says no: no data in the window, a failed check, a broken chain."""

    exit_code = 5
    code = "EVIDENCE"


class HaltedError(AtsError):
    """Trading is halted: the kill switch is on, or a limit has latched."""

    exit_code = 6
    code = "HALTED"


class InvariantError(AtsError):
    """A condition that must hold does not. Trading halts; this is a bug or corrupted state."""

    exit_code = 70
    code = "INVARIANT"
