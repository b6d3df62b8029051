"""Processes of this machine: an identity that survives pid recycling, liveness, and starting one that outlives its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types

from ats.core.errors import DependencyError

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FIRST_PAUSE_SECONDS = 0.0005
_LONGEST_PAUSE_SECONDS = 0.02
_KILL_SECONDS = 10.0
_PLAIN_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_DETACH = 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, told apart from a later one that got the same pid by its birth mark: boot and start tick, immune to clock changes."""

    pid: int
    birth: str

    @classmethod
    def current(cls) -> ProcessIdentity:
        """This process."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """The process that has this pid now; one that is gone already is never alive."""
        return cls(pid, _birth_of(pid) or "gone")

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return is_alive(self.pid) and _birth_of(self.pid) == self.birth


@dataclass(frozen=True, slots=True)
class RunAs:
    """The system user a server runs as when we are root; None where we are not."""

    user_id: int
    group_id: int


def is_alive(pid: int) -> bool:
    """Whether a process with this pid runs; a zombie waiting to be reaped does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def working_folder_of(pid: int) -> Path | None:
    """The process's current folder; None when it is gone or not ours to see."""
    try:
        return Path(psutil.Process(pid).cwd())
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
        return None


def processes_working_in(folder: Path) -> list[int]:
    """Pids of running processes whose current folder is `folder`."""
    return [pid for pid in psutil.pids() if working_folder_of(pid) == folder and is_alive(pid)]


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Poll `holds` until it is true or the time is over; whether it became true."""
    deadline = time.monotonic() + seconds
    pause, pause_seconds = threading.Event(), _FIRST_PAUSE_SECONDS
    while not holds():
        if time.monotonic() >= deadline:
            return False
        pause.wait(pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
    return True


def spawn_detached(command: Sequence[str], *, log: Path, folder: Path, run_as: RunAs | None) -> int:
    """Start a server in a session of its own, so that neither Ctrl-C nor our end reaches it, and return its pid.

    It is not our child: its end leaves no zombie here. It sees none of our environment, hence none of our secrets.
    """
    result = run_plain(["/bin/sh", "-c", _DETACH, "sh", str(log), *command], folder=folder, run_as=run_as)
    return int(result)


def end_processes_in(folder: Path, patience_seconds: float) -> None:
    """Wait for processes working in `folder` to end by themselves, then SIGKILL the rest. Raises DependencyError when one survives."""
    if wait_until(lambda: not processes_working_in(folder), patience_seconds):
        return
    if not wait_until(lambda: not _killed(processes_working_in(folder)), _KILL_SECONDS):
        pids = ", ".join(map(str, processes_working_in(folder)))
        raise DependencyError(f"Processes {pids} still work in {folder}.", remedy="End them by hand.")


def run_plain(command: Sequence[str], *, folder: Path, run_as: RunAs | None, seconds: float = 120) -> str:
    """Run a program in a session and environment of its own and return what it printed. Raises DependencyError when it fails.

    When this process is interrupted, the program and what it started are killed.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 -- programs of our own packages, arguments never pass a shell as code
            list(command),
            cwd=folder,
            env=_PLAIN_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            umask=0o077,
            user=run_as.user_id if run_as else None,
            group=run_as.group_id if run_as else None,
            extra_groups=[] if run_as else None,
        )
        printed, complaint = _finished(process, seconds)
    except (OSError, subprocess.SubprocessError) as error:
        raise DependencyError(
            f"{command[0]} could not be run: {error}.", remedy="Install ats again, or use an external service."
        ) from error
    if process.returncode != 0:
        shown = (complaint or printed).strip()[-600:]
        raise DependencyError(
            f"{command[0]} failed with exit code {process.returncode}: {shown}", remedy="Mend what it names, then try again."
        )
    return printed


def _finished(process: subprocess.Popen[str], seconds: float) -> tuple[str, str]:
    with process:
        try:
            return process.communicate(timeout=seconds)
        except BaseException:  # interrupted or too slow: nothing of it may go on working in our folders
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _killed(pids: Iterable[int]) -> list[int]:
    """SIGKILL each and return them."""
    found = list(pids)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def _birth_of(pid: int) -> str | None:
    try:
        return f"{_BOOT_ID.read_text().strip()}:{_start_ticks(pid)}" if _BOOT_ID.exists() else repr(psutil.Process(pid).create_time())
    except (OSError, psutil.Error):
        return None


def _start_ticks(pid: int) -> str:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    return after_name.split()[19]
