"""Pulling and lifting the kill switch with whatever is still alive: every part is tried and reported by itself.

Rows B2, B3, B4, B5, B6, B8, B11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from ats.core.errors import DependencyError, HaltedError, InputError, RefusedByGateError
from ats.operations.kill import kill, noted, record_kill, resume
from ats.risk.kill_switch import KillReading, Reading
from ats.session.ports import CancelReport, GatewayFacts
from ats.testing.clock import ManualClock

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@dataclass
class Place:
    name: str
    is_down: bool = False
    keeps: bool = False
    reasons: list[str] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def read(self):
        if self.is_down:
            return KillReading(self.name, Reading.UNREADABLE, "down")
        return KillReading(self.name, Reading.ON if self.reasons else Reading.OFF, *self.reasons[:1])

    def switch_on(self, reason, actor, at):
        self.order.append(f"latch {self.name}")
        if self.is_down:
            raise DependencyError(f"{self.name} is down")
        self.reasons.append(reason)

    def switch_off(self):
        if self.is_down:
            raise DependencyError(f"{self.name} is down")
        if not self.keeps:
            self.reasons.clear()


@dataclass
class Broker:
    report: CancelReport | None = field(default_factory=lambda: CancelReport(0))
    order: list[str] = field(default_factory=list)

    def facts(self):
        self.order.append("facts")
        if self.report is None:
            raise DependencyError("The gateway does not answer.", remedy="Start it.")
        return GatewayFacts(("DU1234567",), True, 176)

    def positions(self, account_id):
        raise AssertionError("a kill never asks for positions: it has nothing to close (B11)")

    def cancel_everything(self):
        self.order.append("cancel")
        if self.report is None:
            raise DependencyError("The gateway does not answer.", remedy="Start it.")
        return self.report


class Audit:
    def __init__(self, fails=False):
        self.events, self._fails = [], fails

    def append(self, event):
        if self._fails:
            raise DependencyError("the database is down")
        self.events.append(event)
        return len(self.events)


def pull(file, gateways, reason="drill"):
    return kill(file, gateways, ManualClock(NOW), "anna", reason)


class TestKill:
    def test_the_file_is_latched_before_anybody_looks_for_a_gateway(self):
        """B1: looking for gateways takes seconds, a latch takes none."""
        order = []
        file = Place("file", order=order)

        def gateways():
            order.append("look for gateways")
            yield "paper", Broker(order=order)

        assert pull(file, gateways()).is_clean
        assert order == ["latch file", "look for gateways", "cancel"]

    def test_each_gateway_is_cancelled_whatever_the_others_do(self):
        """B6."""
        last = Broker(CancelReport(2))
        report = pull(Place("file"), [("a", Broker(None)), ("b", Broker(CancelReport(1, ("BUY 1 (permId 9)",)))), ("c", last)])
        assert [step.outcome for step in report.steps] == ["ok", "unknown", "failed", "ok"]
        assert last.order == ["cancel"]
        assert report.is_latched
        assert not report.is_clean

    def test_what_could_not_be_cancelled_is_named(self):
        """B3."""
        assert pull(Place("file"), [("a", Broker(CancelReport(2, ("BUY 1 (permId 9)",))))]).remaining == ("BUY 1 (permId 9)",)

    def test_a_gateway_that_cannot_be_asked_is_never_clean(self):
        report = pull(Place("file"), [("a", Broker(None))])
        assert "Start it." in report.steps[-1].detail
        assert not report.is_clean

    def test_a_file_that_cannot_be_written_does_not_keep_it_from_cancelling(self):
        broker = Broker(CancelReport(1))
        report = pull(Place("file", is_down=True), [("a", broker)])
        assert broker.order == ["cancel"]
        assert not report.is_latched
        assert not report.is_clean
        assert record_kill(report, [Place("database")], Audit(), ManualClock(NOW), "anna", "drill").is_latched

    @pytest.mark.parametrize("reason", ["", "   ", "two\nlines", "a\x1b[31mred", "x" * 5_000, "\x00"], ids=lambda text: ascii(text)[:12])
    def test_no_wording_of_a_reason_ever_refuses_a_kill(self, reason):
        file = Place("file")
        assert pull(file, [], reason).is_latched
        assert file.reasons[0].isprintable()
        assert 0 < len(file.reasons[0]) <= 2_000
        assert noted("  fills   look wrong ") == "fills look wrong"


class TestRecord:
    def test_the_other_places_are_latched_and_the_act_is_audited(self):
        audit, places = Audit(), [Place("database"), Place("redis")]
        report = record_kill(pull(Place("file"), []), places, audit, ManualClock(NOW), "anna", "drill")
        assert [step.name for step in report.steps] == ["latch file", "latch database", "latch redis", "audit"]
        assert [place.reasons for place in places] == [["drill"], ["drill"]]
        assert audit.events[0].kind == "kill.pulled"
        assert audit.events[0].actor == "anna"

    @pytest.mark.parametrize("audit", [None, Audit(fails=True)], ids=["no database", "no write"])
    def test_an_act_that_cannot_be_audited_has_happened_and_says_so(self, audit):
        """B6: the one act that happens even unrecorded."""
        report = record_kill(pull(Place("file"), []), [Place("redis", is_down=True)], audit, ManualClock(NOW), "anna", "drill")
        assert [step.outcome for step in report.steps] == ["ok", "failed", "failed"]
        assert "redis is down" in report.steps[1].detail
        assert report.is_latched


class TestResume:
    def lift(self, places, gateways=(), audit=None, reason="positions checked"):
        return resume(places, gateways, audit or Audit(), ManualClock(NOW), "anna", reason)

    def on(self):
        return [Place("file", reasons=["drill"]), Place("database"), Place("redis", reasons=["drill"])]

    def test_it_needs_a_reason(self):
        """B5."""
        places = self.on()
        with pytest.raises(InputError, match="reason"):
            self.lift(places, reason="  ")
        assert places[0].reasons

    def test_it_needs_every_gateway_to_answer(self):
        """B5."""
        places, audit = self.on(), Audit()
        with pytest.raises(DependencyError):
            self.lift(places, [("a", Broker()), ("b", Broker(None))], audit)
        assert places[0].reasons
        assert audit.events == []

    def test_it_needs_an_audit_log(self):
        """F4: an act that cannot be recorded does not happen."""
        places = self.on()
        with pytest.raises(DependencyError):
            self.lift(places, audit=Audit(fails=True))
        assert places[0].reasons

    def test_it_is_refused_when_nothing_is_on(self):
        with pytest.raises(RefusedByGateError, match="not on"):
            self.lift([Place("file"), Place("database", is_down=True)])

    def test_every_place_is_lifted_and_the_reason_kept(self):
        places, audit = self.on(), Audit()
        assert not self.lift(places, [("a", Broker())], audit).is_on
        assert audit.events[0].facts == {"reason": "positions checked", "was": "file says on: drill; redis says on: drill"}

    def test_a_place_that_stays_on_is_named(self):
        places = self.on()
        places[2].keeps = True
        with pytest.raises(HaltedError, match="redis"):
            self.lift(places)
