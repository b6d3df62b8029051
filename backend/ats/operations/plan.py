"""From what an operator typed to a plan that the gates can judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from ats.core.config import RiskSettings, Settings
from ats.core.errors import InputError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.portfolio.sleeves import SleeveSpec, parse_sleeves
from ats.risk.limits import Limits, limits_from
from ats.session.plan import Gateway, SessionPlan, Sleeve, one_sleeve_per_instrument
from ats.session.records import Mode
from ats.signals.params import parse_params
from ats.strategies.registry import rule_of, source_digest

_CENT = Decimal("0.01")


def sleeves_from(
    strategy: str | None, instrument: str | None, bar_spec: str | None, params: str, sleeves_json: str | None
) -> tuple[Sleeve, ...]:
    """One sleeve from the single options, or a book from `--sleeves-json`, never both. Raises InputError (rows J5-J8)."""
    if sleeves_json is not None:
        if strategy is not None or instrument is not None or bar_spec is not None:
            raise InputError(
                "sleeves-json",
                sleeves_json,
                "stands beside --strategy, --instrument or --bar-spec",
                remedy="Give a book or a single strategy.",
            )
        sleeves = tuple(_weighted(spec) for spec in parse_sleeves(sleeves_json))
        one_sleeve_per_instrument(sleeves)
        return sleeves
    if strategy is None or instrument is None or bar_spec is None:
        missing = next(
            name for name, value in (("strategy", strategy), ("instrument", instrument), ("bar-spec", bar_spec)) if value is None
        )
        raise InputError(missing, "", "is missing", remedy="Give --strategy, --instrument and --bar-spec, or --sleeves-json.")
    checked = parse_params(rule_of(strategy).params_model, params)
    return (Sleeve(strategy, InstrumentId.parse(instrument), BarSpec.parse(bar_spec), checked, source_digest(strategy)),)


def _weighted(spec: SleeveSpec) -> Sleeve:
    """A sleeve of a book spends its weight of the order notional it names, rounded down to the cent."""
    notional = (spec.params.order_notional * spec.weight).quantize(_CENT, ROUND_DOWN)
    params = spec.params.model_copy(update={"order_notional": notional})
    return Sleeve(spec.strategy, spec.instrument, spec.bar_spec, params, source_digest(spec.strategy))


def plan_session(mode: Mode, sleeves: Sequence[Sleeve], settings: Settings) -> SessionPlan:
    """The plan of a session in a mode under the effective settings."""
    is_live = mode is Mode.LIVE
    ib = settings.ib
    return SessionPlan(
        mode=mode,
        account_id=ib.live_account_id if is_live else ib.paper_account_id,
        gateway=Gateway(ib.host, ib.live_port if is_live else ib.paper_port, ib.client_id),
        sleeves=tuple(sleeves),
        limits=limits_from(risk_settings(mode, settings), (str(sleeve.instrument_id) for sleeve in sleeves)),
        alert_drawdown_pct=settings.trading.alert_drawdown_pct,
    )


def risk_settings(mode: Mode, settings: Settings) -> RiskSettings:
    """The limits' settings of a mode."""
    return settings.live_risk if mode is Mode.LIVE else settings.paper_risk


def approval_caps(settings: Settings, instrument_ids: Iterable[str]) -> Mapping[str, Limits]:
    """Each instrument's live limits as an approval binds them: those of a session on that instrument alone."""
    return {name: limits_from(settings.live_risk, [name]) for name in instrument_ids}
