"""The kill switch as a whole: any place that says on wins, any place that cannot be read blocks."""

from itertools import product

import pytest

from ats.risk.kill_switch import KillReading, KillState, Reading, read_all

PLACES = ("file", "database", "redis")


@pytest.mark.parametrize("readings", product(Reading, repeat=3), ids="-".join)
def test_every_combination_of_three_places(readings):
    """B4, B6: 27 combinations; on wins over everything, unreadable is never taken for off."""
    state = KillState(tuple(KillReading(place, reading, f"{place} reason") for place, reading in zip(PLACES, readings, strict=True)))
    assert state.is_on == (Reading.ON in readings)
    assert state.is_readable == (Reading.UNREADABLE not in readings)
    may_trade = not state.is_on and state.is_readable
    assert may_trade == (readings == (Reading.OFF,) * 3)
    assert bool(state.reason) == (not may_trade)
    decisive = Reading.ON if state.is_on else Reading.UNREADABLE
    for place, reading in zip(PLACES, readings, strict=True):
        assert (f"{place} says {decisive}: {place} reason" in state.reason) == (reading is decisive)


def test_a_switch_without_a_reason_says_so():
    assert KillState((KillReading("file", Reading.ON),)).reason == "file says on: no reason given"


def test_every_place_is_asked_in_order():
    class Place:
        def __init__(self, name, reading):
            self.name, self._reading = name, reading

        def read(self):
            return KillReading(self.name, self._reading)

        def switch_on(self, reason, actor, at):
            raise AssertionError("reading must not switch")

        def switch_off(self):
            raise AssertionError("reading must not switch")

    state = read_all(Place(name, reading) for name, reading in zip(PLACES, Reading, strict=True))
    assert [reading.place for reading in state.readings] == list(PLACES)
    assert state.is_on
