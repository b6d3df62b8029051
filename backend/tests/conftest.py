"""Fixtures every test may use: the real embedded services, a fresh database, and where the data is."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql

from ats.core.config import StorageSettings
from ats.store.embedded import Services, open_services
from ats.store.postgres.database import Database
from ats.store.postgres.migrate import migrate
from ats.store.redis.connection import connect_redis

_numbers = count(1)


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A run in the background of a script has it ignored, and every process a test starts would inherit that from its first moment.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_data(repo_root: Path) -> Path:
    """The shared market data beside the checkout; the test is skipped where it is not mounted."""
    folder = repo_root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the shared data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """The real PostgreSQL and Valkey, in a folder of this test run alone."""
    folder = Path(tempfile.mkdtemp(prefix="ats-test-"))
    try:
        with open_services(StorageSettings(data_dir=folder), lambda _: None) as opened:
            yield opened
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template_database(services: Services) -> str:
    """Name of a migrated, empty database that fresh ones are copied from."""
    _as_owner(services.database_url, sql.SQL("CREATE DATABASE ats_template"))
    migrate(url_of(services, "ats_template"))
    return "ats_template"


@pytest.fixture
def new_database(services: Services) -> Iterator[Callable[..., str]]:
    """Makes databases, empty or from a template, and returns their URLs as the owner; dropped at the end."""
    made: list[str] = []

    def make(template: str = "template1") -> str:
        made.append(f"ats_test_{next(_numbers)}")
        names = {"name": sql.Identifier(made[-1]), "template": sql.Identifier(template)}
        _as_owner(services.database_url, sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
        return url_of(services, made[-1])

    yield make
    for name in made:
        _as_owner(services.database_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(new_database: Callable[..., str], template_database: str) -> str:
    """URL, as the owner, of a fresh, empty, migrated database."""
    return new_database(template_database)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, empty, migrated database, as the application sees it."""
    with Database(database_url) as opened:
        yield opened


@pytest.fixture
def redis_client(services: Services) -> Iterator[redis.Redis]:
    """The embedded Valkey, emptied."""
    with connect_redis(services.redis_url) as client:
        client.flushall()
        yield client


def url_of(services: Services, name: str) -> str:
    return services.database_url.replace("@/ats?", f"@/{name}?")


def _as_owner(url: str, statement: sql.Composable) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
