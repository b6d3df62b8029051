"""The services ats needs: external ones when their URLs are set, otherwise a real PostgreSQL and a real Valkey in the data folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ats.core.config import StorageSettings
from ats.core.errors import DependencyError
from ats.store.embedded_postgres import EmbeddedPostgres
from ats.store.embedded_valkey import EmbeddedValkey
from ats.store.postgres.database import check_database
from ats.store.redis.connection import check_redis
from ats.store.service_account import SERVICE_USER, let_pass, service_account
from ats.store.shared_server import Server, shared

_LONGEST_SOCKET_FOLDER = 80  # the kernel allows about 104 characters for the whole socket path, on macOS too
_SHORT_ROOT = Path("/tmp")  # noqa: S108 -- the folder made below it is private, and checked to be ours
_MISSING = (
    "Against the Docker stack it lacks TimescaleDB, a TCP port and use from other machines; live trading with a real gateway refuses it."
)


@dataclass(frozen=True, slots=True)
class Services:
    """Where PostgreSQL and Redis answer. `notes` says what a person should know about them."""

    database_url: str
    redis_url: str
    is_embedded: bool
    notes: tuple[str, ...]


@contextmanager
def open_services(storage: StorageSettings, announce: Callable[[str], None]) -> Iterator[Services]:
    """Provide both services while the block runs. Raises DependencyError when one cannot be had, ConfigError for a malformed URL."""
    with ExitStack() as stack:
        notes: list[str] = []

        def note(text: str) -> None:
            notes.append(text)
            announce(text)

        if storage.is_embedded:
            _prepare(storage.data_dir, note)
        if storage.database_url is None:
            postgres = EmbeddedPostgres(*_places(storage.data_dir, "postgres"), service_account())
            _use(stack, storage.data_dir, "postgres", postgres, note)
            note(f"Embedded PostgreSQL runs in {storage.data_dir}. {_MISSING}")
            database_url = postgres.url
        else:
            database_url = storage.database_url.get_secret_value()
            check_database(database_url)
        if storage.redis_url is None:
            valkey = EmbeddedValkey(*_places(storage.data_dir, "valkey"), service_account())
            _use(stack, storage.data_dir, "valkey", valkey, note)
            note(f"Embedded Valkey runs in {storage.data_dir}; it holds only what can be rebuilt and starts empty.")
            redis_url = valkey.url
        else:
            redis_url = storage.redis_url.get_secret_value()
            check_redis(redis_url)
        yield Services(database_url, redis_url, storage.is_embedded, tuple(notes))


def _use(stack: ExitStack, data_dir: Path, name: str, server: Server, note: Callable[[str], None]) -> None:
    folder, _ = _places(data_dir, name)
    if name == "postgres" and not (folder / "data").exists():
        note("First start: making a PostgreSQL database in the data folder takes a few seconds.")
    stack.enter_context(shared(folder, server))


def _prepare(data_dir: Path, note: Callable[[str], None]) -> None:
    try:
        for name in ("postgres", "valkey"):
            folder, _ = _places(data_dir, name)
            folder.mkdir(parents=True, exist_ok=True)
            let_pass(folder, service_account())
    except OSError as error:
        raise DependencyError(
            f"The data folder {data_dir} cannot be used: {error.strerror}.",
            remedy="Make it writable, or set ATS_DATA_DIR to another folder.",
        ) from error
    if service_account() is not None:
        note(f"Running as root: the embedded servers run as the system user {SERVICE_USER}.")


def _places(data_dir: Path, name: str) -> tuple[Path, Path]:
    """Folder of one service and the folder of its socket, which must have a short name."""
    folder = data_dir.resolve() / "services" / name
    sockets = folder / "run"
    if len(bytes(sockets)) > _LONGEST_SOCKET_FOLDER:
        sockets = _SHORT_ROOT / f"ats-{name}-{hashlib.sha256(bytes(folder)).hexdigest()[:16]}"
    return folder, sockets
