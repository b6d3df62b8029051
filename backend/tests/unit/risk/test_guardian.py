"""Every rule of Guardian on both sides of its limit, every unreadable input, and the laws no order may break.

Rows A1, A2, A3, A7, A10, A11, A13, A17 of the controls.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from ats.core.orders import Action, Side
from ats.risk.guardian import Approved, Block, Guardian, Holding, OpenControl, Price, Refused, only_reduces, worst_price
from ats.risk.limits import Rule

NOW = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
QQQ, SPY, IWM = "QQQ.NASDAQ", "SPY.ARCA", "IWM.ARCA"
BUY, SELL = Side.BUY, Side.SELL

ORDER_TYPES = {
    "MARKET": (None, None),
    "MARKET_TO_LIMIT": (None, None),
    "TRAILING_STOP_MARKET": (None, None),
    "LIMIT": ("limit", None),
    "STOP_MARKET": (None, "trigger"),
    "MARKET_IF_TOUCHED": (None, "trigger"),
    "STOP_LIMIT": ("limit", "trigger"),
    "LIMIT_IF_TOUCHED": ("limit", "trigger"),
    "TRAILING_STOP_LIMIT": ("limit", "trigger"),
}


def verdict(guardian, intent, book, now=NOW):
    answer = guardian.judge(intent, book, now)
    assert answer.intent is intent
    return "approved" if isinstance(answer, Approved) else answer.rule


class TestOrderValue:
    """A1: the largest value of one order, for every order type, on both sides of the cap."""

    @pytest.mark.parametrize("side", [BUY, SELL])
    @pytest.mark.parametrize("order_type", ORDER_TYPES)
    @pytest.mark.parametrize(("price", "expected"), [("99.99", "approved"), ("100", "approved"), ("100.01", Rule.MAX_NOTIONAL_PER_ORDER)])
    def test_fifty_shares_may_cost_the_cap_and_not_a_tick_more(self, guardian, book, order, order_type, side, price, expected):
        limit, trigger = (price if wanted else None for wanted in ORDER_TYPES[order_type])
        intent = order("50", side, order_type=order_type, limit=limit, trigger=trigger)
        assert verdict(guardian, intent, book.with_price(QQQ, price)) == expected

    @pytest.mark.parametrize(("quantity", "expected"), [("49", "approved"), ("50", "approved"), ("51", Rule.MAX_NOTIONAL_PER_ORDER)])
    def test_a_share_more_than_the_cap_buys_is_refused(self, guardian, book, order, quantity, expected):
        assert verdict(guardian, order(quantity), book) == expected

    def test_a_fraction_of_a_share_counts_in_full(self, guardian, book, order):
        assert verdict(guardian, order("50.00000001"), book) == Rule.MAX_NOTIONAL_PER_ORDER

    def test_the_refusal_says_what_was_measured_and_the_limit(self, guardian, book, order):
        refused = guardian.judge(order("51"), book, NOW)
        assert (refused.measured, refused.limit) == ("5100", "5000")
        assert str(refused) == "MAX_NOTIONAL_PER_ORDER: 5100 (limit 5000)"

    def test_the_approval_says_the_value(self, guardian, book, order):
        assert guardian.judge(order("50"), book, NOW).notional == 5_000

    def test_each_instrument_has_its_own_cap(self, limits, book, order):
        guardian = Guardian(replace(limits, order_caps={QQQ: Decimal(5_000), SPY: Decimal(1_000)}), OpenControl())
        assert verdict(guardian, order("50"), book) == "approved"
        assert verdict(guardian, order("11", instrument=SPY), book) == Rule.MAX_NOTIONAL_PER_ORDER

    @pytest.mark.parametrize(
        ("side", "limit", "trigger", "expected"),
        [
            (BUY, None, None, "100"),
            (BUY, "90", None, "90"),  # cannot cost more than its limit
            (BUY, "110", None, "110"),
            (BUY, None, "110", "110"),
            (BUY, None, "90", "100"),
            (BUY, "111", "110", "111"),
            (SELL, None, None, "100"),
            (SELL, "110", None, "110"),
            (SELL, "90", None, "100"),  # fills at the market, not at its limit
            (SELL, None, "90", "100"),
            (SELL, "89", "120", "120"),
        ],
    )
    def test_an_order_is_valued_at_its_worst_price(self, order, side, limit, trigger, expected):
        assert worst_price(order("1", side, limit=limit, trigger=trigger), Decimal(100)) == Decimal(expected)

    def test_a_far_limit_does_not_make_the_position_already_held_look_cheap(self, guardian, book, order):
        """A11: 90 shares are worth 9,000 whatever the next order's limit; with 50 more they would be 14,000."""
        book.positions[QQQ] = Decimal(90)
        assert verdict(guardian, order("50", limit="1"), book) == Rule.MAX_POSITION
        assert verdict(guardian, order("10", limit="1"), book) == "approved"


