"""Strategies for an engine: one maker per sleeve, the same for backtest, paper and live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import InstrumentId

from ats.risk.limits import Rule
from ats.signals.params import RuleParams
from ats.strategies.base import Opens, RuleStrategyConfig
from ats.strategies.registry import strategy_class

PASSING_REFUSALS = (Rule.NO_PRICE, Rule.STALE_PRICE, Rule.SUBMIT_RATE)
"""Refusals that may be over in a moment: at an open the first quote is still on its way, or others have used up the rate."""

StrategyMaker = Callable[[Opens], Any]
"""Builds one strategy once the opens of the run exist."""


@dataclass(frozen=True, slots=True)
class SleeveSetup:
    """One strategy on one instrument. `number` is its place in the book and makes its order ids its own.

    `is_session`: history is asked of the venue, order ids are random (a restart must not mint the same ones again), and positions
    of the instrument found at start are the strategy's. `entered_ns`: when such a position was entered, 0 when unknown.
    `release_delay_ns`: how long after an open its order leaves.
    """

    strategy: str
    instrument_id: str
    bar_spec: str
    params: RuleParams
    number: int
    is_session: bool
    entered_ns: int = 0
    release_delay_ns: int = 0


def strategy_maker(setup: SleeveSetup) -> StrategyMaker:
    """The maker of a sleeve's strategy. Its id and tag are explicit: positions and claims must not depend on the order of starts."""
    return partial(_make, setup)


def _make(setup: SleeveSetup, opens: Opens) -> Any:
    instrument_id = InstrumentId.from_str(setup.instrument_id)
    config = RuleStrategyConfig(
        strategy_id=f"{setup.strategy}-{instrument_id.symbol.value.replace(' ', '_')}",
        order_id_tag=f"{setup.number:03}",
        external_order_claims=[instrument_id] if setup.is_session else None,
        use_uuid_client_order_ids=setup.is_session,
        instrument_id=instrument_id,
        bar_type=BarType.from_str(f"{instrument_id}-{setup.bar_spec}-EXTERNAL"),
        is_session=setup.is_session,
        entered_ns=setup.entered_ns,
        release_delay_ns=setup.release_delay_ns,
        retries=PASSING_REFUSALS if setup.is_session else (),
    )
    return strategy_class(setup.strategy)(config, setup.params, opens)
