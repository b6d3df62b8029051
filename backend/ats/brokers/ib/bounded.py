"""Calls that end: work on a thread of its own, given up when its time is over, whatever it is stuck in."""

from __future__ import annotations

import threading
from collections.abc import Callable


class OverdueError(Exception):
    """The work did not end in time; its thread is a daemon and cannot keep the process."""


def within[Result](seconds: float, work: Callable[[], Result]) -> Result:
    """The result of `work`, or its exception. Raises OverdueError after `seconds`, with the thread left behind.

    Name resolution and half-open sockets can outlast any timeout of their own; a thread can be left, a call cannot.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 -- handed to the caller, who is waiting for it
            failure.append(error)

    thread = threading.Thread(target=run, name="ib-bounded-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise OverdueError(f"no result within {seconds:g} s")
    return outcome[0]
