"""Contracts: how an instrument is described to clients, and how a client's words find exactly one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ats.gateway.simulated.config import SimulatedInstrument
from ats.gateway.simulated.desks.sessions import Session
from ats.gateway.simulated.wire.layouts import Values
from ats.gateway.simulated.world.timeline import EXCHANGE_ZONE
from ats.gateway.simulated.world.times import ZONE_NAME

SMART = "SMART"
NO_DEFINITION = (200, "No security definition has been found for the request")
MARKET_RULE_ID = 26
_ALIASES = {"ISLAND": "NASDAQ"}
_ORDER_TYPES = "ACTIVETIM,LMT,MKT,STP,STPLMT,WHATIF"
_DAYS_ANNOUNCED = 6


def contract_fields(instrument: SimulatedInstrument, exchange: str | None = None) -> dict[str, Any]:
    """The contract block of a message; without an exchange, the listing one."""
    return {
        "conId": instrument.contract_id,
        "symbol": instrument.instrument_id.symbol,
        "secType": instrument.kind,
        "exchange": exchange or instrument.instrument_id.venue,
        "currency": instrument.currency,
        "localSymbol": instrument.instrument_id.symbol,
        "tradingClass": _trading_class(instrument),
    }


def _trading_class(instrument: SimulatedInstrument) -> str:
    return "NMS" if instrument.instrument_id.venue == "NASDAQ" else instrument.instrument_id.symbol


class Contracts:
    """The instruments of this gateway, looked up the way clients ask: by contract id, by symbol, by local symbol, by ISIN."""

    def __init__(self, instruments: Sequence[SimulatedInstrument]) -> None:
        self._instruments = tuple(instruments)

    def find(self, wanted: Values) -> list[SimulatedInstrument]:
        """Every instrument that contradicts none of the fields given; empty and zero fields say nothing."""
        return [instrument for instrument in self._instruments if _fits(instrument, wanted)]

    def find_one(self, wanted: Values) -> SimulatedInstrument | None:
        """The one instrument meant, None when there is none or the words fit several."""
        found = self.find(wanted)
        return found[0] if len(found) == 1 else None

    def send_details(self, session: Session, values: Values, now: datetime) -> None:
        """Answer a request for contract details."""
        found = self.find(values)
        if not found:
            session.error(values["reqId"], *NO_DEFINITION)
            return
        for instrument in found:
            session.send("contractDetails", **self._details(instrument, values, now))
        session.send("contractDetailsEnd", reqId=values["reqId"])

    def send_market_rule(self, session: Session, values: Values) -> None:
        """Answer a request for price steps."""
        ticks = sorted({instrument.tick for instrument in self._instruments})
        number = values["marketRuleId"] or 0
        if not MARKET_RULE_ID <= number < MARKET_RULE_ID + len(ticks):
            session.error(-1, 321, "Error validating request.-'bG' : cause - Invalid market rule id")
            return
        session.send("marketRule", marketRuleId=number, increments=[{"lowEdge": 0, "increment": ticks[number - MARKET_RULE_ID]}])

    def send_samples(self, session: Session, values: Values) -> None:
        """Answer a search by part of a symbol or name."""
        pattern = values["pattern"].upper()
        found = [
            each
            for each in self._instruments
            if pattern and (each.instrument_id.symbol.startswith(pattern) or pattern in each.name.upper())
        ]
        samples = [
            contract_fields(each) | {"primaryExchange": each.instrument_id.venue, "description": each.name, "derivatives": ()}
            for each in found
        ]
        session.send("symbolSamples", reqId=values["reqId"], samples=samples)

    def market_rule_id(self, instrument: SimulatedInstrument) -> int:
        """The rule that states the instrument's price step."""
        return MARKET_RULE_ID + sorted({each.tick for each in self._instruments}).index(instrument.tick)

    def _details(self, instrument: SimulatedInstrument, values: Values, now: datetime) -> dict[str, Any]:
        venue = instrument.instrument_id.venue
        exchanges = f"{SMART},{venue}"
        hours = _always_open(now)
        rule = self.market_rule_id(instrument)
        return contract_fields(instrument, values["exchange"] or SMART) | {
            "reqId": values["reqId"],
            "marketName": _trading_class(instrument),
            "minTick": instrument.tick,
            "orderTypes": _ORDER_TYPES,
            "validExchanges": exchanges,
            "longName": instrument.name,
            "primaryExchange": venue,
            "timeZoneId": ZONE_NAME,
            "tradingHours": hours,
            "liquidHours": hours,
            "secIds": ({"tag": "ISIN", "value": instrument.security_number},),
            "marketRuleIds": f"{rule},{rule}",
            "stockType": "COMMON",
            "minSize": 1,
            "sizeIncrement": 1,
            "suggestedSizeIncrement": 100,
        }


def _fits(instrument: SimulatedInstrument, wanted: Values) -> bool:
    if wanted.get("conId"):
        return bool(wanted["conId"] == instrument.contract_id)
    symbol, venue = instrument.instrument_id.symbol, instrument.instrument_id.venue
    allowed = {
        "symbol": (symbol,),
        "localSymbol": (symbol,),
        "secType": (instrument.kind,),
        "currency": (instrument.currency,),
        "exchange": (SMART, venue),
        "primaryExchange": (SMART, venue),
        "tradingClass": (_trading_class(instrument),),
        "expiry": (),
        "multiplier": ("0", "0.0", "1"),
        "right": ("0", "?"),
    }
    if wanted.get("strike"):
        return False
    if wanted.get("secId"):
        return wanted.get("secIdType") == "ISIN" and wanted["secId"] == instrument.security_number
    if not (wanted.get("symbol") or wanted.get("localSymbol")):
        return False
    return all(_ALIASES.get(wanted.get(name, ""), wanted.get(name, "")) in ("", *accepted) for name, accepted in allowed.items())


def _always_open(now: datetime) -> str:
    today = now.astimezone(EXCHANGE_ZONE).date()
    days = [today + timedelta(days=offset) for offset in range(_DAYS_ANNOUNCED)]
    return ";".join(f"{day:%Y%m%d}:0000-{day:%Y%m%d}:2359" for day in days)
