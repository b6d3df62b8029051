"""Which account a session may trade: the mode, what the operator configured and what the gateway reports must agree.

Pure. Every disagreement is a refusal that names what the gateway reported (rows C2, C3, C17, S3-22).
"""

from __future__ import annotations

from collections.abc import Sequence

from ats.core.errors import RefusedByGateError
from ats.core.ids import is_live_account, is_paper_account
from ats.session.records import Mode

LIVE_PORTS = frozenset({4001, 7496})
PAPER_PORTS = frozenset({4002, 7497})
_SHAPE = {Mode.PAPER: "DU and five to nine digits", Mode.LIVE: "U and five to nine digits"}


def check_port(mode: Mode, port: int) -> int:
    """The port, unless it is a standard port of the other mode. Raises RefusedByGateError (row C17)."""
    other = LIVE_PORTS if mode is Mode.PAPER else PAPER_PORTS
    if port in other:
        raise RefusedByGateError(
            f"Port {port} belongs to the {_other(mode)} gateway; this is a {mode} session.",
            remedy=f"Set ATS_IB_{mode.upper()}_PORT to the port of the {mode} gateway.",
            mode=mode,
            port=port,
        )
    return port


def check_account_id(mode: Mode, account_id: str) -> str:
    """The account id, if its form fits the mode. Raises RefusedByGateError (rows C2, S3-22)."""
    fits = is_paper_account(account_id) if mode is Mode.PAPER else is_live_account(account_id)
    if not fits:
        raise RefusedByGateError(
            f"Account {account_id!r} is not a {mode} account id ({_SHAPE[mode]}).",
            remedy=f"A {mode} session trades {mode} accounts only; give the {mode} account, or start the other mode.",
            mode=mode,
            account_id=account_id,
        )
    return account_id


def check_account(mode: Mode, expected: str | None, reported: Sequence[str]) -> str:
    """The one account the session trades: the only one the gateway reports, of the mode's form, and the expected one.

    Args: expected, the configured account; None only in paper mode, where the one reported account is taken.
    Raises: RefusedByGateError otherwise, naming what the gateway reported (rows C2, C3, S3-22).
    """
    if expected is not None:
        check_account_id(mode, expected)
    elif mode is Mode.LIVE:
        raise _refusal(mode, expected, reported, "no live account is configured.", "Set ATS_IB_LIVE_ACCOUNT_ID to the account to trade.")
    if len(reported) != 1:
        count = "no account" if not reported else f"{len(reported)} accounts"
        remedy = "Log the gateway in with a user that has exactly one account." if reported else "Wait until the gateway has logged in."
        raise _refusal(mode, expected, reported, f"the gateway reports {count}, not one.", remedy)
    account_id = reported[0]
    if expected is not None and account_id != expected:
        remedy = f"Log the gateway in to {expected}, or configure the account you mean."
        raise _refusal(mode, expected, reported, "the gateway is logged in to another account.", remedy)
    return check_account_id(mode, account_id)


def _refusal(mode: Mode, expected: str | None, reported: Sequence[str], problem: str, remedy: str) -> RefusedByGateError:
    shown = ", ".join(reported) or "none"
    return RefusedByGateError(
        f"Account check failed: {problem} Expected {expected or 'any one'} ({mode}), reported: {shown}.",
        remedy=remedy,
        mode=mode,
        expected=expected,
        reported=tuple(reported),
    )


def _other(mode: Mode) -> Mode:
    return Mode.LIVE if mode is Mode.PAPER else Mode.PAPER
