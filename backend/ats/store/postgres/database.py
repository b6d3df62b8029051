"""The way to PostgreSQL: a small thread-safe pool of bounded connections under the application role, and errors in our words.

Every wait has an end on our side too: a server that is paused or cut off answers nothing, and its own timeouts do not run.
A connection whose outcome is unknown is closed, never used again.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, Self

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from ats.core.errors import ConfigError, DependencyError, RejectedWriteError

APPLICATION_ROLE = "ats_app"
CONNECT_SECONDS = 3
STATEMENT_SECONDS = 2.0
_GRACE_SECONDS = 0.5
_LOCK_SECONDS = 1.5
_MOST_CONNECTIONS = 8
_REMEDY = "Check that PostgreSQL runs; `ats status` shows each service."

Row = tuple[Any, ...]


class BoundedConnection(psycopg.Connection[Row]):
    """A connection on which no wait lasts longer than `bound_seconds`; when one does, the connection is closed."""

    bound_seconds = STATEMENT_SECONDS + _GRACE_SECONDS

    def wait[Value](self, gen: PQGen[Value], interval: float = 0.1, timeout: float | None = None) -> Value:
        """As in psycopg, with our bound as the longest wait."""
        bound = self.bound_seconds if timeout is None else min(timeout, self.bound_seconds)
        try:
            return super().wait(gen, interval, bound)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # no answer in time: it may still have happened, so nobody may go on here
            raise


class Database:
    """Runs statements as the application role, from any thread. Every failure is a DependencyError, never silence.

    Connections are made when needed and reused; one that the server has closed meanwhile is noticed and replaced.
    """

    def __init__(self, url: str, *, statement_seconds: float = STATEMENT_SECONDS, role: str | None = APPLICATION_ROLE) -> None:
        self.url = url
        self._statement_seconds = statement_seconds
        self._role = role
        self._idle: list[BoundedConnection] = []
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._is_closed = False

    def execute(self, statement: LiteralString, parameters: Sequence[object] = ()) -> int:
        """Run one statement durably, in one round trip, and return the number of rows it touched."""
        with self._borrowed() as connection:
            return connection.execute(statement, parameters).rowcount

    def rows(self, statement: LiteralString, parameters: Sequence[object] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        with self._borrowed() as connection:
            return connection.execute(statement, parameters).fetchall()

    def row(self, statement: LiteralString, parameters: Sequence[object] = ()) -> Row | None:
        """Run one statement and return its first row, if any."""
        with self._borrowed() as connection:
            return connection.execute(statement, parameters).fetchone()

    def close(self) -> None:
        """Refuse further use and close the idle connections; borrowed ones are closed when they come back."""
        with self._lock:
            idle, self._idle, self._is_closed = self._idle, [], True
        for connection in idle:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _borrowed(self) -> Iterator[BoundedConnection]:
        if self._is_closed:
            raise DependencyError("The database was closed by this process.", remedy="This is a bug of ats if it still runs; report it.")
        if not self._room.acquire(timeout=CONNECT_SECONDS):
            raise DependencyError(f"All {_MOST_CONNECTIONS} database connections are busy.", remedy=_REMEDY)
        try:
            with translated_errors():
                connection = self._take() or self._connect()
                try:
                    yield connection
                finally:
                    self._give_back(connection)
        finally:
            self._room.release()

    def _connect(self) -> BoundedConnection:
        connection = connect(self.url, role=self._role, statement_seconds=self._statement_seconds)
        connection.bound_seconds = self._statement_seconds + _GRACE_SECONDS
        return connection

    def _take(self) -> BoundedConnection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if _is_quiet(connection):
                return connection
            connection.close()

    def _give_back(self, connection: BoundedConnection) -> None:
        is_usable = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        with self._lock:
            if is_usable and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()


def connect(url: str, *, role: str | None, statement_seconds: float, lock_seconds: float = _LOCK_SECONDS) -> BoundedConnection:
    """One connection in autocommit mode. Raises psycopg.OperationalError; ConfigError for a malformed URL."""
    options = {"statement_timeout": _ms(statement_seconds), "lock_timeout": _ms(lock_seconds), "TimeZone": "UTC"}
    options |= {"role": role} if role else {}
    return BoundedConnection.connect(
        url,
        autocommit=True,
        connect_timeout=_connect_seconds(url),
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
        application_name="ats",
    )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn psycopg's errors into DependencyError with a remedy."""
    try:
        yield
    except psycopg.OperationalError as error:
        if f'role "{APPLICATION_ROLE}" does not exist' in str(error):
            raise _not_migrated() from error
        raise DependencyError(f"The database did not do it: {_first_line(error)}.", remedy=_REMEDY) from error
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
        raise _not_migrated() from error
    except psycopg.Error as error:
        raise RejectedWriteError(f"The database refused: {_first_line(error)}.", remedy="If it stays, report it.") from error


def _not_migrated() -> DependencyError:
    return DependencyError("The database has no tables of ats yet.", remedy="ats makes them when it starts as the owner of this database.")


def check_database(url: str) -> None:
    """Raise DependencyError unless the server answers, ConfigError for a malformed URL. The password is never shown."""
    try:
        connect(url, role=None, statement_seconds=STATEMENT_SECONDS).close()
    except psycopg.OperationalError as error:
        raise DependencyError(
            f"PostgreSQL at {masked_database(url)} does not answer: {_first_line(error)}.",
            remedy="Start it, correct ATS_DATABASE_URL, or unset it to use the embedded one.",
        ) from None


def durability_problems(database: Database) -> tuple[str, ...]:
    """Settings of the server under which an acknowledged write may be lost; empty when there are none (row F16)."""
    names = ("fsync", "synchronous_commit", "full_page_writes")
    found = (
        database.row("SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')") or ()
    )
    return tuple(f"{name} is {value}" for name, value in zip(names, found, strict=True) if value == "off")


def masked_database(url: str) -> str:
    """Where the URL points, without user name's secret: `user@host:port/name`."""
    parts = _parts(url)
    return f"{parts.get('user', '')}@{parts.get('host', '')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def storable(text: str) -> str:
    """Text as PostgreSQL can hold it: a NUL and lone surrogates are written out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _parts(url: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        remedy = "Write postgresql://user:password@host:port/name."
        raise ConfigError("ATS_DATABASE_URL=******** is not a PostgreSQL URL.", remedy=remedy) from None


def _connect_seconds(url: str) -> int:
    return int(_parts(url).get("connect_timeout", CONNECT_SECONDS))


def _is_quiet(connection: BoundedConnection) -> bool:
    """An idle connection has nothing to read; one that does was closed by the server."""
    return not connection.closed and not select.select([connection.fileno()], [], [], 0)[0]


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _ms(seconds: float) -> int:
    return int(seconds * 1_000)
