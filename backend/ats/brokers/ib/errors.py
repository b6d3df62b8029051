"""What an Interactive Brokers code means for us: which reaction it asks for, and the words an operator gets.

Reactions are the house's: *retry* (the connection or the pace, the same request later), *fix* (rejected, the request or the account
must change), *unknown outcome* (reconcile, never resend), *information*. A code nobody listed is an unknown outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CLIENT_ID_IN_USE = 326
ORDER_CANCELLED = 202


class Reaction(StrEnum):
    """What a code asks of the caller."""

    RETRY = "retry"
    FIX = "fix"
    UNKNOWN_OUTCOME = "unknown outcome"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message of the gateway: its code and text, what it asks for, and the next step."""

    code: int
    text: str
    reaction: Reaction
    remedy: str

    def __str__(self) -> str:
        return f"IB {self.code} ({self.reaction}): {self.text} {self.remedy}".strip()


_RETRY = {
    100: "More than 50 messages per second; slow down.",
    502: "No gateway answers; start it or check host and port.",
    504: "Not connected; wait for the reconnect.",
    CLIENT_ID_IN_USE: "Another connection holds this client id; the next id of the band is tried.",
    366: "The historical request is gone; ask again.",
    1100: "The gateway lost Interactive Brokers; it reconnects by itself.",
    1101: "The link is back but subscriptions are lost; they must be made again.",
    1300: "The gateway moved its port; reconnect.",
    2103: "A market data farm is down; its feeds are stale until 2104.",
    2105: "A history farm is down; ask again after 2106.",
    2110: "The gateway lost its server; it reconnects by itself.",
    10182: "Live updates stopped; subscribe again once the farm is back.",
}
_FIX = {
    103: "The order id was used before; request the next valid id.",
    104: "The order is already filled; nothing is left to change.",
    105: "The change does not fit the order; cancel it and place a new one.",
    110: "The price does not fit the instrument's tick; round it.",
    200: "No such contract; check symbol, listing venue and currency.",
    201: "The order was rejected; the text says why.",
    203: "This account may not trade this instrument.",
    321: "The request failed validation; the text says which part.",
    322: "The request id is in use; cancel the first request.",
    354: "No market data subscription for this instrument; buy it or use another data source.",
    387: "The venue does not take this order type; use another.",
    434: "The order's quantity is zero; give a quantity.",
    435: "The request needs an account id.",
    10089: "Market data for this instrument needs a subscription.",
    10168: "No market data subscription and delayed data is off.",
    10197: "Another session of this user takes the market data; log it out.",
    10289: "The account lacks a permission for this order; ask for it in Client Portal.",
    10293: "This instrument is not available for trading in this account.",
}
_UNKNOWN_OUTCOME = {
    135: "The gateway does not know the order; read the open orders and executions back.",
    161: "The order was not in a state to be cancelled; read the open orders and executions back.",
    10147: "The order to cancel was not found; read the open orders and executions back.",
    10148: "The order could not be cancelled; read the open orders and executions back.",
}
_INFORMATION = {
    165: "",
    ORDER_CANCELLED: "The order is cancelled.",
    399: "The order stands; the text says when it will work.",
    404: "The order waits until shares to borrow are found.",
    492: "",
    1102: "The link is back, subscriptions kept.",
    2104: "",
    2106: "",
    2107: "The history farm is idle and wakes up on demand.",
    2108: "The market data farm is idle and wakes up on demand.",
    2119: "",
    2158: "",
    10167: "Delayed data is shown; it cannot price an order.",
}
_TABLE = {
    code: (reaction, remedy)
    for reaction, codes in (
        (Reaction.RETRY, _RETRY),
        (Reaction.FIX, _FIX),
        (Reaction.UNKNOWN_OUTCOME, _UNKNOWN_OUTCOME),
        (Reaction.INFORMATION, _INFORMATION),
    )
    for code, remedy in codes.items()
}
_HISTORY_SERVICE = 162
_VALIDATION = 321
_READ_ONLY = (Reaction.FIX, "The gateway is in read-only mode; switch `Read-Only API` off in its settings to trade.")
_PACING = (Reaction.RETRY, "Too many history requests; wait 10 minutes or ask for less.")
_NO_HISTORY = (Reaction.FIX, "The history service has no such data; check instrument, dates and subscription.")
_UNLISTED = (Reaction.UNKNOWN_OUTCOME, "An unlisted code; read orders, executions and positions back before acting.")


def notice(code: int, text: str) -> Notice:
    """Sort one message of the gateway. Two codes mean different things by their text: 162 (pacing or no data) and 321 (read-only)."""
    lowered = text.lower()
    if code == _VALIDATION and "read-only" in lowered:
        found = _READ_ONLY
    elif code == _HISTORY_SERVICE:
        found = _PACING if "pacing" in lowered else _NO_HISTORY
    else:
        found = _TABLE.get(code, _UNLISTED)
    return Notice(code, text, *found)
