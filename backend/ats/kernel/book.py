"""Guardian's view of the account, read from the engine's cache at the moment of judgement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nautilus_trader.model.enums import OrderSide, OrderStatus, PositionSide
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.objects import Quantity

from ats.core.orders import OrderIntent, Side
from ats.risk.guardian import Holding, Price
from ats.strategies.base import free_funds

_BUY, _LONG, _NONE = OrderSide.BUY, PositionSide.LONG, Decimal(0)
_RAW_UNIT = Quantity.from_int(1).raw
_NOT_SENT = (OrderStatus.INITIALIZED, OrderStatus.RELEASED, OrderStatus.EMULATED)


class _Tally:
    """Quantities of one instrument in the engine's whole-number form: adding those is exact and costs a fifth of adding decimals."""

    __slots__ = ("buys", "position", "reserved_buys", "reserved_sells", "sells")

    def __init__(self) -> None:
        self.position = self.buys = self.sells = 0
        self.reserved_buys = self.reserved_sells = _NONE

    def add_position(self, position: Any) -> None:
        raw = position.quantity.raw
        self.position += raw if position.side == _LONG else -raw

    def add_order(self, order: Any) -> None:
        if order.side == _BUY:
            self.buys += order.leaves_qty.raw
        else:
            self.sells += order.leaves_qty.raw

    def add_intent(self, intent: OrderIntent) -> None:
        if intent.side is Side.BUY:
            self.reserved_buys += intent.quantity
        else:
            self.reserved_sells += intent.quantity

    def holding(self) -> Holding:
        return Holding(_shares(self.position), _shares(self.buys) + self.reserved_buys, _shares(self.sells) + self.reserved_sells)


def _shares(raw: int) -> Decimal:
    return Decimal(raw) / _RAW_UNIT if raw else _NONE


def _working(at_venue: list[Any], in_flight: list[Any]) -> list[Any]:
    """Every order that may still fill, once: one whose cancel or change is under way is in both lists, and works still."""
    return at_venue + [order for order in in_flight if not order.is_open] if in_flight else at_venue


class CacheBook:
    """Positions, working orders and prices in the engine's cache, plus what was approved and is still on its way.

    The live engines work from queues: orders of one callback reach Guardian before any of them shows in the cache as in flight.
    Approved intents are therefore reserved here until the engine knows them.
    """

    def __init__(self, cache: Any) -> None:
        self._cache = cache
        self._reserved: dict[str, OrderIntent] = {}
        self._ids: dict[str, InstrumentId] = {}

    def reserve(self, intent: OrderIntent) -> None:
        """Count an approved order as working from now on."""
        self._reserved[intent.client_order_id] = intent

    def release(self, client_order_id: str) -> None:
        """Stop counting a reserved order: it did not leave."""
        self._reserved.pop(client_order_id, None)

    def price(self, instrument_id: str, side: Side) -> Price | None:
        """The side's quote or the last trade, whichever is newer. Bars do not count: their close may be long gone."""
        engine_id = self._ids.get(instrument_id) or self._engine_id(instrument_id)
        quote, trade = self._cache.quote_tick(engine_id), self._cache.trade_tick(engine_id)
        if quote is not None and (trade is None or quote.ts_event >= trade.ts_event):
            return Price((quote.ask_price if side is Side.BUY else quote.bid_price).as_decimal(), quote.ts_event)
        return None if trade is None else Price(trade.price.as_decimal(), trade.ts_event)

    def holdings(self, excluding: str) -> Mapping[str, Holding]:
        """Net position over all strategies and unfilled working quantity per side of every instrument, in one pass over the cache.

        The order `excluding` is left out: it is the one being judged.
        """
        cache = self._cache
        tallies: defaultdict[InstrumentId, _Tally] = defaultdict(_Tally)
        for position in cache.positions_open():
            tallies[position.instrument_id].add_position(position)
        for order in _working(cache.orders_open(), cache.orders_inflight()):
            if self._reserved:
                self._reserved.pop(order.client_order_id.value, None)
            if order.client_order_id.value != excluding:
                tallies[order.instrument_id].add_order(order)
        if self._reserved:
            for intent in self._still_reserved():
                if intent.client_order_id != excluding:
                    tallies[self._engine_id(intent.instrument_id)].add_intent(intent)
        return {engine_id.value: tally.holding() for engine_id, tally in tallies.items()}

    def funds(self, instrument_id: str) -> Decimal | None:
        """Free balance of the instrument's account: its venue's in a backtest, the broker's only one in a session."""
        return free_funds(self._cache, self._engine_id(instrument_id))

    def _still_reserved(self) -> list[OrderIntent]:
        """Approved orders that the engine has not yet marked as sent; others are forgotten here."""
        waiting = []
        for order_id, intent in list(self._reserved.items()):
            order = self._cache.order(ClientOrderId(order_id))
            if order is not None and order.status not in _NOT_SENT:
                del self._reserved[order_id]
            else:
                waiting.append(intent)
        return waiting

    def _engine_id(self, instrument_id: str) -> InstrumentId:
        engine_id = self._ids.get(instrument_id)
        if engine_id is None:
            engine_id = self._ids[instrument_id] = InstrumentId.from_str(instrument_id)
        return engine_id
