"""The schema goes forward, all or nothing, once."""

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from ats.core.errors import DependencyError
from ats.store.postgres.database import Database
from ats.store.postgres.migrate import MIGRATIONS, current_revision, known_revisions, migrate
from ats.store.processes import wait_until

MIGRATOR = """
    import sys
    from ats.store.postgres.migrate import _upgrade, known_revisions
    print("ready", flush=True)
    sys.stdin.readline()
    print(_upgrade(sys.argv[1], known_revisions()), flush=True)
"""
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


def ready(process):
    assert process.stdout.readline() == "ready\n"
    return process


def go(*processes):
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def test_an_empty_database_is_migrated_once(new_database):
    url = new_database()
    assert current_revision(url) is None
    assert migrate(url) == known_revisions()
    assert (migrate(url), current_revision(url)) == ((), known_revisions()[-1])


def test_the_revisions_we_count_are_the_ones_alembic_sees():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == known_revisions()


def test_a_database_newer_than_the_program_is_refused_and_left_alone(new_database):
    """F13."""
    url = new_database()
    migrate(url)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DependencyError, match=r"9999.*does not know"):
        migrate(url)
    assert current_revision(url) == "9999"


def test_processes_that_start_together_migrate_once(new_database, start_python):
    """F13."""
    url = new_database()
    migrators = [ready(start_python(MIGRATOR, url)) for _ in range(4)]
    go(*migrators)
    answers = [process.communicate(timeout=60)[0].strip() for process in migrators]
    assert sorted(answers) == sorted([str(known_revisions()), "()", "()", "()"])


@pytest.mark.parametrize("table", ["audit_chain", "approvals", "fills", "runs", "alembic_version"])
def test_a_migration_killed_in_the_middle_leaves_the_old_schema(new_database, start_python, table):
    """F13, fault row 48: held up at a table of each part, then SIGKILLed."""
    url = new_database()
    migrator = ready(start_python(MIGRATOR, url))
    with psycopg.connect(url) as blocker, psycopg.connect(url, autocommit=True) as observer:
        blocker.execute(f"CREATE TABLE {table} (x int)")
        go(migrator)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        assert wait_until(lambda: observer.execute(waiting).fetchone() == (1,), 20)
        migrator.kill()
        migrator.wait()
        blocker.rollback()
        assert observer.execute(TABLES).fetchone() == (0,)
    assert migrate(url) == known_revisions()


def test_a_migration_killed_right_after_it_said_so_leaves_the_new_schema(new_database, start_python):
    """F13, fault row 48."""
    url = new_database()
    migrator = ready(start_python(MIGRATOR, url))
    go(migrator)
    assert migrator.stdout.readline().strip() == str(known_revisions())
    migrator.kill()
    assert migrate(url) == ()


def test_a_failing_migration_changes_nothing_and_says_why(new_database):
    url = new_database()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE TABLE runs (x int)")
    with pytest.raises(DependencyError, match=r'relation "runs" already exists.*Nothing was changed'):
        migrate(url)
    with psycopg.connect(url, autocommit=True) as owner:
        assert owner.execute(TABLES).fetchone() == (1,)


def test_an_owner_who_is_no_superuser_migrates_once_an_administrator_gave_the_role(new_database, services):
    url = new_database()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    plain = url.replace("postgresql://postgres@", f"postgresql://{name}_owner@")
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE {name}_owner LOGIN")
        administrator.execute(f"ALTER DATABASE {name} OWNER TO {name}_owner")
    try:
        with pytest.raises(DependencyError) as caught:
            migrate(plain)
        assert "grant it" in caught.value.remedy
        with psycopg.connect(url, autocommit=True) as administrator:
            administrator.execute("DO $$ BEGIN CREATE ROLE ats_app NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
            administrator.execute(f"GRANT ats_app TO {name}_owner")
        assert migrate(plain) == known_revisions()
        with Database(plain) as database, pytest.raises(DependencyError, match="permission denied"):
            database.execute("DELETE FROM audit")
    finally:
        with psycopg.connect(services.database_url, autocommit=True) as administrator:
            administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
            administrator.execute(f"DROP ROLE {name}_owner")
            administrator.execute(f"CREATE DATABASE {name}")


def test_a_database_without_tables_says_so(new_database):
    with Database(new_database()) as database, pytest.raises(DependencyError, match="no tables of ats"):
        database.row("SELECT * FROM audit")
