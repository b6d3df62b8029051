"""Guardian: judges every order against the limits, on the position that would result with all working orders filled.

Pure: it sees an intent and a book and answers Approved or Refused. Whatever it cannot compute it refuses. It has no switch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from ats.core.orders import OrderIntent, Side
from ats.risk.limits import Limits, Rule

_ZERO = Decimal(0)


class Price(NamedTuple):
    """A reference price and when the market said it, nanoseconds since the epoch."""

    value: Decimal
    observed_ns: int


class Holding(NamedTuple):
    """Signed position and the unfilled quantities of working orders on each side, all in shares."""

    position: Decimal = _ZERO
    working_buys: Decimal = _ZERO
    working_sells: Decimal = _ZERO

    @property
    def extreme(self) -> Decimal:
        """Largest absolute position the working orders could lead to."""
        return max(abs(self.position + self.working_buys), abs(self.position - self.working_sells))


_FLAT = Holding()


class Book(Protocol):
    """What Guardian needs to know of the account at the moment of judgement."""

    def price(self, instrument_id: str, side: Side) -> Price | None:
        """Freshest quote (the side's) or trade of the instrument; None when there is none. Bars do not count."""
        ...

    def holdings(self, excluding: str) -> Mapping[str, Holding]:
        """Every instrument with a position or a working order, the order `excluding` left out; instruments that are flat may be missing."""
        ...

    def funds(self, instrument_id: str) -> Decimal | None:
        """What the account that would trade the instrument can still spend, account currency; None when it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """A standing reason to refuse orders. `exits_pass`: those that only reduce a position are judged as usual."""

    rule: Rule
    reason: str
    exits_pass: bool = False


class Control(Protocol):
    """The state of kill switch, approvals and session, as of now."""

    def block(self) -> Block | None:
        """Why nothing may be submitted, or None. Must not take longer than a file check."""
        ...


class OpenControl:
    """No standing block; for backtests, where no operator watches."""

    def block(self) -> Block | None:
        """Never blocks."""
        return None


@dataclass(frozen=True, slots=True)
class Approved:
    """The order may leave. `notional` is its value at the judged price, account currency."""

    intent: OrderIntent
    notional: Decimal


@dataclass(frozen=True, slots=True)
class Refused:
    """The order may not leave: the rule, what was measured against it, and the limit."""

    intent: OrderIntent
    rule: Rule
    measured: str
    limit: str

    def __str__(self) -> str:
        against = f" (limit {self.limit})" if self.limit else ""
        return f"{self.rule}: {self.measured}{against}"


Verdict = Approved | Refused


class Guardian:
    """Judges orders one at a time. Holds only its limits and the times of what it approved, for the submit rate."""

    def __init__(self, limits: Limits, control: Control) -> None:
        self.limits = limits
        self._control = control
        self._approved_ns: deque[int] = deque()

    def last_word(self) -> Block | None:
        """Why an approved order may not leave right now after all, or None; for the check at the edge."""
        block = self._control.block()
        return None if block is None or block.exits_pass else block

    def judge(self, intent: OrderIntent, book: Book, now_ns: int) -> Verdict:
        """Approve or refuse. Never raises: an exception inside any check is a refusal (row A17)."""
        try:
            return self._judge(intent, book, now_ns)
        except Exception as error:  # noqa: BLE001 -- whatever cannot be computed is refused, row A17
            return Refused(intent, Rule.GUARDIAN_ERROR, f"{type(error).__name__}: {error}", "")

    def _judge(self, intent: OrderIntent, book: Book, now_ns: int) -> Verdict:
        block = self._control.block()
        if block is not None and not block.exits_pass:
            return Refused(intent, block.rule, block.reason, "")
        if intent.is_emulated:
            return Refused(
                intent, Rule.EMULATED_ORDER, "the engine would hold and release this order past the limits", "native orders only"
            )
        malformed = _malformed(intent)
        if malformed:
            return Refused(intent, Rule.MALFORMED_ORDER, malformed, "a side, a quantity and prices above 0")
        if self.limits.is_restricted(intent.instrument_id):
            return Refused(intent, Rule.RESTRICTED_INSTRUMENT, intent.instrument_id, "restricted list")
        cap = self.limits.order_caps.get(intent.instrument_id)
        if cap is None:
            return Refused(intent, Rule.INSTRUMENT_WITHOUT_LIMIT, intent.instrument_id, ", ".join(sorted(self.limits.order_caps)))
        reference = self._fresh_price(intent, book, now_ns)
        if isinstance(reference, Refused):
            return reference
        price = worst_price(intent, reference)
        notional = intent.quantity * price
        holdings = book.holdings(intent.client_order_id)
        holding = holdings.get(intent.instrument_id, _FLAT)
        if not only_reduces(intent, holding):
            if block is not None:
                return Refused(intent, block.rule, block.reason, "orders that only reduce")
            refused = self._over_exposure(intent, book, holdings, max(price, reference), notional, cap)
            if refused is not None:
                return refused
        return self._within_rate(intent, now_ns) or Approved(intent, notional)

    def _fresh_price(self, intent: OrderIntent, book: Book, now_ns: int) -> Decimal | Refused:
        price = book.price(intent.instrument_id, intent.side)
        if price is None or not _is_positive(price.value):
            return Refused(intent, Rule.NO_PRICE, f"no quote or trade of {intent.instrument_id}", "a fresh price")
        age_ns = now_ns - price.observed_ns
        if abs(age_ns) > self.limits.max_price_age_ns:  # a price from the future is as wrong as an old one
            limit = f"{self.limits.max_price_age_ns / 1e9:g} s"
            return Refused(intent, Rule.STALE_PRICE, f"last quote or trade of {intent.instrument_id} is {age_ns / 1e9:.1f} s old", limit)
        return price.value

    def _over_exposure(
        self, intent: OrderIntent, book: Book, holdings: Mapping[str, Holding], price: Decimal, notional: Decimal, cap: Decimal
    ) -> Refused | None:
        """Judge order, position and gross value. `price` values the whole position, so it is never below the market."""
        if notional > cap:
            return Refused(intent, Rule.MAX_NOTIONAL_PER_ORDER, f"{notional:f}", f"{cap:f}")
        after = with_order(holdings.get(intent.instrument_id, _FLAT), intent)
        funds, needed = book.funds(intent.instrument_id), max(after.working_buys, after.working_sells) * price
        if funds is None or not funds >= needed:
            return Refused(
                intent, Rule.INSUFFICIENT_FUNDS, f"{needed:f} needed for all working orders", "unknown" if funds is None else f"{funds:f}"
            )
        position_notional = after.extreme * price
        if position_notional > self.limits.max_position_notional:
            return Refused(intent, Rule.MAX_POSITION, f"{position_notional:f}", f"{self.limits.max_position_notional:f}")
        gross = position_notional
        for other, held in holdings.items():
            if other == intent.instrument_id:
                continue
            value = book.price(other, Side.BUY)
            if value is None or not _is_positive(value.value):
                return Refused(intent, Rule.NO_PRICE, f"no quote or trade of {other}, which is held", "a price for every holding")
            gross += held.extreme * value.value
        if gross > self.limits.max_gross_notional:
            return Refused(intent, Rule.MAX_GROSS_EXPOSURE, f"{gross:f}", f"{self.limits.max_gross_notional:f}")
        return None

    def _within_rate(self, intent: OrderIntent, now_ns: int) -> Refused | None:
        window = self._approved_ns
        while window and now_ns - window[0] >= self.limits.submit_interval_ns:
            window.popleft()
        if len(window) >= self.limits.submit_count:
            interval = f"{self.limits.submit_interval_ns / 1e9:g} s"
            return Refused(intent, Rule.SUBMIT_RATE, f"{len(window) + 1} in {interval}", f"{self.limits.submit_count} in {interval}")
        window.append(now_ns)
        return None


def _is_positive(value: Decimal) -> bool:
    return value.is_finite() and value > _ZERO


def _malformed(intent: OrderIntent) -> str:
    """What no order can have; empty when there is nothing. A limit of -5 would make any quantity look cheap."""
    if not isinstance(intent.side, Side):
        return f"side {intent.side!r}"
    if not _is_positive(intent.quantity):
        return f"quantity {intent.quantity}"
    if intent.limit_price is not None and not _is_positive(intent.limit_price):
        return f"limit price {intent.limit_price}"
    if intent.trigger_price is not None and not _is_positive(intent.trigger_price):
        return f"trigger price {intent.trigger_price}"
    return ""


def worst_price(intent: OrderIntent, reference: Decimal) -> Decimal:
    """Price that bounds the order's value: a buy limit cannot cost more than its limit; everything else, the higher of its prices and the market."""
    if intent.limit_price is not None and intent.side is Side.BUY:
        return intent.limit_price
    price = reference if intent.limit_price is None else max(intent.limit_price, reference)
    return price if intent.trigger_price is None else max(intent.trigger_price, price)


def only_reduces(intent: OrderIntent, holding: Holding) -> bool:
    """Whether the order, with every working order of its side filled, still only shrinks the position and never turns it."""
    if intent.side is Side.BUY:
        return holding.position < 0 and intent.quantity + holding.working_buys <= -holding.position
    return holding.position > 0 and intent.quantity + holding.working_sells <= holding.position


def with_order(holding: Holding, intent: OrderIntent) -> Holding:
    """The holding with the order working too."""
    if intent.side is Side.BUY:
        return Holding(holding.position, holding.working_buys + intent.quantity, holding.working_sells)
    return Holding(holding.position, holding.working_buys, holding.working_sells + intent.quantity)
