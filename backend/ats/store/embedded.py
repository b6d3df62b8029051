"""The services ats needs: external ones when their URLs are set, otherwise a real PostgreSQL and a real Valkey in the data folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ats.core.config import StorageSettings
from ats.core.errors import DependencyError
from ats.store.embedded_postgres import EmbeddedPostgres
from ats.store.embedded_valkey import EmbeddedValkey
from ats.store.postgres.database import check_database
from ats.store.redis.connection import check_redis
from ats.store.service_account import SERVICE_USER, let_pass, service_account
from ats.store.shared_server import shared

_LONGEST_SOCKET_FOLDER = 80  # the kernel allows about 104 characters for the whole socket path, on macOS too
_SHORT_ROOT = Path("/tmp")  # noqa: S108 -- the folder made below it is private, and checked to be ours
_MISSING = "Against a server of your own it lacks backups, TimescaleDB, a TCP port and use from other machines; live trading with a real gateway refuses it."


@dataclass(frozen=True, slots=True)
class Services:
    """Where PostgreSQL and Redis answer. `notes` holds what was said when this process was the one that started them."""

    database_url: str
    redis_url: str
    is_embedded: bool
    notes: tuple[str, ...]


@contextmanager
def open_services(storage: StorageSettings, announce: Callable[[str], None]) -> Iterator[Services]:
    """Provide both services while the block runs. Raises DependencyError when one cannot be had, ConfigError for a malformed URL."""
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        announce(text)

    with open_database(storage, note) as database_url, open_redis(storage, note) as redis_url:
        yield Services(database_url, redis_url, storage.is_embedded, tuple(notes))


@contextmanager
def open_database(storage: StorageSettings, announce: Callable[[str], None]) -> Iterator[str]:
    """The URL of a PostgreSQL that answers, while the block runs. Raises DependencyError or ConfigError."""
    if storage.database_url is not None:
        url = storage.database_url.get_secret_value()
        check_database(url)
        yield url
        return
    folder, sockets = _prepared(storage.data_dir, "postgres")
    is_new = not (folder / "data").exists()
    if is_new:
        announce("First start: making a PostgreSQL database in the data folder takes a few seconds.")
    postgres = EmbeddedPostgres(folder, sockets, service_account())
    with shared(folder, postgres) as is_first:
        if is_first and is_new:
            _say_root(announce)
            announce(f"Embedded PostgreSQL runs in {storage.data_dir}. {_MISSING}")
        elif is_first:
            announce(f"Embedded PostgreSQL runs in {storage.data_dir}.")
        yield postgres.url


@contextmanager
def open_redis(storage: StorageSettings, announce: Callable[[str], None]) -> Iterator[str]:
    """The URL of a Redis or Valkey that answers, while the block runs. Raises DependencyError or ConfigError."""
    if storage.redis_url is not None:
        url = storage.redis_url.get_secret_value()
        check_redis(url)
        yield url
        return
    folder, sockets = _prepared(storage.data_dir, "valkey")
    valkey = EmbeddedValkey(folder, sockets, service_account())
    with shared(folder, valkey) as is_first:
        if is_first:
            announce(f"Embedded Valkey runs in {storage.data_dir}; it holds only what can be rebuilt and starts empty.")
        yield valkey.url


def _say_root(announce: Callable[[str], None]) -> None:
    if service_account() is not None:
        announce(f"Running as root: the embedded servers run as the system user {SERVICE_USER}.")


def _prepared(data_dir: Path, name: str) -> tuple[Path, Path]:
    """The service's folders, made and passable for its system user. Raises DependencyError."""
    folder, sockets = _places(data_dir, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        let_pass(folder, service_account())
    except OSError as error:
        raise DependencyError(
            f"The data folder {data_dir} cannot be used: {error.strerror}.",
            remedy="Make it writable, or set ATS_DATA_DIR to another folder.",
        ) from error
    return folder, sockets


def _places(data_dir: Path, name: str) -> tuple[Path, Path]:
    """Folder of one service and the folder of its socket, which must have a short name."""
    folder = data_dir.resolve() / "services" / name
    sockets = folder / "run"
    if len(bytes(sockets)) > _LONGEST_SOCKET_FOLDER:
        sockets = _SHORT_ROOT / f"ats-{name}-{hashlib.sha256(bytes(folder)).hexdigest()[:16]}"
    return folder, sockets
