"""Sentinel, session lock and beacon: state that works when every service is down."""

import json
import os
from datetime import UTC, datetime

import pytest

from ats.core.errors import DependencyError, InputError, RefusedByGateError
from ats.risk.kill_switch import Reading
from ats.session.records import Mode
from ats.store.files import Beacon, FileKillPlace, SessionBeacon, SessionLock, write_atomically
from ats.store.processes import ProcessIdentity

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
def place(tmp_path):
    return FileKillPlace(tmp_path / "KILL_SWITCH_ACTIVE")


def test_a_pulled_switch_stays_on_for_the_next_process_with_the_first_reason(place):
    """B4: latched on disk. B8: a second press changes nothing."""
    assert place.read().reading is Reading.OFF
    place.switch_on("runaway orders", "ann", NOW)
    place.switch_on("another reason", "bob", NOW)
    found = FileKillPlace(place.path).read()
    assert (found.reading, found.reason) == (Reading.ON, "runaway orders (ann, 2026-03-02 15:00:00 UTC)")
    place.switch_off()
    place.switch_off()
    assert place.read().reading is Reading.OFF


def test_touch_switches_on_and_rm_switches_off(place):
    place.path.touch()
    assert (place.read().reading, place.read().reason) == (Reading.ON, "")
    place.path.unlink()
    assert place.read().reading is Reading.OFF


def test_whatever_stands_at_the_path_means_on(place):
    """B4: no way of being there is read as off."""
    place.path.mkdir()
    assert place.read().reading is Reading.ON
    with pytest.raises(DependencyError, match="cannot be removed"):
        place.switch_off()
    place.path.rmdir()
    place.path.symlink_to("nowhere")
    assert place.read().reading is Reading.ON
    place.path.unlink()
    place.path.write_bytes(b"\xff\xfe broken text" * 1_000)
    assert place.read().reading is Reading.ON
    assert len(place.read().reason) <= 500


def test_a_folder_that_cannot_be_searched_is_unreadable_never_off(tmp_path):
    """B6: while the switch cannot be read the answer is no."""
    assert FileKillPlace(tmp_path / "unmounted" / "KILL").read().reading is Reading.UNREADABLE
    (tmp_path / "file").write_text("")
    assert FileKillPlace(tmp_path / "file" / "KILL").read().reading is Reading.UNREADABLE
    assert FileKillPlace(tmp_path / ("x" * 300)).read().reading is Reading.UNREADABLE


def test_pulling_creates_the_folder_and_a_place_that_cannot_be_made_says_so(tmp_path):
    place = FileKillPlace(tmp_path / "new" / "KILL")
    place.switch_on("reason", "ann", NOW)
    assert place.read().reading is Reading.ON
    (tmp_path / "file").write_text("")
    with pytest.raises(DependencyError, match="cannot be created"):
        FileKillPlace(tmp_path / "file" / "KILL").switch_on("reason", "ann", NOW)


def test_a_second_session_on_the_account_is_refused_and_told_who_holds_it(tmp_path):
    """C14."""
    with SessionLock(tmp_path, "DU1234567").held("s-1"):
        with (
            pytest.raises(RefusedByGateError, match=rf"session s-1, process {os.getpid()}"),
            SessionLock(tmp_path, "DU1234567").held("s-2"),
        ):
            pass
        with SessionLock(tmp_path, "DU7654321").held("s-3"):
            pass
    with SessionLock(tmp_path, "DU1234567").held("s-4"):
        pass


@pytest.mark.parametrize("account", ["", "../DU1234567", "DU1/2", "DU1234567\n", "D" * 33])
def test_an_account_that_is_no_file_name_is_refused(tmp_path, account):
    """J3."""
    with pytest.raises(InputError):
        SessionLock(tmp_path, account)


def beacon(account="DU1234567"):
    return Beacon("s-1", Mode.PAPER, account, "127.0.0.1", 4002, 11, NOW, ProcessIdentity.current())


def test_a_beacon_is_read_back_as_lit(tmp_path):
    """B6: what the kill command must know is in a file."""
    beacons = SessionBeacon(tmp_path)
    assert beacons.all() == ([], [])
    beacons.light(beacon())
    beacons.light(beacon("DU7654321"))
    found, problems = SessionBeacon(tmp_path).all()
    assert (found, problems) == ([beacon(), beacon("DU7654321")], [])
    assert found[0].is_alive
    beacons.put_out("DU1234567")
    beacons.put_out("DU1234567")
    assert [lit.account_id for lit in beacons.all()[0]] == ["DU7654321"]


def test_the_beacon_of_a_dead_process_stays_readable_even_when_its_pid_is_used_again(tmp_path):
    """B2: orders of an earlier process are still cancelled."""
    recycled = ProcessIdentity(os.getpid(), "an earlier boot:1")
    SessionBeacon(tmp_path).light(Beacon("s-1", Mode.PAPER, "DU1234567", "127.0.0.1", 4002, 11, NOW, recycled))
    assert [lit.is_alive for lit in SessionBeacon(tmp_path).all()[0]] == [False]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"mode": "paper"}', '{"mode": "other"}', "null"])
def test_an_unreadable_beacon_is_reported_and_hides_no_other(tmp_path, content):
    beacons = SessionBeacon(tmp_path)
    beacons.light(beacon())
    (tmp_path / "sessions" / "DU7654321.json").write_text(content)
    found, problems = beacons.all()
    assert found == [beacon()]
    assert [("DU7654321.json" in problem) for problem in problems] == [True]


def test_a_beacon_with_a_field_of_another_version_is_reported(tmp_path):
    beacons = SessionBeacon(tmp_path)
    beacons.light(beacon())
    path = tmp_path / "sessions" / "DU1234567.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "red"}))
    assert len(beacons.all()[1]) == 1


def test_a_failed_write_leaves_the_old_content_and_no_remains(tmp_path):
    target = tmp_path / "name"
    write_atomically(target, b"old")
    with pytest.raises(TypeError):
        write_atomically(target, "text is not bytes")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["name"]
