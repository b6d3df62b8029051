"""The simulated market: every instrument's tape on one clock, and how long trading has gone on."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from ats.core.clock import Clock, to_ns
from ats.core.errors import InputError
from ats.core.market import Bar
from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.world.tape import Quote, Tape
from ats.gateway.simulated.world.timeline import Timeline, compressed_timeline, true_pace_timeline


class Market:
    """All instruments, priced now. Raises InputError when the history asked for leaves no bar to trade on."""

    def __init__(self, config: SimulatedGatewayConfig, instruments: Sequence[SimulatedInstrument], clock: Clock) -> None:
        self._clock = clock
        started_at = clock.now()
        self._tapes = {instrument.contract_id: Tape(instrument, _timeline(config, instrument, started_at)) for instrument in instruments}
        if len(self._tapes) != len(instruments):
            raise InputError("instruments", len(instruments), "name an instrument twice", remedy="Give each instrument once.")
        if not self._tapes:
            raise InputError("instruments", 0, "hold no instrument", remedy="Give at least one instrument with bars.")
        self._seen_ns = to_ns(started_at)

    @property
    def now(self) -> datetime:
        """The moment on the gateway's clock."""
        return self._clock.now()

    @property
    def now_ns(self) -> int:
        """The moment on the gateway's clock, in nanoseconds."""
        return to_ns(self._clock.now())

    @property
    def instruments(self) -> list[SimulatedInstrument]:
        """Every instrument, in the order given."""
        return [tape.instrument for tape in self._tapes.values()]

    def tape(self, instrument: SimulatedInstrument) -> Tape:
        """The prices of an instrument."""
        return self._tapes[instrument.contract_id]

    def quote(self, instrument: SimulatedInstrument) -> Quote:
        """The market of an instrument now."""
        return self.tape(instrument).quote(self.now_ns)

    def last_prices(self) -> dict[int, Decimal]:
        """The last price of every instrument by contract id."""
        now_ns = self.now_ns
        return {key: tape.quote(now_ns).last for key, tape in self._tapes.items()}

    def new_trades(self) -> Iterator[tuple[SimulatedInstrument, Quote]]:
        """The trades since the last call, of all instruments in order of time. A clock set back yields none."""
        after_ns, until_ns = self._seen_ns, self.now_ns
        self._seen_ns = max(after_ns, until_ns)
        streams = (_trades(tape, after_ns, until_ns) for tape in self._tapes.values())
        yield from heapq.merge(*streams, key=lambda trade: trade[1].at_ns)

    def exhausted(self) -> list[SimulatedInstrument]:
        """Instruments whose data have ended."""
        return [tape.instrument for tape in self._tapes.values() if tape.is_exhausted(self.now_ns)]

    def seconds_to_next_trade(self) -> float:
        """How long until some instrument trades again."""
        now_ns = self.now_ns
        return min(tape.next_tick_ns(now_ns) - now_ns for tape in self._tapes.values()) / 1e9


def _trades(tape: Tape, after_ns: int, until_ns: int) -> Iterator[tuple[SimulatedInstrument, Quote]]:
    for quote in tape.ticks(after_ns, until_ns):
        yield tape.instrument, quote


def _timeline(config: SimulatedGatewayConfig, instrument: SimulatedInstrument, now: datetime) -> Timeline:
    bars: Sequence[Bar] = instrument.bars
    if config.history_bars >= len(bars):
        raise InputError(
            "history_bars",
            config.history_bars,
            f"leaves none of the {len(bars)} bars of {instrument.instrument_id} to trade on",
            remedy="Ask for less history or give more bars.",
        )
    if config.compress is None:
        return true_pace_timeline(bars, config.history_bars, instrument.spec, now)
    return compressed_timeline(len(bars), config.history_bars, config.compress.duration, now)
