"""Guardian's view of the account, read from the engine's cache at the moment of judgement."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId

from ats.core.orders import OrderIntent, Side
from ats.risk.guardian import Holding, Price
from ats.strategies.base import free_funds

_BUY, _NONE = OrderSide.BUY, Decimal(0)
_NOT_SENT = (OrderStatus.INITIALIZED, OrderStatus.RELEASED, OrderStatus.EMULATED)


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

    def holding(self, instrument_id: str, excluding: str) -> Holding:
        """Net position over all strategies and unfilled working quantity per side, without the order `excluding`."""
        cache = self._cache
        engine_id = self._ids.get(instrument_id) or self._engine_id(instrument_id)
        position = buys = sells = _NONE
        for item in cache.positions_open(instrument_id=engine_id):
            position += item.signed_decimal_qty()
        for orders in (cache.orders_open(instrument_id=engine_id), cache.orders_inflight(instrument_id=engine_id)):
            for order in orders:
                order_id = order.client_order_id.value
                if order_id == excluding:
                    continue
                if self._reserved:
                    self._reserved.pop(order_id, None)
                if order.side == _BUY:
                    buys += order.leaves_qty.as_decimal()
                else:
                    sells += order.leaves_qty.as_decimal()
        if self._reserved:
            for intent in self._still_reserved(instrument_id, excluding):
                buys, sells = (buys + intent.quantity, sells) if intent.side is Side.BUY else (buys, sells + intent.quantity)
        return Holding(position, buys, sells)

    def funds(self, instrument_id: str) -> Decimal | None:
        """Free balance of the instrument's account: its venue's in a backtest, the broker's only one in a session."""
        return free_funds(self._cache, self._engine_id(instrument_id))

    def held_instruments(self) -> Iterable[str]:
        """Every instrument with an open position, a working order or a reserved one."""
        cache = self._cache
        held = {item.instrument_id for items in (cache.positions_open(), cache.orders_open(), cache.orders_inflight()) for item in items}
        return {item.value for item in held}.union(intent.instrument_id for intent in self._reserved.values())

    def _still_reserved(self, instrument_id: str, excluding: str) -> list[OrderIntent]:
        """Approved orders of the instrument that the engine has not yet marked as sent; others are forgotten here."""
        waiting = []
        for order_id, intent in list(self._reserved.items()):
            order = self._cache.order(ClientOrderId(order_id))
            if order is not None and order.status not in _NOT_SENT:
                del self._reserved[order_id]
            elif intent.instrument_id == instrument_id and order_id != excluding:
                waiting.append(intent)
        return waiting

    def _engine_id(self, instrument_id: str) -> InstrumentId:
        engine_id = self._ids.get(instrument_id)
        if engine_id is None:
            engine_id = self._ids[instrument_id] = InstrumentId.from_str(instrument_id)
        return engine_id