class TestFreshPrice:
    """A2: no order without a fresh price."""

    @pytest.mark.parametrize("kind", ["entry", "reduction"])
    @pytest.mark.parametrize("limit", [None, "100"])
    @pytest.mark.parametrize(
        ("age_ns", "expected"),
        [
            (0, "approved"),
            (60 * SECOND - 1, "approved"),
            (60 * SECOND, "approved"),
            (60 * SECOND + 1, Rule.STALE_PRICE),
            (86_400 * SECOND, Rule.STALE_PRICE),
            (-60 * SECOND, "approved"),
            (-60 * SECOND - 1, Rule.STALE_PRICE),
        ],
    )
    def test_a_price_older_than_the_limit_or_from_the_future_is_refused(self, guardian, book, order, kind, limit, age_ns, expected):
        book.positions[QQQ] = Decimal(-10) if kind == "reduction" else Decimal(0)
        assert verdict(guardian, order("10", limit=limit), book.with_price(QQQ, 100, age_ns)) == expected

    @pytest.mark.parametrize("value", ["0", "-0", "-1", "NaN", "sNaN", "Infinity", "-Infinity"])
    def test_a_price_that_is_none_is_refused(self, guardian, book, order, value):
        assert verdict(guardian, order(), book.with_price(QQQ, value)) == Rule.NO_PRICE
        assert verdict(guardian, order(limit="100"), book.with_price(QQQ, value)) == Rule.NO_PRICE

    def test_without_any_price_the_refusal_names_the_instrument(self, guardian, book, order):
        book.prices.clear()
        refused = guardian.judge(order(), book, NOW)
        assert refused.rule == Rule.NO_PRICE
        assert QQQ in refused.measured

    def test_a_stale_price_is_told_with_its_age(self, guardian, book, order):
        refused = guardian.judge(order(), book.with_price(QQQ, 100, 90 * SECOND), NOW)
        assert "90.0 s old" in refused.measured
        assert refused.limit == "60 s"

    def test_the_price_asked_for_is_the_one_of_the_orders_side(self, guardian, book, order):
        asked = []
        book.price = lambda name, side: asked.append((name, side)) or Price(Decimal(100), NOW)
        verdict(guardian, order("1", SELL), book)
        assert asked[0] == (QQQ, SELL)


