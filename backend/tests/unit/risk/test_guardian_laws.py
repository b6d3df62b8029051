"""The laws of Guardian, for all inputs: no sequence of approved orders and fills leads beyond a limit, and judging never raises."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ats.core.orders import Action, OrderIntent, Side
from ats.risk.guardian import Approved, Guardian, Holding, OpenControl, Price, Refused
from ats.risk.limits import Limits

NOW = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
PRICES = {"QQQ.NASDAQ": Decimal(400), "SPY.ARCA": Decimal("99.99"), "IWM.ARCA": Decimal(7)}
LIMITS = Limits(
    order_caps=dict.fromkeys(PRICES, Decimal(5_000)),
    max_position_notional=Decimal(8_000),
    max_gross_notional=Decimal(12_000),
    submit_count=10**9,
    submit_interval_ns=SECOND,
    max_price_age_ns=SECOND,
)
instruments = st.sampled_from(sorted(PRICES))
sides = st.sampled_from(Side)
quantities = st.decimals(Decimal("0.01"), 1_500, places=2) | st.integers(1, 60).map(Decimal)
ratios = st.none() | st.sampled_from([Decimal("0.01"), Decimal("0.9"), Decimal(1), Decimal("1.1"), Decimal(3)])


class Market(RuleBasedStateMachine):
    """A10, A11: orders are sent, changed, filled in part or in full and cancelled in any order; prices stand still.

    After every step the account is inside its limits, and it would be whichever working orders filled next.
    """

    def __init__(self):
        super().__init__()
        self.guardian = Guardian(LIMITS, OpenControl())
        self.positions = dict.fromkeys(PRICES, Decimal(0))
        self.working: dict[str, OrderIntent] = {}
        self.sent = 0

    def price(self, instrument_id, side):
        return Price(PRICES[instrument_id], NOW)

    def holding(self, instrument_id, excluding):
        mine = [order for key, order in self.working.items() if order.instrument_id == instrument_id and key != excluding]
        buys, sells = (sum((order.quantity for order in mine if order.side is side), Decimal(0)) for side in Side)
        return Holding(self.positions[instrument_id], buys, sells)

    def funds(self, instrument_id):
        return Decimal(1_000_000)

    def holdings(self, excluding):
        return {name: self.holding(name, excluding) for name in PRICES}

    def judged(self, intent):
        if isinstance(self.guardian.judge(intent, self, NOW), Approved):
            self.working[intent.client_order_id] = intent

    @rule(name=instruments, side=sides, quantity=quantities, limit=ratios, trigger=ratios)
    def send(self, name, side, quantity, limit, trigger):
        self.sent += 1
        prices = [None if ratio is None else PRICES[name] * ratio for ratio in (limit, trigger)]
        self.judged(OrderIntent(f"O-{self.sent}", "any", name, side, quantity, "ANY", "DAY", *prices))

    @precondition(lambda self: self.working)
    @rule(data=st.data(), quantity=quantities, limit=ratios)
    def change(self, data, quantity, limit):
        order = self.working[data.draw(st.sampled_from(sorted(self.working)))]
        price = None if limit is None else PRICES[order.instrument_id] * limit
        self.judged(replace(order, quantity=quantity, limit_price=price, action=Action.MODIFY))

    @precondition(lambda self: self.working)
    @rule(data=st.data(), fraction=st.sampled_from([Decimal("0.25"), Decimal("0.5"), Decimal(1)]))
    def fill(self, data, fraction):
        order = self.working.pop(data.draw(st.sampled_from(sorted(self.working))))
        filled = order.quantity * fraction
        self.positions[order.instrument_id] += order.side.sign * filled
        if filled < order.quantity:
            self.working[order.client_order_id] = replace(order, quantity=order.quantity - filled)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def cancel(self, data):
        del self.working[data.draw(st.sampled_from(sorted(self.working)))]

    @invariant()
    def whatever_fills_next_stays_within_the_limits(self):
        values = [self.holding(name, "").extreme * PRICES[name] for name in PRICES]
        assert max(values) <= LIMITS.max_position_notional
        assert sum(values) <= LIMITS.max_gross_notional


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(
    steps=st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=60),
    count=st.integers(1, 5),
    interval=st.integers(1, 2 * SECOND),
)
def test_no_interval_ever_holds_more_than_the_allowance(steps, count, interval):
    """A7: for any arrival times, any half-open window of the interval's length holds at most `count` approvals, and none is withheld
    that would have fitted."""
    guardian = Guardian(replace(LIMITS, submit_count=count, submit_interval_ns=interval), OpenControl())
    market = Market()
    now, approved = NOW, []
    for number, step in enumerate(steps):
        now += step
        market.price = lambda name, _side, at=now: Price(PRICES[name], at)
        intent = OrderIntent(f"O-{number}", "any", "IWM.ARCA", Side.BUY, Decimal(1), "MARKET", "DAY")
        recent = [at for at in approved if now - at < interval]
        is_approved = isinstance(guardian.judge(intent, market, now), Approved)
        assert is_approved == (len(recent) < count)
        if is_approved:
            approved.append(now)


garbage = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.decimals()
    | st.builds(Price, st.decimals() | st.none() | st.floats(), st.integers() | st.none() | st.floats())
    | st.builds(Holding, st.decimals(), st.decimals(), st.decimals() | st.none())
    | st.lists(st.sampled_from([*PRICES, "X", ""]) | st.none(), max_size=4)
    | st.dictionaries(
        st.sampled_from([*PRICES, "X"]), st.none() | st.integers() | st.builds(Holding, st.decimals() | st.none()), max_size=3
    )
    | st.sampled_from([ValueError("x"), OSError("y"), RuntimeError()])
)


class GarbageBook:
    """Answers each question with whatever was drawn for it."""

    def __init__(self, price, holding, held):
        self._answers = {"price": price, "holding": holding, "held": held}

    def _answer(self, question):
        answer = self._answers[question]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def price(self, instrument_id, side):
        return self._answer("price")

    def funds(self, instrument_id):
        return self._answer("holding")

    def holdings(self, excluding):
        held = self._answer("held")
        return {name: self._answer("holding") for name in (*PRICES, *held)} if isinstance(held, list) else held


@settings(max_examples=500)
@given(
    price=garbage,
    holding=garbage,
    held=garbage,
    side=st.sampled_from(Side) | st.none() | st.text(max_size=4),
    quantity=st.decimals() | st.none() | st.floats(),
    limit=st.none() | st.decimals() | st.text(max_size=3),
    trigger=st.none() | st.decimals(),
    name=instruments | st.text(max_size=5) | st.none(),
    now=st.integers() | st.none(),
)
def test_whatever_the_book_and_the_order_say_judging_answers(price, holding, held, side, quantity, limit, trigger, name, now):
    """A17: never raises; and what it approves has a finite value above zero, at most the cap unless it only reduces."""
    intent = OrderIntent("O-1", "any", name, side, quantity, "ANY", "DAY", limit, trigger)
    book = GarbageBook(price, holding, held)
    answer = Guardian(LIMITS, OpenControl()).judge(intent, book, now)
    assert isinstance(answer, Approved | Refused)
    if isinstance(answer, Approved):
        assert answer.notional.is_finite()
        assert answer.notional > 0
        assert answer.notional <= 5_000 or book.holdings("")[name].position != 0
