"""What each refusal means to an operator and what to do about it: the one source of the docs, the screen and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ats.risk.limits import Rule


@dataclass(frozen=True, slots=True)
class RuleHelp:
    """One rule in words: what was wrong with the order, and the next step."""

    meaning: str
    remedy: str


def help_for(rule: Rule) -> RuleHelp:
    """The words for a rule; a test proves that every rule has them."""
    return RULE_HELP[rule]


RULE_HELP: Mapping[Rule, RuleHelp] = MappingProxyType(
    {
        Rule.KILL_SWITCH: RuleHelp(
            "The kill switch is on. Nothing is submitted and working orders are cancelled, until a person lifts it. "
            "A session that has seen the switch stays stopped even after it is lifted.",
            "Read the reason with `ats status`. When its cause is gone, run `ats resume --reason ...` and start the session again.",
        ),
        Rule.ENTRIES_BLOCKED: RuleHelp(
            "The session may not trade at this moment: it is not reconciled yet, the gateway connection is lost, an approval was revoked or "
            "has expired, order events cannot be written, or the kill switch cannot be read. Working orders stay; new ones wait for a person or for the cause to pass.",
            "The text behind the code names the cause. A service that came back unblocks by itself; a revoked approval needs a new "
            "`ats approve-live`.",
        ),
        Rule.EMULATED_ORDER: RuleHelp(
            "The order has an emulation trigger: the engine would hold it and release it later past the engine's own limits.",
            "Use an order type the venue handles itself, and remove the emulation trigger from the strategy.",
        ),
        Rule.MALFORMED_ORDER: RuleHelp(
            "The order cannot be judged as written: its side is unknown, its quantity or a price is not a number above zero, or an order of that "
            "id was already submitted.",
            "Correct the strategy: whole positive quantities, prices above zero, and a new order object for every submission.",
        ),
        Rule.RESTRICTED_INSTRUMENT: RuleHelp(
            "The instrument, or its symbol on any venue, is on the restricted list of this mode.",
            "If it may be traded again, take it off `ATS_LIVE_RISK_RESTRICTED_INSTRUMENTS` (or the paper or backtest list) and restart "
            "the session. In live that changes the approved caps, so it needs a new approval.",
        ),
        Rule.INSTRUMENT_WITHOUT_LIMIT: RuleHelp(
            "The session has no limit for this instrument, and what has no limit may not be traded.",
            "Start the session with a sleeve on this instrument. A wrong venue suffix looks the same: compare it with the list in the refusal.",
        ),
        Rule.NO_PRICE: RuleHelp(
            "There is no quote or trade to value the order with, or a held instrument has none, so exposure cannot be computed. "
            "Bars do not count as prices.",
            "Wait for the market to trade. A holding that no sleeve of the session trades has no price there: close it, or run a sleeve on it. "
            "Otherwise check market data: `ats status` shows the gateway, and the account needs the "
            "exchange's data subscription.",
        ),
        Rule.STALE_PRICE: RuleHelp(
            "The last quote or trade is older than the limit, or dated in the future by as much, so the order's value is a guess.",
            "Check that market data still arrive and that the machine's clock is right. The limit is `..._MAX_PRICE_AGE_SECONDS`; a wider one values orders at older prices.",
        ),
        Rule.MAX_NOTIONAL_PER_ORDER: RuleHelp(
            "Quantity times the worst price the order could get is above the largest value of one order.",
            "Make the order smaller through the strategy's size parameters. The cap is `..._MAX_NOTIONAL_PER_ORDER`; raise it in "
            "`backend/.env` only once the strategy has earned it, and approve again.",
        ),
        Rule.MAX_POSITION: RuleHelp(
            "With this order and all working orders of the instrument filled, the position would be above the largest value of one position.",
            "Cancel working orders that are no longer wanted, or size smaller. The limit is `..._MAX_POSITION_NOTIONAL`.",
        ),
        Rule.INSUFFICIENT_FUNDS: RuleHelp(
            "The account cannot pay for this order and the working orders of the instrument, or what it can pay is not known.",
            "Size smaller, wait for working orders to end, or check the account at the broker: a wish the broker would reject is not sent.",
        ),
        Rule.MAX_GROSS_EXPOSURE: RuleHelp(
            "With this order and all working orders filled, the absolute values of all positions would add up to more than the limit.",
            "Reduce another position first, or size smaller. Orders that only reduce a position always pass this check. The limit is "
            "`..._MAX_GROSS_NOTIONAL`.",
        ),
        Rule.SUBMIT_RATE: RuleHelp(
            "More orders than the submit rate allows arrived within its interval. The excess is refused, not queued.",
            "A strategy that meets this limit is usually looping: read its order events before raising `..._MAX_ORDER_SUBMIT_RATE`.",
        ),
        Rule.JOURNAL_UNAVAILABLE: RuleHelp(
            "The order intent could not be written durably, and an order that leaves no trace may not leave at all.",
            "Restore the database or the disk space of the data folder (`ats status` names the service). The session goes on by itself.",
        ),
        Rule.GUARDIAN_ERROR: RuleHelp(
            "A check failed to compute, or an order reached the edge of the process without having been judged. What cannot be judged is refused.",
            "This is a bug. Stop the session, keep its log, and report the text behind the code.",
        ),
    }
)
