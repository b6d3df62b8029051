"""The kill switch's places in the database and in Redis, working and broken; and what Redis may hold."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from structlog.testing import capture_logs

from ats.core.errors import DependencyError
from ats.risk.kill_switch import Reading, read_all
from ats.session.records import Mode
from ats.store.files import FileKillPlace
from ats.store.postgres.database import Database
from ats.store.postgres.kill import DatabaseKillPlace
from ats.store.redis.connection import connect_redis
from ats.store.redis.kill import KILL_KEY, RedisKillPlace
from ats.store.redis.namespace import Namespace
from ats.store.redis.telemetry import SessionTelemetry, SurvivingTelemetry


@pytest.fixture(params=["file", "database", "redis"])
def place(request, tmp_path):
    if request.param == "file":
        return FileKillPlace(tmp_path / "KILL_SWITCH_ACTIVE")
    if request.param == "database":
        return DatabaseKillPlace(request.getfixturevalue("database"))
    return RedisKillPlace(request.getfixturevalue("redis_client"))


def test_every_place_keeps_the_same_promises(place, records, request):
    """B4, B8: off, on with the first reason, on again is the same, off again is no error."""
    assert (place.read().reading, place.read().place) == (Reading.OFF, place.name)
    place.switch_off()
    place.switch_on("runaway \x00 orders \ud800", "ann", records.now)
    place.switch_on("second", "bob", records.now)
    assert place.read().reading is Reading.ON
    assert "runaway" in place.read().reason
    assert "ann" in place.read().reason
    assert "second" not in place.read().reason
    place.switch_off()
    place.switch_off()
    assert place.read().reading is Reading.OFF
    place.switch_on("third", "ann", records.now)
    assert "third" in place.read().reason


def test_a_hundred_presses_at_once_are_one(database, records):
    """B8: one event in the history, no error."""
    place = DatabaseKillPlace(database)
    start = threading.Barrier(100)

    def press(number):
        start.wait()
        place.switch_on(f"press {number}", "ann", records.now)

    with ThreadPoolExecutor(100) as pool:
        list(pool.map(press, range(100)))
    assert [entry.is_on for entry in place.history()] == [True]
    assert place.read().reason.startswith(place.history()[0].reason)


def test_the_history_names_who_switched_why_and_when(database, records):
    place = DatabaseKillPlace(database)
    place.switch_on("runaway", "ann", records.now)
    place.switch_off("checked the book", "bob", records.now)
    place.switch_on("again", "ann", records.now)
    assert [(entry.is_on, entry.reason, entry.actor) for entry in place.history()] == [
        (True, "again", "ann"),
        (False, "checked the book", "bob"),
        (True, "runaway", "ann"),
    ]
    assert {entry.switched_at for entry in place.history()} == {records.now}


def test_a_place_whose_service_is_down_is_unreadable_and_hides_no_other(database_url, tmp_path, records):
    """B6: any one place is enough to stop trading; a place that cannot be asked blocks."""
    file = FileKillPlace(tmp_path / "KILL_SWITCH_ACTIVE")
    down = [
        DatabaseKillPlace(Database(database_url.replace("port=5432", "port=5433"))),
        RedisKillPlace(connect_redis(f"unix://{tmp_path}/nothing.sock")),
    ]
    state = read_all([file, *down])
    assert (state.is_on, state.is_readable) == (False, False)
    assert [reading.reading for reading in state.readings] == [Reading.OFF, Reading.UNREADABLE, Reading.UNREADABLE]
    for place in down:
        with pytest.raises(DependencyError):
            place.switch_on("reason", "ann", records.now)
    file.switch_on("reason", "ann", records.now)
    assert read_all([file, *down]).is_on


def test_a_key_of_another_type_still_means_on(redis_client):
    """Fault row 38: wrong type."""
    redis_client.rpush(KILL_KEY, "x")
    assert RedisKillPlace(redis_client).read().reading is Reading.ON


def test_the_switch_in_redis_is_one_for_every_mode(redis_client, records):
    """C16: everything of a mode is in its namespace; the switch alone stops all."""
    RedisKillPlace(redis_client).switch_on("reason", "ann", records.now)
    SessionTelemetry(redis_client, Namespace(Mode.LIVE)).publish("s-1", {"equity": "1"})
    assert sorted(redis_client.keys("*")) == ["ats:kill", "ats:live:telemetry:s-1"]
    assert SessionTelemetry(redis_client, Namespace(Mode.PAPER)).latest("s-1") is None


def test_telemetry_shows_the_newest_snapshot_and_stays_bounded(redis_client):
    """F15: a stream never grows without end."""
    telemetry = SessionTelemetry(redis_client, Namespace(Mode.PAPER))
    assert telemetry.latest("s-1") is None
    for number in range(1_500):
        telemetry.publish("s-1", {"number": number})
    assert telemetry.latest("s-1") == {"number": 1_499}
    assert [snapshot["number"] for snapshot in telemetry.recent("s-1", 3)] == [1_499, 1_498, 1_497]
    assert redis_client.xlen("ats:paper:telemetry:s-1") < 1_200
    assert redis_client.ttl("ats:paper:telemetry:s-1") > 0


def test_a_full_valkey_refuses_writes_aloud_and_loses_nothing(redis_client, records):
    """F15: noeviction."""
    assert redis_client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    place, telemetry = RedisKillPlace(redis_client), SessionTelemetry(redis_client, Namespace(Mode.PAPER))
    place.switch_on("reason", "ann", records.now)
    redis_client.config_set("maxmemory", 1)
    try:
        with pytest.raises(DependencyError, match="publishing telemetry"):
            telemetry.publish("s-1", {})
        assert place.read().reading is Reading.ON
    finally:
        redis_client.config_set("maxmemory", "256mb")


def test_valkey_answers_on_no_network_port(redis_client):
    """F15: loopback only is not even needed; the socket is private."""
    assert redis_client.config_get("port") == {"port": "0"}
    assert redis_client.config_get("unixsocketperm") == {"unixsocketperm": "700"}


def test_telemetry_without_redis_raises_for_its_caller_to_survive(tmp_path):
    """F14."""
    telemetry = SessionTelemetry(connect_redis(f"unix://{tmp_path}/nothing.sock"), Namespace(Mode.PAPER))
    with pytest.raises(DependencyError) as caught:
        telemetry.publish("s-1", {})
    assert isinstance(caught.value.__cause__, redis.ConnectionError)


def test_a_session_survives_the_loss_of_telemetry_and_notes_each_outage_once(redis_client):
    """F14."""
    telemetry = SurvivingTelemetry(SessionTelemetry(redis_client, Namespace(Mode.PAPER)), "s-1")

    def publish_twice_while_full():
        redis_client.config_set("maxmemory", 1)
        telemetry.publish({"number": 1})
        telemetry.publish({"number": 2})
        redis_client.config_set("maxmemory", "256mb")

    with capture_logs() as logs:
        publish_twice_while_full()
        telemetry.publish({"number": 3})
        publish_twice_while_full()
    assert [entry["event"] for entry in logs] == ["telemetry.lost", "telemetry.lost"]
    assert SessionTelemetry(redis_client, Namespace(Mode.PAPER)).recent("s-1", 9) == [{"number": 3}]