class TestTradableInstruments:
    """A3: an instrument without a cap may not be traded."""

    @pytest.mark.parametrize(
        "instrument", ["AAPL.NASDAQ", "QQQ.ARCA", "QQQ.NASDAQ ", " QQQ.NASDAQ", "qqq.nasdaq", "QQQ", "QQQQ.NASDAQ", "", "QQQ.NASDAQ\n"]
    )
    def test_unlisted_renamed_or_on_another_venue_it_is_refused(self, guardian, book, order, instrument):
        book.prices[instrument] = Price(Decimal(100), NOW)
        refused = guardian.judge(order(instrument=instrument), book, NOW)
        assert refused.rule == Rule.INSTRUMENT_WITHOUT_LIMIT
        assert refused.limit == "IWM.ARCA, QQQ.NASDAQ, SPY.ARCA"

    def test_a_reduction_needs_a_listed_instrument_too(self, guardian, book, order):
        book.positions["AAPL.NASDAQ"] = Decimal(10)
        assert verdict(guardian, order("10", SELL, "AAPL.NASDAQ"), book) == Rule.INSTRUMENT_WITHOUT_LIMIT

    @pytest.mark.parametrize(
        ("restricted", "instrument"),
        [
            ("GME", "GME.NYSE"),
            ("GME", "GME.SMART"),
            ("GME", "gme.nyse"),
            ("GME", " GME.NYSE "),
            ("GME", "Gme .nyse"),
            ("GME", "GME"),
            ("GME.NYSE", "GME.NYSE"),
            ("GME.NYSE", "gme.nyse"),
            ("GME.NYSE", " Gme.Nyse\n"),
        ],
    )
    def test_a_restricted_one_is_refused_in_any_case_spacing_and_on_any_venue(self, limits, book, order, restricted, instrument):
        """A13: even when it has a cap, and before its price matters."""
        limits = replace(limits, restricted=frozenset({restricted}), order_caps={instrument: Decimal(5_000)})
        assert verdict(Guardian(limits, OpenControl()), order(instrument=instrument), book) == Rule.RESTRICTED_INSTRUMENT

    @pytest.mark.parametrize("instrument", ["GMEX.NYSE", "XGME.NYSE", "AMC.GME"])
    def test_a_restriction_does_not_reach_other_instruments(self, limits, book, order, instrument):
        """A13."""
        limits = replace(limits, restricted=frozenset({"GME"}), order_caps={instrument: Decimal(5_000)})
        book.prices[instrument] = Price(Decimal(100), NOW)
        assert verdict(Guardian(limits, OpenControl()), order(instrument=instrument), book) == "approved"


