"""The one Strategy class behind every rule: decide after a bar's close, release the order at the market's next open.

The same class runs in a backtest, on paper and live. It knows nothing of the mode: where opens come from and whether history is
asked of the venue are arguments.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import OrderSide, TimeInForce
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.trading.strategy import Strategy

from ats.core.clock import from_ns, to_ns
from ats.core.errors import InputError
from ats.core.market import NEW_YORK
from ats.portfolio.sizing import annual_volatility, scaled_to_volatility, shares_for
from ats.signals.history import History
from ats.signals.params import RuleParams
from ats.signals.rule import Rule

LATEST_RELEASE_NS = 60_000_000_000
"""How long after an open an order decided before it may still leave; later the decision is stale."""

BARS_A_YEAR_DAILY, SESSION_SECONDS = 252.0, 23_400
RETRY_NS = 2_000_000_000
ASK_AGAIN_NS, MOST_REQUESTS = 60_000_000_000, 60
"""How long to wait for closed bars before asking again, and how often: an hour after a close a daily bar is there or nobody has it."""

SPENDABLE = Decimal("0.97")
"""Share of the free funds an entry may spend: between the close that sized it and the open that fills it the price moves."""


def free_funds(cache: Any, instrument_id: InstrumentId) -> Decimal | None:
    """Free balance of the instrument's account: its venue's in a backtest, the broker's only one in a session; None when unknown."""
    account = cache.account_for_venue(instrument_id.venue)
    if account is None:
        accounts = cache.accounts()
        account = accounts[0] if len(accounts) == 1 else None
    balance = None if account is None else next(iter(account.balances_free().values()), None)
    return None if balance is None else balance.as_decimal()


class Opens(Protocol):
    """When a bar closed, when an order decided at its close may leave, and what the market says at that moment. Nanoseconds since the epoch."""

    def closed_ns(self, bar: Bar) -> int:
        """When the bar closed, whatever its source stamps it with."""
        ...

    def history_start_ns(self, bars: int, now_ns: int) -> int:
        """A moment at least `bars` closed bars before now."""
        ...

    def next_request_ns(self, now_ns: int) -> int | None:
        """When to ask for the bar that is forming now; None when bars arrive by themselves."""
        ...

    def next_open_ns(self, instrument_id: str, closed_ns: int, now_ns: int) -> int | None:
        """Nanoseconds since the epoch of the first open at or after the close; None when there is none."""
        ...

    def announce(self, instrument_id: str, open_ns: int, now_ns: int) -> None:
        """Called at the open or soon after, before the order is submitted."""
        ...


class RuleStrategyConfig(StrategyConfig, frozen=True):
    """What a strategy trades.

    `is_session`: bars come from a venue; fetch the warm-up bars from it at start. `entered_ns`: when the position held at start was entered,
    nanoseconds since the epoch; 0 when flat or unknown. `release_delay_ns`: how long after an open its order leaves, so that the
    sleeves of a book share the submit rate. `retries`: how the reason of a denial begins that may be over in a moment.
    """

    instrument_id: InstrumentId
    bar_type: BarType
    is_session: bool = False
    entered_ns: int = 0
    release_delay_ns: int = 0
    retries: tuple[str, ...] = ()


