"""Bringing the schema up to this program: forward only, all in one transaction, once however many start together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from ats.core.errors import DependencyError
from ats.store.postgres.database import APPLICATION_ROLE, connect, translated_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
_MIGRATION_SECONDS = 600.0
_LOCK_SECONDS = 60.0
_OLDEST_SERVER = 160_000
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('ats.migrate', 0))"


def known_revisions() -> tuple[str, ...]:
    """Every revision of this program, oldest first; a file's number is its revision."""
    return tuple(sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")))


def current_revision(url: str) -> str | None:
    """The database's revision; None when it is empty."""
    with translated_errors(), connect(url, role=None, statement_seconds=_LOCK_SECONDS) as connection:
        try:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        return None if found is None else str(found[0])


def migrate(url: str) -> tuple[str, ...]:
    """Apply what is missing and return the revisions applied. Raises DependencyError for a database newer than this program (row F13)."""
    known = known_revisions()
    if _refuse_unknown(current_revision(url), known) == known[-1]:
        return ()
    return _upgrade(url, known)


def _refuse_unknown(revision: str | None, known: tuple[str, ...]) -> str | None:
    if revision is None or revision in known:
        return revision
    raise DependencyError(
        f"The database is at schema revision {revision}, which this version of ats does not know (it knows up to {known[-1]}).",
        remedy="Use the newer version of ats that made it, or another database.",
    )


def refuse_old_server(version: int) -> None:
    """Raise DependencyError for a server below PostgreSQL 16, whose roles cannot be granted as the schema needs. `version` as libpq counts: 150018."""
    if version < _OLDEST_SERVER:
        raise DependencyError(
            f"The server is PostgreSQL {version // 10_000}; ats needs {_OLDEST_SERVER // 10_000} or later. Nothing was changed.",
            remedy="Use a newer server (for Debian 12: apt.postgresql.org), or unset ATS_DATABASE_URL to use the embedded one.",
        )


def _upgrade(url: str, known: tuple[str, ...]) -> tuple[str, ...]:
    from sqlalchemy import NullPool, create_engine, text  # noqa: PLC0415 -- half a second to import, needed only when something is missing
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 -- as above

    def opened() -> psycopg.Connection[tuple[object, ...]]:
        connection = connect(url, role=None, statement_seconds=_MIGRATION_SECONDS, lock_seconds=_LOCK_SECONDS)
        refuse_old_server(connection.info.server_version)
        connection.bound_seconds = _MIGRATION_SECONDS
        connection.autocommit = False
        return connection

    engine = create_engine("postgresql+psycopg://", creator=opened, poolclass=NullPool)
    try:
        with translated_errors(), engine.begin() as connection:
            connection.execute(text(_LOCK))
            before = _refuse_unknown(_revision_in(connection), known)
            _run_alembic(connection)
    except DBAPIError as error:
        message = str(error.orig).splitlines()[0]
        raise DependencyError(f"The database could not be migrated: {message}. Nothing was changed.", remedy=_remedy(error.orig)) from error
    return known[0 if before is None else known.index(before) + 1 :]


def _remedy(error: BaseException | None) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return f"As an administrator: CREATE ROLE {APPLICATION_ROLE} NOLOGIN, grant it to the user of ATS_DATABASE_URL, who must own the database."
    return "Mend what the message names, then start again."


def _revision_in(connection: Connection) -> str | None:
    from alembic.migration import MigrationContext  # noqa: PLC0415 -- as above

    return MigrationContext.configure(connection).get_current_revision()


def _run_alembic(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 -- as above
    from alembic.config import Config  # noqa: PLC0415 -- as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
