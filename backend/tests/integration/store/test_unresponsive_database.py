"""A database that is paused or was restarted: bounded waits, no false success, and on again when it is back."""

import os
import signal
import time

import pytest

from ats.core.errors import DependencyError
from ats.risk.kill_switch import Reading
from ats.store.postgres.database import Database
from ats.store.postgres.kill import DatabaseKillPlace


def paused(pid):
    class Paused:
        def __enter__(self):
            os.kill(pid, signal.SIGSTOP)

        def __exit__(self, *_):
            os.kill(pid, signal.SIGCONT)

    return Paused()


def test_a_paused_server_process_ends_the_wait_and_its_connection_is_not_used_again(database):
    """Fault row 32: it may have happened, so it is an error, and the next statement goes another way."""
    pid = database.row("SELECT pg_backend_pid()")[0]
    with paused(pid):
        started = time.monotonic()
        with pytest.raises(DependencyError, match="did not do it"):
            database.execute("INSERT INTO kill_switch (is_on, reason, actor, switched_at) VALUES (true, '', '', now())")
        assert time.monotonic() - started < 4
        assert database.row("SELECT pg_backend_pid()")[0] != pid
    assert database.row("SELECT count(*) FROM kill_switch")[0] in {0, 1}


def test_a_statement_that_takes_too_long_is_ended_by_the_server_and_the_connection_lives_on(database_url):
    with Database(database_url, statement_seconds=0.2) as database:
        pid = database.row("SELECT pg_backend_pid()")[0]
        with pytest.raises(DependencyError, match="statement timeout"):
            database.row("SELECT pg_sleep(5)")
        assert database.row("SELECT pg_backend_pid()")[0] == pid


def test_connections_the_server_closed_meanwhile_are_noticed_before_they_are_used(database, owner):
    """A restart of PostgreSQL costs no failed write when it is back."""
    pid = database.row("SELECT pg_backend_pid()")[0]
    owner.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    assert database.row("SELECT pg_backend_pid()")[0] != pid


def test_the_kill_switch_of_a_paused_database_is_unreadable_within_the_bound(database):
    """B6: blocked, not hanging."""
    place = DatabaseKillPlace(database)
    assert place.read().reading is Reading.OFF
    with paused(database.row("SELECT pg_backend_pid()")[0]):
        started = time.monotonic()
        assert place.read().reading is Reading.UNREADABLE
        assert time.monotonic() - started < 4


def test_a_refused_connection_is_told_at_once(database_url):
    """The trading loop must not wait for a server that is not there."""
    started = time.monotonic()
    with pytest.raises(DependencyError):
        Database(database_url.replace("port=5432", "port=5433")).row("SELECT 1")
    assert time.monotonic() - started < 1