class RuleStrategy(Strategy):  # type: ignore[misc]  # the engine ships no types
    """Long or flat on one instrument by one rule. At most one order is under way; while its outcome is unknown nothing new is decided.

    A subclass names its rule; that is all it needs.
    """

    rule: ClassVar[Rule[Any]]

    def __init__(self, config: RuleStrategyConfig, params: RuleParams, opens: Opens) -> None:
        super().__init__(config)
        self._rule, self._params, self._opens = self.rule, params, opens
        self._instrument_id, self._bar_type = config.instrument_id, config.bar_type
        self._warm_up = self.rule.bars_needed(params)
        self._history = History(self._warm_up)
        self._position = Decimal(0)
        self._bars_held = 0
        self._last_closed_ns = 0
        self._order_id: ClientOrderId | None = None
        self._release_due = False
        self._open_ns = 0
        self._decided_ns = 0
        self._asked = 0
        self._again = ""
        self._bars_a_year = BARS_A_YEAR_DAILY * max(1.0, SESSION_SECONDS / config.bar_type.spec.timedelta.total_seconds())
        self._session_on = date.min
        self._day_from_ns = self._day_until_ns = 0

    def on_start(self) -> None:
        """Adopt the position that reconciliation found, warm up, subscribe."""
        positions = self.cache.positions_open(instrument_id=self._instrument_id, strategy_id=self.id)
        self._position = sum((position.signed_decimal_qty() for position in positions), Decimal(0))
        self.subscribe_quote_ticks(self._instrument_id)
        if self.config.is_session:
            self._request_history()
        else:
            self.subscribe_bars(self._bar_type)

    def on_historical_data(self, data: Any) -> None:
        """Requested bars enter the window; those that have not closed yet are left out."""
        if isinstance(data, Bar) and self._opens.closed_ns(data) <= self.clock.timestamp_ns():
            self._append(data)

    def on_bar(self, bar: Bar) -> None:
        """Decide on the closed bar; a changed wish becomes an order at the next open."""
        if self._append(bar):
            self._decide()

    def _request_history(self, _event: Any = None) -> None:
        """Ask the venue for the closed bars; only then for new ones, so that old bars never arrive behind newer ones.

        A request can be lost with its connection, and a daily bar can be late: without an answer that helps it is asked again.
        """
        now_ns = self.clock.timestamp_ns()
        self._asked += 1
        self._again = f"{self.id}-again-{now_ns}"
        self.clock.set_time_alert_ns(self._again, now_ns + ASK_AGAIN_NS, self._request_history)
        start_ns = self._opens.history_start_ns(self._warm_up + 1, now_ns)
        self.request_bars(self._bar_type, start=from_ns(start_ns), callback=self._on_history)

    def _on_history(self, _request_id: Any) -> None:
        request_ns = self._opens.next_request_ns(self.clock.timestamp_ns())
        has_newer = self._last_closed_ns > self._decided_ns
        if self._asked == 0 or (request_ns is not None and not has_newer and self._asked < MOST_REQUESTS):
            return
        self._asked = 0
        self.clock.cancel_timer(self._again)
        if request_ns is None:
            self.subscribe_bars(self._bar_type)
            return
        if has_newer:
            self._decided_ns = self._last_closed_ns
            self._decide()
        else:
            self.log.error(f"no new bar of {self._bar_type} in {MOST_REQUESTS} requests, nothing is decided on this session")
        self.clock.set_time_alert_ns(f"{self.id}-bars-{request_ns}", request_ns, self._request_history)

    def _decide(self) -> None:
        if self._order_id is not None or self._release_due or not self._history.is_warm(self._warm_up):
            return
        if self._position < 0:
            self.log.error(f"{self._instrument_id} is held short ({self._position}), which this strategy never does: nothing is decided")
            return
        wants_change = (
            self._rule.exits(self._history, self._params, self._bars_held)
            if self._position > 0
            else self._rule.enters(self._history, self._params)
        )
        if wants_change:
            self._schedule_release(self._last_closed_ns)

    def on_order_filled(self, event: Any) -> None:
        """Book the fill into the strategy's own position."""
        quantity = event.last_qty.as_decimal()
        self._position += quantity if event.order_side == OrderSide.BUY else -quantity
        if self._position == 0:
            self._bars_held = 0

    def on_order_denied(self, event: Any) -> None:
        """At an open the first quote may be a moment away, and other orders may have used up the rate: try again, but not for long."""
        next_ns = self.clock.timestamp_ns() + RETRY_NS
        if event.reason.startswith(self.config.retries) and next_ns <= self._open_ns + LATEST_RELEASE_NS:
            self._release_at(next_ns)

    def on_order_event(self, event: Any) -> None:
        """An order that reached its end, whatever the end, makes room for the next decision."""
        if self._order_id is not None and event.client_order_id == self._order_id:
            order = self.cache.order(self._order_id)
            if order is not None and order.is_closed:
                self._order_id = None

    def _append(self, bar: Bar) -> bool:
        """Add a closed bar; False for one that is not newer than the last (a late or repeated delivery)."""
        closed_ns = self._opens.closed_ns(bar)
        if closed_ns <= self._last_closed_ns:
            return False
        self._last_closed_ns = closed_ns
        try:
            self._history.append(
                bar.open.as_double(),
                bar.high.as_double(),
                bar.low.as_double(),
                bar.close.as_double(),
                bar.volume.as_double(),
                self._session_of(closed_ns),
            )
        except InputError as error:
            self.log.warning(f"bar flagged, nothing decided on it: {error}")
            return False
        if self._position > 0 and closed_ns > self.config.entered_ns:
            self._bars_held += 1
        return True

    def _session_of(self, closed_ns: int) -> date:
        """New York date of a close; worked out once a day, it would cost more than the rest of the bar."""
        if not self._day_from_ns <= closed_ns < self._day_until_ns:
            midnight = from_ns(closed_ns).astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
            self._session_on = midnight.date()
            self._day_from_ns, self._day_until_ns = to_ns(midnight), to_ns(midnight + timedelta(days=1))
        return self._session_on

    def _schedule_release(self, closed_ns: int) -> None:
        open_ns = self._opens.next_open_ns(self._instrument_id.value, closed_ns, self.clock.timestamp_ns())
        if open_ns is None:
            return
        if open_ns + LATEST_RELEASE_NS < self.clock.timestamp_ns():
            self.log.warning(f"the open at {from_ns(open_ns)} has passed, its order is not sent late")
            return
        self._open_ns = open_ns
        self._release_at(open_ns + self.config.release_delay_ns)

    def _release_at(self, when_ns: int) -> None:
        self._release_due = True
        self.clock.set_time_alert_ns(f"{self.id}-release-{when_ns}", when_ns, self._on_release)

    def _on_release(self, _event: Any) -> None:
        self._release(self._open_ns)

    def _release(self, open_ns: int) -> None:
        self._release_due = False
        self._opens.announce(self._instrument_id.value, open_ns, self.clock.timestamp_ns())
        side, shares = self._terms()
        if shares <= 0:
            self.log.warning(f"no order: {from_ns(open_ns)} {self._params.order_notional} buys no whole share of {self._instrument_id}")
            return
        order = self.order_factory.market(
            instrument_id=self._instrument_id, order_side=side, quantity=Quantity(shares, 0), time_in_force=TimeInForce.DAY
        )
        self._order_id = order.client_order_id
        self.submit_order(order)

    def _terms(self) -> tuple[OrderSide, Decimal]:
        """Sell everything held, or buy for the order notional at the decision's close."""
        if self._position > 0:
            return OrderSide.SELL, self._position
        budget = min(self._entry_notional(), self._funds() * SPENDABLE)
        return OrderSide.BUY, shares_for(budget, Decimal(str(self._history.closes[-1])))

    def _entry_notional(self) -> Decimal:
        """The order notional, made smaller while the price moves more than the volatility target."""
        target = self._params.volatility_target
        if target is None:
            return self._params.order_notional
        closes = self._history.closes[-self._params.volatility_bars - 1 :]
        return scaled_to_volatility(self._params.order_notional, annual_volatility(closes, self._bars_a_year), target)

    def _funds(self) -> Decimal:
        """What the account can still spend; nothing while that is unknown."""
        return free_funds(self.cache, self._instrument_id) or Decimal(0)
