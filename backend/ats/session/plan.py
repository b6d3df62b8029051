"""What a session is asked to do: sleeves, mode, account, gateway and limits. Plain data; the gates judge it, the run carries it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ats.core.errors import InputError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.risk.approvals import ApprovalScope
from ats.risk.limits import Limits
from ats.session.records import Mode
from ats.signals.params import RuleParams


@dataclass(frozen=True, slots=True)
class Sleeve:
    """One strategy on one instrument, with its parameters as they will be used and the digest of its code as it is now."""

    strategy: str
    instrument_id: InstrumentId
    bar_spec: BarSpec
    params: RuleParams
    source_digest: str

    @property
    def name(self) -> str:
        """How the sleeve is called on screen and in refusals."""
        return f"{self.strategy} on {self.instrument_id} {self.bar_spec}"

    def scope(self, account_id: str, caps: Mapping[str, str]) -> ApprovalScope:
        """What an approval of this sleeve on this account under these caps binds."""
        return ApprovalScope(
            self.strategy, self.source_digest, str(self.instrument_id), str(self.bar_spec), self.params.plain(), account_id, caps
        )


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the broker's gateway listens, and the client id the trading node uses there."""

    host: str
    port: int
    client_id: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """Everything a session was asked for."""

    mode: Mode
    account_id: str | None
    gateway: Gateway
    sleeves: tuple[Sleeve, ...]
    limits: Limits
    alert_drawdown_pct: Decimal

    def __post_init__(self) -> None:
        one_sleeve_per_instrument(self.sleeves)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Every instrument the session may trade."""
        return tuple(str(sleeve.instrument_id) for sleeve in self.sleeves)

    def described(self) -> dict[str, object]:
        """The plan as plain JSON values, for the session's record and the audit row."""
        return {
            "mode": str(self.mode),
            "gateway": str(self.gateway),
            "client_id": self.gateway.client_id,
            "sleeves": [
                {
                    "strategy": sleeve.strategy,
                    "instrument_id": str(sleeve.instrument_id),
                    "bar_spec": str(sleeve.bar_spec),
                    "params": sleeve.params.plain(),
                    "source_digest": sleeve.source_digest,
                }
                for sleeve in self.sleeves
            ],
            "caps": self.limits.described(),
        }


def one_sleeve_per_instrument(sleeves: Sequence[Sleeve]) -> None:
    """Positions are netted per instrument, so two sleeves on one could not tell theirs apart. Raises InputError (row J8)."""
    seen: set[str] = set()
    for sleeve in sleeves:
        if str(sleeve.instrument_id) in seen:
            raise InputError(
                "sleeves",
                sleeve.name,
                "shares its instrument with another sleeve",
                remedy="Give each instrument of a session one sleeve: positions are netted per instrument.",
            )
        seen.add(str(sleeve.instrument_id))
