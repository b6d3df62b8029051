"""State in plain files: the kill switch's sentinel, the lock of one session per account, and the beacon of a running session.

These work when every service is down, which is why they are files.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from ats.core.errors import DependencyError, InputError, RefusedByGateError
from ats.risk.kill_switch import KillReading, Reading
from ats.session.records import Mode
from ats.store.processes import ProcessIdentity

_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_REASON_CHARACTERS = 500


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file's content all at once and sync it: a reader, or a crash, sees the old content or the new. Raises OSError.

    As with any file, the umask says who besides the owner may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        name.replace(path)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


class FileKillPlace:
    """The sentinel file: if anything stands at the path, the switch is on. `touch` and `rm` work as well as ats does."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> KillReading:
        """On when something stands there, with its text as the reason; unreadable when the folder cannot be searched."""
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return self._absent()
        except OSError as error:
            return KillReading(self.name, Reading.UNREADABLE, f"{self.path}: {error.strerror}")
        return KillReading(self.name, Reading.ON, self._reason())

    def switch_on(self, reason: str, actor: str, at: datetime) -> None:
        """Create the file; one that is there stays as it is. Raises DependencyError when it could not be created."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as error:
            if self.read().reading is Reading.ON:
                return
            raise DependencyError(f"The sentinel {self.path} cannot be created: {error.strerror}.", remedy="Create it by hand.") from error
        # From here on it is on: a full disk that takes no reason must not turn that into a failure.
        with os.fdopen(handle, "wb", buffering=0) as file, contextlib.suppress(OSError):
            file.write(f"{reason} ({actor}, {at:%Y-%m-%d %H:%M:%S} UTC)\n".encode(errors="backslashreplace"))
            os.fsync(handle)
            _sync_folder(self.path.parent)

    def switch_off(self) -> None:
        """Remove the file. Raises DependencyError when it is still there."""
        try:
            self.path.unlink(missing_ok=True)
            _sync_folder(self.path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise DependencyError(f"The sentinel {self.path} cannot be removed: {error.strerror}.", remedy="Remove it by hand.") from error

    def _absent(self) -> KillReading:
        if self.path.parent.is_dir():
            return KillReading(self.name, Reading.OFF)
        return KillReading(self.name, Reading.UNREADABLE, f"the folder {self.path.parent} does not exist")

    def _reason(self) -> str:
        try:
            with self.path.open(errors="replace") as file:
                return file.read(_REASON_CHARACTERS).strip()
        except OSError as error:
            return f"(reason unreadable: {error.strerror})"


class SessionLock:
    """One session per account (row C14). The kernel holds the lock for the process and drops it with the process, however it dies."""

    def __init__(self, data_dir: Path, account_id: str) -> None:
        self._path = data_dir / "locks" / f"{_checked(account_id)}.lock"
        self._account_id = account_id

    @contextmanager
    def held(self, session_id: str) -> Iterator[None]:
        """Hold the lock while the block runs. Raises RefusedByGateError naming the session and process that hold it."""
        with self._opened() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._refusal(file) from None
            file.seek(0)
            file.truncate()
            file.write(json.dumps({"session_id": session_id, "pid": os.getpid()}).encode())
            file.flush()
            yield

    def _opened(self) -> IO[bytes]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._path.open("a+b")
        except OSError as error:
            raise DependencyError(f"The lock {self._path} cannot be used: {error.strerror}.", remedy="Make it writable.") from error

    def _refusal(self, file: IO[bytes]) -> RefusedByGateError:
        file.seek(0)
        try:
            holder = json.loads(file.read())
            shown = f"session {holder['session_id']}, process {holder['pid']}"
        except (ValueError, KeyError, TypeError):
            shown = "a session that is just starting"
        return RefusedByGateError(
            f"Account {self._account_id} already has a session: {shown}.",
            remedy="Stop it first; see `ats status`.",
            account_id=self._account_id,
        )


@dataclass(frozen=True, slots=True)
class Beacon:
    """What the kill command must know of a running session when nothing else can be asked."""

    session_id: str
    mode: Mode
    account_id: str
    gateway_host: str
    gateway_port: int
    client_id: int
    started_at: datetime
    process: ProcessIdentity

    @property
    def is_alive(self) -> bool:
        """Whether the session's process still runs; a beacon of a dead one may still stand for orders at the broker."""
        return self.process.is_alive


class SessionBeacon:
    """The beacons in a data folder, one file per account; each outlives a crash of its session on purpose."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "sessions"

    def light(self, beacon: Beacon) -> None:
        """Write the account's beacon. Raises DependencyError when it could not: then the session must not start."""
        fields = asdict(beacon) | {"started_at": beacon.started_at.isoformat()}
        try:
            write_atomically(self._path(beacon.account_id), json.dumps(fields, indent=1).encode())
        except OSError as error:
            raise DependencyError(
                f"The beacon in {self._folder} cannot be written: {error.strerror}.", remedy="Make it writable."
            ) from error

    def put_out(self, account_id: str) -> None:
        """Remove the account's beacon after an orderly stop."""
        self._path(account_id).unlink(missing_ok=True)

    def all(self) -> tuple[list[Beacon], list[str]]:
        """Every beacon, and a sentence for each file that cannot be read: the kill command uses the first and reports the second."""
        beacons, problems = [], []
        for path in sorted(self._folder.glob("*.json")):
            try:
                beacons.append(_beacon(json.loads(path.read_bytes())))
            except (OSError, ValueError, KeyError, TypeError) as error:
                problems.append(f"{path} is not a readable beacon: {error}")
        return beacons, problems

    def _path(self, account_id: str) -> Path:
        return self._folder / f"{_checked(account_id)}.json"


def _beacon(fields: object) -> Beacon:
    if not isinstance(fields, dict):
        raise TypeError("not an object")
    process = ProcessIdentity(**fields.pop("process"))
    mode, started_at = Mode(fields.pop("mode")), datetime.fromisoformat(fields.pop("started_at"))
    return Beacon(mode=mode, started_at=started_at, process=process, **fields)


def _checked(account_id: str) -> str:
    if not _ACCOUNT.fullmatch(account_id):
        raise InputError("account", account_id, "is not an account id", remedy="Write it as the broker shows it, for example DU1234567.")
    return account_id


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
