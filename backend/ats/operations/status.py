"""How things stand: mode, kill switch, open sessions. What an operator looks at first (S0-21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ats.risk.kill_switch import KillState


@dataclass(frozen=True, slots=True)
class SessionStanding:
    """One session as its beacon shows it, with its last telemetry when there is any."""

    session_id: str
    mode: str
    account_id: str
    is_alive: bool
    snapshot: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of the installation. `kill_switch_active`, `risk_halted`, `broker_mode` and `session_id` keep their sources' names."""

    kill: KillState
    sessions: Sequence[SessionStanding]
    services: Sequence[str]

    def plain(self) -> dict[str, object]:
        """As JSON values."""
        alive = [session for session in self.sessions if session.is_alive]
        return {
            "kill_switch_active": self.kill.is_on,
            "risk_halted": self.kill.is_on
            or not self.kill.is_readable
            or any(session.snapshot.get("status") == "halted" for session in alive),
            "broker_mode": ",".join(sorted({session.mode for session in alive})) or "none",
            "session_id": ",".join(session.session_id for session in alive),
            "kill_switch": [{"place": item.place, "reading": str(item.reading), "reason": item.reason} for item in self.kill.readings],
            "sessions": [
                {
                    "session_id": item.session_id,
                    "mode": item.mode,
                    "account_id": item.account_id,
                    "alive": item.is_alive,
                    **dict(item.snapshot),
                }
                for item in self.sessions
            ],
            "services": list(self.services),
        }
