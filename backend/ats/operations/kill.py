"""Pull the kill switch, lift it, and say how things stand. Works with whatever is still alive: each step is tried and reported alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ats.core.audit import AuditEvent, AuditLog
from ats.core.clock import Clock
from ats.core.errors import AtsError, DependencyError, HaltedError, RefusedByGateError
from ats.operations.approve import LONGEST_NOTE, checked_text
from ats.risk.kill_switch import KillPlace, KillState, Reading, read_all
from ats.session.ports import Broker


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the kill did: what, and whether it is ok, failed (with the reason), or unknown."""

    name: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KillReport:
    """What a kill did. `remaining` lists the orders that could not be cancelled, by gateway."""

    steps: tuple[Step, ...]
    remaining: tuple[str, ...] = field(default=())

    @property
    def is_latched(self) -> bool:
        """At least one place holds the switch on: no session submits anything."""
        return any(step.name.startswith("latch") and step.outcome == "ok" for step in self.steps)

    @property
    def is_clean(self) -> bool:
        """Every gateway was asked and has no working order left."""
        return self.is_latched and not self.remaining and all(step.outcome == "ok" for step in self.steps if step.name.startswith("cancel"))


def kill(file_place: KillPlace, gateways: Iterable[tuple[str, Broker]], clock: Clock, actor: str, reason: str) -> KillReport:
    """Latch the sentinel file, then cancel everything at every gateway and read back (rows B2, B3, B6, B7, B11).

    Needs neither database nor Redis nor the session: this is what must work when everything else is down. Never raises for a part
    that fails, the next part may still work, nor for the wording of a reason. `gateways` is only looked at once the file is latched:
    finding out who answers takes seconds. `record_kill` follows.
    """
    text = noted(reason)
    steps = [_latch(file_place, text, actor, clock)]
    remaining: list[str] = []
    for name, broker in gateways:
        step, left = _cancel(name, broker)
        steps.append(step)
        remaining += left
    return KillReport(tuple(steps), tuple(remaining))


def record_kill(
    report: KillReport, places: Sequence[KillPlace], audit: AuditLog | None, clock: Clock, actor: str, reason: str
) -> KillReport:
    """Latch the other places and write the audit row, each tried alone. A kill is the one act that happens even unrecorded."""
    text = noted(reason)
    steps = [*report.steps, *(_latch(place, text, actor, clock) for place in places)]
    if audit is None:
        return KillReport((*steps, Step("audit", "failed", "the database cannot be reached")), report.remaining)
    told = [f"{step.name}: {step.outcome} {step.detail}".strip() for step in steps]
    facts = {"reason": text, "steps": told, "remaining": list(report.remaining)}
    try:
        audit.append(AuditEvent("kill.pulled", actor, clock.now(), "cli", "account", facts))
    except AtsError as error:
        return KillReport((*steps, Step("audit", "failed", error.message)), report.remaining)
    return KillReport((*steps, Step("audit", "ok")), report.remaining)


def noted(reason: str) -> str:
    """A kill's reason as it is kept: one printable line. Whatever was typed, a kill is never refused for it."""
    printable = "".join(character if character.isprintable() else " " for character in reason)
    return " ".join(printable.split())[:LONGEST_NOTE] or "no reason given"


def _latch(place: KillPlace, reason: str, actor: str, clock: Clock) -> Step:
    try:
        place.switch_on(reason, actor, clock.now())
    except AtsError as error:
        return Step(f"latch {place.name}", "failed", error.message)
    return Step(f"latch {place.name}", "ok")


def _cancel(name: str, broker: Broker) -> tuple[Step, tuple[str, ...]]:
    try:
        report = broker.cancel_everything()
    except DependencyError as error:
        return Step(f"cancel at {name}", "unknown", f"{error.message} {error.remedy}"), ()
    outcome = "failed" if report.remaining else "ok"
    return Step(f"cancel at {name}", outcome, f"{report.found} working orders found, {len(report.remaining)} remain"), report.remaining


def resume(
    places: Sequence[KillPlace], gateways: Iterable[tuple[str, Broker]], audit: AuditLog, clock: Clock, actor: str, reason: str
) -> KillState:
    """Lift the switch everywhere: needs a reason, an audit log, and every known gateway to answer with no session of ours halted on it (B5).

    A killed session stays halted until it is started again, and every start reconciles before its first order.
    Raises RefusedByGateError when the switch is not on, HaltedError when a place could not be switched off.
    """
    text = checked_text("reason", reason)
    before = read_all(places)
    if not before.is_on:
        raise RefusedByGateError("The kill switch is not on.", remedy="`ats status` shows each place.")
    for _, broker in gateways:
        broker.facts()  # a gateway that does not answer cannot be reconciled with: its DependencyError refuses the resume
    audit.append(AuditEvent("kill.lifted", actor, clock.now(), "cli", "account", {"reason": text, "was": before.reason}))
    for place in places:
        place.switch_off()
    after = read_all(places)
    if after.is_on or not after.is_readable:
        on = ", ".join(reading.place for reading in after.readings if reading.reading is not Reading.OFF)
        raise HaltedError(
            f"The kill switch is still on or unreadable in: {on}.", remedy="Bring that service up and run `ats resume` again."
        )
    return after