class TestSubmitRate:
    """A7: at most so many orders per interval; the excess is refused, each one."""

    @pytest.fixture
    def guardian(self, limits):
        return Guardian(replace(limits, submit_count=2, max_gross_notional=Decimal(10) ** 9), OpenControl())

    def test_of_a_thousand_in_one_second_exactly_the_allowance_leaves(self, guardian, book, order):
        verdicts = [verdict(guardian, order("1"), book, NOW + number * SECOND // 1_000) for number in range(1_000)]
        assert verdicts.count("approved") == 2
        assert verdicts.count(Rule.SUBMIT_RATE) == 998

    def test_of_a_thousand_at_the_same_instant_exactly_the_allowance_leaves(self, guardian, book, order):
        assert [verdict(guardian, order("1"), book) for _ in range(1_000)].count("approved") == 2

    def test_a_place_is_free_again_exactly_one_interval_later(self, guardian, book, order):
        approved = [verdict(guardian, order("1"), book, NOW + at) for at in (0, 500_000_000, SECOND - 1, SECOND, SECOND + 1)]
        assert approved == ["approved", "approved", Rule.SUBMIT_RATE, "approved", Rule.SUBMIT_RATE]

    def test_refused_orders_use_up_nothing(self, guardian, book, order):
        for _ in range(10):
            assert verdict(guardian, order("51"), book) == Rule.MAX_NOTIONAL_PER_ORDER
        assert verdict(guardian, order("1"), book) == "approved"

    def test_modifies_and_reductions_count_too(self, guardian, book, order):
        book.positions[QQQ] = Decimal(10)
        assert verdict(guardian, order("1", action=Action.MODIFY), book) == "approved"
        assert verdict(guardian, order("1", SELL), book) == "approved"
        assert verdict(guardian, order("1"), book) == Rule.SUBMIT_RATE

    def test_a_clock_that_goes_back_opens_nothing(self, guardian, book, order):
        assert [verdict(guardian, order("1"), book, NOW + at) for at in (0, 1, -30 * SECOND)] == ["approved", "approved", Rule.SUBMIT_RATE]

    def test_the_refusal_says_how_many_and_the_rate(self, guardian, book, order):
        for _ in range(2):
            guardian.judge(order("1"), book, NOW)
        assert str(guardian.judge(order("1"), book, NOW)) == "SUBMIT_RATE: 3 in 1 s (limit 2 in 1 s)"


class TestPosition:
    """A11: the position that would result, partial fills and working orders counted."""

    @pytest.mark.parametrize(("held", "expected"), [("50", "approved"), ("50.01", Rule.MAX_POSITION), ("51", Rule.MAX_POSITION)])
    def test_a_position_may_reach_its_limit_and_not_a_share_more(self, guardian, book, order, held, expected):
        book.positions[QQQ] = Decimal(held)
        assert verdict(guardian, order("50"), book) == expected

    @pytest.mark.parametrize(("held", "expected"), [("-50", "approved"), ("-51", Rule.MAX_POSITION)])
    def test_a_short_position_counts_the_same(self, guardian, book, order, held, expected):
        book.positions[QQQ] = Decimal(held)
        assert verdict(guardian, order("50", SELL), book) == expected

    @pytest.mark.parametrize(("leaves", "expected"), [("20", "approved"), ("21", Rule.MAX_POSITION)])
    def test_a_partly_filled_order_counts_with_what_is_filled_and_what_is_not(self, guardian, book, order, leaves, expected):
        book.positions[QQQ] = Decimal(30)
        book.working["O-0"] = (QQQ, BUY, Decimal(leaves))
        assert verdict(guardian, order("50"), book) == expected

    def test_working_orders_of_the_other_side_are_not_counted_as_relief(self, guardian, book, order):
        book.positions[QQQ] = Decimal(60)
        book.working["O-0"] = (QQQ, SELL, Decimal(60))
        assert verdict(guardian, order("50"), book) == Rule.MAX_POSITION

    @pytest.mark.parametrize(("quantity", "expected"), [("40", "approved"), ("50", "approved"), ("51", Rule.MAX_NOTIONAL_PER_ORDER)])
    def test_a_modify_is_judged_without_its_own_working_quantity(self, guardian, book, order, quantity, expected):
        """Judged like a submit, on what it would become: its old 50 shares are not counted beside the new ones."""
        book.positions[QQQ] = Decimal(50)
        book.working["O-1"] = (QQQ, BUY, Decimal(50))
        assert verdict(guardian, order(quantity, action=Action.MODIFY), book) == expected
        assert verdict(guardian, order(quantity, order_id="O-2"), book) in (Rule.MAX_POSITION, Rule.MAX_NOTIONAL_PER_ORDER)


class TestGross:
    """A10: the sum over all instruments, open orders counted at once."""

    def test_two_strategies_within_their_caps_together_above_the_accounts(self, limits, book, order):
        guardian = Guardian(replace(limits, max_gross_notional=Decimal(9_000)), OpenControl())
        first = order("50", strategy="ibs_reversion", order_id="O-1")
        assert verdict(guardian, first, book) == "approved"
        book.working["O-1"] = (QQQ, BUY, first.quantity)
        second = order("50", instrument=SPY, strategy="sma_cross", order_id="O-2")
        assert verdict(guardian, second, book) == Rule.MAX_GROSS_EXPOSURE
        assert verdict(guardian, replace(second, quantity=Decimal(40)), book) == "approved"

    @pytest.mark.parametrize(("quantity", "expected"), [("49", "approved"), ("50", "approved"), ("50.01", Rule.MAX_NOTIONAL_PER_ORDER)])
    def test_positions_and_pending_orders_may_reach_the_limit(self, guardian, book, order, quantity, expected):
        book.positions[SPY] = Decimal(-60)
        book.working["O-0"] = (IWM, SELL, Decimal(40))
        assert verdict(guardian, order(quantity), book) == expected

    @pytest.mark.parametrize(("pending", "expected"), [("40", "approved"), ("40.01", Rule.MAX_GROSS_EXPOSURE)])
    def test_pending_orders_of_other_instruments_count(self, guardian, book, order, pending, expected):
        book.positions[SPY] = Decimal(60)
        book.working["O-0"] = (IWM, SELL, Decimal(pending))
        assert verdict(guardian, order("50"), book) == expected

    def test_short_positions_do_not_offset_long_ones(self, guardian, book, order):
        book.positions |= {SPY: Decimal(-60), IWM: Decimal(60)}
        refused = guardian.judge(order("31"), book, NOW)
        assert (refused.rule, refused.measured, refused.limit) == (Rule.MAX_GROSS_EXPOSURE, "15100", "15000")
        assert verdict(guardian, order("30"), book) == "approved"

    @pytest.mark.parametrize("value", [None, "0", "-100", "NaN", "sNaN", "Infinity"])
    def test_a_holding_without_a_price_is_refused_not_valued_at_nothing(self, guardian, book, order, value):
        book.positions[SPY] = Decimal(10)
        book = replace(book, prices={QQQ: book.prices[QQQ]}) if value is None else book.with_price(SPY, value)
        refused = guardian.judge(order("1"), book, NOW)
        assert refused.rule == Rule.NO_PRICE
        assert SPY in refused.measured


class TestReductions:
    """An operator must be able to get out: what only shrinks a position is exempt from the caps, from nothing else."""

    @pytest.mark.parametrize(("held", "side"), [("500", SELL), ("-500", BUY)])
    @pytest.mark.parametrize("quantity", ["1", "51", "500"])
    def test_out_of_an_over_limit_position_every_size_is_allowed(self, guardian, book, order, held, side, quantity):
        book.positions[QQQ] = Decimal(held)
        assert verdict(guardian, order(quantity, side), book) == "approved"

    @pytest.mark.parametrize(("held", "side"), [("60", SELL), ("-60", BUY)])
    def test_a_flip_is_no_reduction(self, guardian, book, order, held, side):
        book.positions[QQQ] = Decimal(held)
        assert verdict(guardian, order("60", side), book) == "approved"
        assert verdict(guardian, order("61", side), book) == Rule.MAX_NOTIONAL_PER_ORDER

    @pytest.mark.parametrize(("held", "side"), [("60", SELL), ("-60", BUY)])
    def test_two_reductions_that_together_would_flip_are_no_reduction(self, guardian, book, order, held, side):
        book.positions[QQQ] = Decimal(held)
        book.working["O-0"] = (QQQ, side, Decimal(1))
        assert verdict(guardian, order("59", side), book) == "approved"
        assert verdict(guardian, order("60", side), book) == Rule.MAX_NOTIONAL_PER_ORDER

    def test_adding_to_an_over_limit_position_is_refused(self, guardian, book, order):
        book.positions[QQQ] = Decimal(500)
        assert verdict(guardian, order("1"), book) == Rule.MAX_POSITION

    def test_from_flat_nothing_is_a_reduction(self, guardian, book, order):
        assert verdict(guardian, order("51", SELL), book) == Rule.MAX_NOTIONAL_PER_ORDER

    def test_a_modify_that_shrinks_a_reduction_stays_one(self, guardian, book, order):
        book.positions[QQQ] = Decimal(500)
        book.working["O-1"] = (QQQ, SELL, Decimal(500))
        assert verdict(guardian, order("400", SELL, action=Action.MODIFY), book) == "approved"

    @pytest.mark.parametrize(
        ("position", "working", "side", "quantity", "reduces"),
        [
            ("10", "0", SELL, "10", True),
            ("10", "0", SELL, "10.01", False),
            ("10", "5", SELL, "5", True),
            ("10", "5", SELL, "5.01", False),
            ("-10", "0", BUY, "10", True),
            ("-10", "0", BUY, "10.01", False),
            ("-10", "5", BUY, "5", True),
            ("10", "0", BUY, "1", False),
            ("-10", "0", SELL, "1", False),
            ("0", "0", SELL, "1", False),
            ("0", "0", BUY, "1", False),
        ],
    )
    def test_a_reduction_leaves_the_side_of_the_position_with_all_its_working_orders_filled(
        self, order, position, working, side, quantity, reduces
    ):
        holding = Holding(Decimal(position), *((Decimal(working), Decimal(0)) if side is BUY else (Decimal(0), Decimal(working))))
        assert only_reduces(order(quantity, side), holding) is reduces


class TestMalformedOrders:
    """J1, J2 at the last gate: whatever reaches Guardian with impossible numbers is refused, reductions too."""

    @pytest.mark.parametrize("held", ["0", "500"])
    @pytest.mark.parametrize("quantity", ["0", "-0", "-1", "NaN", "sNaN", "Infinity", "-Infinity"])
    def test_a_quantity_not_above_zero(self, guardian, book, order, held, quantity):
        book.positions[QQQ] = Decimal(held)
        assert verdict(guardian, order(quantity, SELL), book) == Rule.MALFORMED_ORDER

    @pytest.mark.parametrize("held", ["0", "500"])
    @pytest.mark.parametrize("side", [BUY, SELL])
    @pytest.mark.parametrize("price", ["0", "-0", "-5", "NaN", "sNaN", "Infinity", "-Infinity"])
    @pytest.mark.parametrize("field", ["limit", "trigger"])
    def test_a_price_not_above_zero(self, guardian, book, order, held, side, price, field):
        book.positions[QQQ] = Decimal(held)
        refused = guardian.judge(order("10", side, **{field: price}), book, NOW)
        assert refused.rule == Rule.MALFORMED_ORDER
        assert field in refused.measured

    @pytest.mark.parametrize("side", ["BUY", "SELL", "buy", None, 1])
    def test_a_side_that_is_no_side(self, guardian, book, order, side):
        """A text that equals BUY would be read as a sale by identity: it is refused instead."""
        book.positions[QQQ] = Decimal(500)
        assert verdict(guardian, order("10", side), book) == Rule.MALFORMED_ORDER

    @pytest.mark.parametrize("quantity", [10, 10.0, "10", None])
    def test_a_quantity_that_is_no_decimal_is_refused(self, guardian, book, order, quantity):
        assert isinstance(guardian.judge(replace(order(), quantity=quantity), book, NOW), Refused)

    def test_an_emulated_order(self, guardian, book, order):
        assert verdict(guardian, order("1", is_emulated=True), book) == Rule.EMULATED_ORDER


class ClosedControl:
    def __init__(self, block):
        self._block = block

    def block(self):
        if isinstance(self._block, BaseException):
            raise self._block
        return self._block


class TestBlocks:
    """S0-20, B4: while something blocks, no order leaves, not even a reduction."""

    @pytest.mark.parametrize("rule", [Rule.KILL_SWITCH, Rule.ENTRIES_BLOCKED])
    @pytest.mark.parametrize("side", [BUY, SELL])
    def test_a_standing_block_refuses_everything_with_its_own_words(self, limits, book, order, rule, side):
        guardian = Guardian(limits, ClosedControl(Block(rule, "file says on: drill")))
        book.positions[QQQ] = Decimal(10)
        refused = guardian.judge(order("1", side), book, NOW)
        assert str(refused) == f"{rule}: file says on: drill"
        assert guardian.last_word() == Block(rule, "file says on: drill")

    def test_a_revoked_approval_lets_exits_pass(self, limits, book, order):
        """C8: an entry is refused, the way out is judged as usual, also at the edge; a flip is no exit."""
        guardian = Guardian(limits, ClosedControl(Block(Rule.ENTRIES_BLOCKED, "approval a-1 no longer stands", exits_pass=True)))
        book.positions[QQQ] = Decimal(10)
        assert verdict(guardian, order("10", SELL), book) == "approved"
        assert guardian.last_word() is None
        assert verdict(guardian, order("1", BUY), book) == Rule.ENTRIES_BLOCKED
        assert verdict(guardian, order("11", SELL), book) == Rule.ENTRIES_BLOCKED

    def test_it_is_asked_on_every_order(self, limits, book, order):
        control = ClosedControl(None)
        guardian = Guardian(limits, control)
        assert verdict(guardian, order("1"), book) == "approved"
        control._block = Block(Rule.KILL_SWITCH, "now")
        assert verdict(guardian, order("1"), book) == Rule.KILL_SWITCH


class TestErrorsDeny:
    """A17: an exception inside any check is a refusal, never a pass and never a crash."""

    ERRORS = (
        ValueError("broken"),
        KeyError("x"),
        RecursionError(),
        MemoryError(),
        OSError(28, "No space"),
        ZeroDivisionError(),
        TimeoutError(),
    )

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_from_the_control(self, limits, book, order, error):
        self.assert_refused(Guardian(limits, ClosedControl(error)).judge(order("1"), book, NOW), error)

    @pytest.mark.parametrize("method", ["price", "holdings"])
    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    def test_from_every_question_to_the_book(self, guardian, book, order, method, error):
        def fails(*_args):
            raise error

        setattr(book, method, fails)
        self.assert_refused(guardian.judge(order("1"), book, NOW), error)

    @pytest.mark.parametrize("method", ["price", "holding"])
    def test_from_the_questions_about_another_instrument(self, guardian, book, order, method):
        book.positions[SPY] = Decimal(1)
        answers = getattr(book, method)

        def fails_for_spy(name, other):
            if name == SPY:
                raise LookupError("gone")
            return answers(name, other)

        setattr(book, method, fails_for_spy)
        self.assert_refused(guardian.judge(order("1"), book, NOW), LookupError("gone"))

    def test_from_the_limits_themselves(self, limits, book, order):
        guardian = Guardian(replace(limits, max_gross_notional=Decimal("NaN")), OpenControl())
        assert verdict(guardian, order("1"), book) == Rule.GUARDIAN_ERROR

    def test_an_approval_lost_to_an_error_uses_up_no_place(self, limits, book, order):
        guardian = Guardian(replace(limits, submit_count=1), OpenControl())
        broken = replace(book)
        broken.holdings = None
        assert verdict(guardian, order("1"), broken) == Rule.GUARDIAN_ERROR
        assert verdict(guardian, order("1"), book) == "approved"

    def test_an_interrupt_is_not_swallowed(self, limits, book, order):
        with pytest.raises(KeyboardInterrupt):
            Guardian(limits, ClosedControl(KeyboardInterrupt())).judge(order("1"), book, NOW)

    @staticmethod
    def assert_refused(answer, error):
        assert isinstance(answer, Refused)
        assert answer.rule == Rule.GUARDIAN_ERROR
        assert answer.measured.startswith(type(error).__name__)


@pytest.mark.parametrize(("cash", "refused"), [("1000", False), ("999.99", True), (None, True), ("NaN", True)])
def test_order_must_be_paid_for(guardian, book, order, cash, refused):
    """S1-27: ten shares at 100 need 1,000; unknown funds pay for nothing."""
    poor = replace(book, cash=None if cash is None else Decimal(cash))
    verdict = guardian.judge(order("10"), poor, NOW)
    assert isinstance(verdict, Refused) is refused
    assert not refused or verdict.rule in (Rule.INSUFFICIENT_FUNDS, Rule.GUARDIAN_ERROR)


def test_working_orders_must_be_paid_for_too(guardian, book, order):
    """S1-27: 1,500 pay for one order of ten shares, not for a second one."""
    poor = replace(book, cash=Decimal(1_500), working={"O-0": (QQQ, Side.BUY, Decimal(10))})
    assert guardian.judge(order("10"), poor, NOW).rule is Rule.INSUFFICIENT_FUNDS


def test_selling_what_is_held_needs_no_funds(guardian, book, order):
    """S1-27: an exit is always affordable."""
    poor = replace(book, cash=Decimal(0), positions={QQQ: Decimal(10)})
    assert isinstance(guardian.judge(order("10", side=Side.SELL), poor, NOW), Approved)
