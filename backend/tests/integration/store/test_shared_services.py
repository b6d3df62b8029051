"""The embedded services: shared by any number of processes, gone with the last, usable after any crash or interrupt."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from ats.core.config import StorageSettings
from ats.core.errors import DependencyError
from ats.store.embedded import open_services
from ats.store.postgres.database import Database
from ats.store.postgres.migrate import migrate
from ats.store.processes import ProcessIdentity, is_alive, wait_until
from ats.store.redis.connection import connect_redis

USER = """
    import json, sys
    from pathlib import Path
    from ats.core.config import StorageSettings
    from ats.store.embedded import open_services
    from ats.store.redis.connection import connect_redis

    print("ready", flush=True)
    if sys.argv[2] == "wait":
        sys.stdin.readline()
    with open_services(StorageSettings(data_dir=Path(sys.argv[1])), lambda text: None) as services:
        postmaster = Path(sys.argv[1]) / "services/postgres/data/postmaster.pid"
        valkey = connect_redis(services.redis_url).info("server")["process_id"]
        found = {"postgres": int(postmaster.read_text().split()[0]), "valkey": valkey, "url": services.database_url}
        print(json.dumps(found), flush=True)
        sys.stdin.readline()
    print("left", flush=True)
"""


@pytest.fixture
def data_dir():
    """A folder with a short name that every user may reach; its servers are stopped at the end, whatever the test left."""
    folder = Path(tempfile.mkdtemp(prefix="ats-services-"))
    folder.chmod(0o755)
    yield folder
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(folder)):
                process.kill()
        except (psutil.Error, OSError):
            continue
    assert wait_until(lambda: not any_process_in(folder), 10)
    shutil.rmtree(folder)


def any_process_in(folder):
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(str(folder)) and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except (psutil.Error, OSError):
            continue
    return False


def settings(folder):
    return StorageSettings(data_dir=folder)


def say(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def servers_of(process):
    while (line := process.stdout.readline()) == "ready\n":
        pass
    assert line.startswith("{"), line + process.stdout.read()
    return json.loads(line)


def leave(process):
    assert process.communicate("go\n", timeout=60)[0].endswith("left\n")


def crash(pid):
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(pid), 10)


def test_five_processes_share_one_pair_and_the_last_one_stops_it(data_dir, start_python):
    """Started at the same moment on an empty folder; one is SIGKILLed; the others leave in another order."""
    users = [start_python(USER, data_dir, "wait") for _ in range(5)]
    for user in users:
        assert user.stdout.readline() == "ready\n"
    for user in users:
        say(user)
    found = [servers_of(user) for user in users]
    assert all(each == found[0] for each in found)
    servers = (found[0]["postgres"], found[0]["valkey"])

    users[3].kill()
    users[3].wait()
    for number in (0, 4, 2):
        leave(users[number])
        assert all(is_alive(pid) for pid in servers)
    psycopg.connect(found[0]["url"]).close()
    leave(users[1])
    assert not any(is_alive(pid) for pid in servers)
    assert not any_process_in(data_dir)


def test_users_who_come_and_go_always_find_a_running_pair(data_dir, start_python):
    """A start beside a stop: the stopping server is waited for and replaced."""
    for _ in range(4):
        going = start_python(USER, data_dir, "at once")
        servers_of(going)
        coming = start_python(USER, data_dir, "wait")
        assert coming.stdout.readline() == "ready\n"
        say(coming)
        say(going)
        psycopg.connect(servers_of(coming)["url"]).close()
        leave(coming)
        assert going.wait(timeout=30) == 0
    assert not any_process_in(data_dir)


def test_interrupting_the_process_that_started_them_does_not_stop_the_servers_of_others(data_dir, start_python):
    """Ctrl-C reaches the whole process group of the starter: the servers are not in it."""
    starter = start_python(USER, data_dir, "at once")
    servers = servers_of(starter)
    other = start_python(USER, data_dir, "at once")
    assert servers_of(other) == servers
    os.killpg(starter.pid, signal.SIGINT)
    starter.communicate(timeout=30)
    assert is_alive(servers["postgres"])
    assert is_alive(servers["valkey"])
    psycopg.connect(servers["url"]).close()
    leave(other)
    assert not any_process_in(data_dir)


def test_a_killed_sole_user_leaves_servers_that_the_next_one_uses_and_stops(data_dir, start_python):
    user = start_python(USER, data_dir, "at once")
    servers = servers_of(user)
    user.kill()
    user.wait()
    heir = start_python(USER, data_dir, "at once")
    assert servers_of(heir) == servers
    leave(heir)
    assert not any_process_in(data_dir)


STAGES = [
    "data.new",
    "data.new/PG_VERSION",
    "data.new/global/pg_control",
    "data/postmaster.pid",
    "../valkey/log/valkey.log",
    "../valkey/run/valkey.sock",
]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_first_start_cut_short_at_any_stage_leaves_a_usable_folder(data_dir, start_python, stage, how):
    user = start_python(USER, data_dir, "at once")
    folder = data_dir / "services" / "postgres"
    assert wait_until(lambda: folder.exists() and (folder / stage).exists(), 30)
    os.killpg(user.pid, how)
    user.communicate(timeout=60)
    with open_services(settings(data_dir), lambda _: None) as services:
        assert migrate(services.database_url) == ("0001",)
        assert connect_redis(services.redis_url).ping()
    assert not any_process_in(data_dir)


def test_acknowledged_rows_survive_a_killed_postgres_five_times_under_load(data_dir):
    """Fault row 31: every row that was acknowledged is there; in between the writer is told, and the next start repairs."""
    acknowledged = 0
    for _ in range(5):
        with open_services(settings(data_dir), lambda _: None) as services, Database(services.database_url, role=None) as database:
            database.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
            rows = database.row("SELECT count(*) FROM kept")[0]
            assert acknowledged <= rows <= acknowledged + 1
            acknowledged = rows
            postmaster = int((data_dir / "services/postgres/data/postmaster.pid").read_text().split()[0])
            victims = [process.pid for process in psutil.Process(postmaster).children()]
            victims.insert(0, postmaster)
            for _ in range(50):
                database.execute("INSERT INTO kept VALUES (1)")
                acknowledged += 1
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            while can_write(database):
                acknowledged += 1
            with open_services(settings(data_dir), lambda _: None):  # another command of ats comes by and repairs
                assert wait_until(lambda: can_write(database), 10)
                acknowledged += 1
    with open_services(settings(data_dir), lambda _: None) as services, Database(services.database_url, role=None) as database:
        assert acknowledged <= database.row("SELECT count(*) FROM kept")[0] <= acknowledged + 5


def can_write(database):
    try:
        database.execute("INSERT INTO kept VALUES (1)")
    except DependencyError:
        return False
    return True


@pytest.mark.parametrize("content", ["recycled", "", "garbage\n", "999999999\n", "-5\n"])
def test_a_stale_pid_file_is_seen_through(data_dir, start_python, content):
    """A pid that was used again belongs to a process that works elsewhere."""
    with open_services(settings(data_dir), lambda _: None):
        pid_file = data_dir / "services/postgres/data/postmaster.pid"
        lines = pid_file.read_text().splitlines()
    stranger = start_python("import sys; sys.stdin.readline()")
    stale = "\n".join([str(stranger.pid), *lines[1:]]) + "\n" if content == "recycled" else content
    pid_file.write_text(stale)
    shutil.chown(pid_file, pid_file.parent.stat().st_uid, pid_file.parent.stat().st_gid)
    with open_services(settings(data_dir), lambda _: None) as services:
        psycopg.connect(services.database_url).close()
    assert stranger.poll() is None


def test_a_socket_without_a_server_is_replaced(data_dir):
    with open_services(settings(data_dir), lambda _: None) as services:
        valkey = connect_redis(services.redis_url).info("server")["process_id"]
        crash(valkey)
        assert (data_dir / "services/valkey/run/valkey.sock").exists()
        with open_services(settings(data_dir), lambda _: None) as again:
            assert connect_redis(again.redis_url).ping()
            assert connect_redis(services.redis_url).ping()


def test_a_server_that_hangs_is_named_to_a_newcomer_and_killed_by_the_last_user(data_dir):
    with open_services(settings(data_dir), lambda _: None) as services:
        valkey = connect_redis(services.redis_url).info("server")["process_id"]
        os.kill(valkey, signal.SIGSTOP)
        with pytest.raises(DependencyError, match="does not answer"), open_services(settings(data_dir), lambda _: None):
            pass
        assert is_alive(valkey)
    assert not is_alive(valkey)
    assert not any_process_in(data_dir)


def test_a_long_data_folder_uses_a_short_private_socket_folder(data_dir):
    """Unix socket paths end at about a hundred characters."""
    folder = data_dir / ("long" * 30) / "with space, 'quotes' and $(signs) é"
    with open_services(settings(folder), lambda _: None) as services:
        psycopg.connect(services.database_url).close()
        assert connect_redis(services.redis_url).ping()
        sockets = Path(psycopg.conninfo.conninfo_to_dict(services.database_url)["host"])
        assert len(str(sockets)) < 60
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


def test_two_data_folders_never_meet(data_dir):
    with open_services(settings(data_dir / "one"), lambda _: None) as one, open_services(settings(data_dir / "two"), lambda _: None) as two:
        connect_redis(one.redis_url).set("key", "one")
        assert connect_redis(two.redis_url).get("key") is None
        assert one.database_url != two.database_url


def test_it_says_what_it_started_and_what_is_missing(data_dir):
    said = []
    with open_services(settings(data_dir), said.append) as services:
        assert (services.is_embedded, list(services.notes)) == (True, said)
    text = " ".join(said)
    assert str(data_dir) in text
    assert "TimescaleDB" in text
    assert "live trading" in text
    with open_services(settings(data_dir), lambda _: None) as services:
        assert str(data_dir) in services.notes[0]
        assert "TimescaleDB" not in " ".join(services.notes), "the lesson is given once, with the new database"


def test_external_urls_are_used_as_given_and_start_nothing(services, data_dir):
    external = StorageSettings(data_dir=data_dir, database_url=services.database_url, redis_url=services.redis_url)
    with open_services(external, lambda _: None) as found:
        assert (found.database_url, found.redis_url, found.is_embedded) == (services.database_url, services.redis_url, False)
    assert list(data_dir.iterdir()) == []


def test_a_data_folder_that_cannot_be_made_is_named_with_the_remedy(data_dir):
    (data_dir / "file").write_text("")
    with pytest.raises(DependencyError) as caught, open_services(settings(data_dir / "file" / "data"), lambda _: None):
        pass
    assert str(data_dir / "file") in str(caught.value)
    assert "ATS_DATA_DIR" in caught.value.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="started as a normal user, every other test here shows it")
def test_a_normal_user_needs_no_system_user(data_dir):
    """Root gives up its rights for good in a fork: the interpreter itself may lie where only root can read."""
    with open_services(settings(data_dir / "root"), lambda _: None):
        pass  # everything a start imports is loaded now
    (data_dir / "home").mkdir()
    os.chown(data_dir / "home", 65_534, 65_534)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(writing, "w") as answer:
            answer.write(opened_as(65_534, data_dir / "home"))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert answer.read() == "65534"
    os.waitpid(child, 0)
    assert not any_process_in(data_dir)


def opened_as(user_id, folder):
    try:
        os.setgroups([])
        os.setgid(user_id)
        os.setuid(user_id)
        with open_services(settings(folder), lambda _: None) as services:
            psycopg.connect(services.database_url).close()
            pid = int((folder / "services/postgres/data/postmaster.pid").read_text().split()[0])
            return str(psutil.Process(pid).uids().real)
    except BaseException as error:  # noqa: BLE001 -- the other side of the pipe asserts on it
        return repr(error)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs the system user")
def test_root_runs_the_servers_as_a_system_user_without_reading_rights_above(data_dir):
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    with open_services(settings(closed / "data"), lambda _: None) as services:
        pid = int((closed / "data/services/postgres/data/postmaster.pid").read_text().split()[0])
        assert psutil.Process(pid).uids().real != 0
        psycopg.connect(services.database_url).close()
        assert closed.stat().st_mode & 0o777 == 0o701
        assert (closed / "data/services/postgres/data").stat().st_mode & 0o777 == 0o700


def test_the_servers_see_none_of_our_secrets(data_dir, start_python):
    """F7: the environment may hold passwords."""
    environment = {**os.environ, "ATS_TEST_MARKER": "marker-secret"}
    user = start_python(USER, data_dir, "at once", env=environment)
    servers = servers_of(user)
    for pid in (servers["postgres"], servers["valkey"]):
        assert "marker-secret" not in str(psutil.Process(pid).environ())
    leave(user)


def test_a_process_identity_is_not_fooled_by_a_recycled_pid():
    mine = ProcessIdentity.current()
    assert mine.is_alive
    assert not ProcessIdentity(mine.pid, mine.birth + "0").is_alive
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    assert not ProcessIdentity(ended.pid, mine.birth).is_alive
