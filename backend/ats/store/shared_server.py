"""One server, many processes: the first starts it, the last stops it, and a killed one leaves no trace.

Membership is a shared file lock, not a list of pids: the kernel drops it with the process, however it dies, and pids that are
used again cannot be mistaken. Starting and stopping happen under a second, exclusive lock.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from ats.core.errors import DependencyError
from ats.store.processes import wait_until

_LOCK_SECONDS = 90.0


class Server(Protocol):
    """A server that can be brought up from any state a crash left, and stopped. Both are called under the exclusive lock."""

    name: str

    def ensure_running(self) -> None:
        """Return when it answers. Raises DependencyError when it cannot be brought up."""
        ...

    def stop(self) -> None:
        """Return when it is gone."""
        ...


@contextmanager
def shared(folder: Path, server: Server) -> Iterator[bool]:
    """Use the server with others; yields whether nobody else did. `folder` holds the two lock files and is the same for all of them."""
    with _opened(folder / "in-use") as membership:
        is_first = _join(folder, server, membership)
        try:
            yield is_first
        finally:
            _leave(folder, server, membership)


def _join(folder: Path, server: Server, membership: IO[bytes]) -> bool:
    with _exclusive(folder / "lock", server.name):
        is_first = _nobody_else(membership)
        fcntl.flock(membership, fcntl.LOCK_SH)
        try:
            server.ensure_running()
        except BaseException:  # interrupted or failed: nobody else may be left with a server of ours
            if _nobody_else(membership):
                server.stop()
            raise
        return is_first


def _leave(folder: Path, server: Server, membership: IO[bytes]) -> None:
    with _exclusive(folder / "lock", server.name):
        if _nobody_else(membership):
            server.stop()


def _nobody_else(membership: IO[bytes]) -> bool:
    """Give up our membership, if we have one, and tell whether nobody else holds one."""
    try:
        fcntl.flock(membership, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _exclusive(path: Path, name: str) -> Iterator[None]:
    with _opened(path) as file:
        if not wait_until(lambda: _try_lock(file), _LOCK_SECONDS):
            raise DependencyError(
                f"Another process has been starting or stopping {name} for more than {_LOCK_SECONDS:.0f} s ({path} is locked).",
                remedy="Stop the other ats process, then try again.",
            )
        yield


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        remedy = "Run as the user who owns the data folder, or set ATS_DATA_DIR to another one."
        raise DependencyError(f"{path} cannot be opened: {error.strerror}.", remedy=remedy) from error


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
