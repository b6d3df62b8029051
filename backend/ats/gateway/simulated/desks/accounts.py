"""Account values, positions and profit, once on request and again whenever they change."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ats.gateway.simulated.config import SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.desks.contracts import contract_fields
from ats.gateway.simulated.desks.order_reports import send_commission, send_execution
from ats.gateway.simulated.desks.sessions import Session, Sessions
from ats.gateway.simulated.wire.layouts import Values
from ats.gateway.simulated.world.ledger import Ledger
from ats.gateway.simulated.world.market import Market
from ats.gateway.simulated.world.records import AccountPosition
from ats.gateway.simulated.world.timeline import EXCHANGE_ZONE
from ats.gateway.simulated.world.times import parse_moment

_CENT = Decimal("0.01")
_COST_STEP = Decimal("0.00000001")
_TEXT_TAGS = ("AccountType", "AccountCode", "AccountReady")


class AccountDesk:
    """Reports the ledger to the sessions that asked for it."""

    def __init__(self, config: SimulatedGatewayConfig, market: Market, ledger: Ledger, sessions: Sessions) -> None:
        self._config = config
        self._market = market
        self._ledger = ledger
        self._sessions = sessions
        self._updated_at = market.now

    # Requests

    def send_positions(self, session: Session) -> None:
        """All positions, then every change until cancelled."""
        for held in self._ledger.positions.values():
            self._send_position(session, held)
        session.send("positionEnd")
        session.wants_positions = True

    def send_positions_multi(self, session: Session, request_id: int) -> None:
        """All positions, under a request id."""
        for held in self._ledger.positions.values():
            session.send("positionMulti", reqId=request_id, **self._position_fields(held))
        session.send("positionMultiEnd", reqId=request_id)

    def follow_account(self, session: Session, *, subscribe: bool) -> None:
        """Account values and portfolio, then every change until unsubscribed."""
        session.wants_account_updates = subscribe
        if subscribe:
            self._send_account(session)
            session.send("accountDownloadEnd", account=self._config.account_id)

    def follow_account_multi(self, session: Session, request_id: int) -> None:
        """Account values under a request id, then every change until cancelled."""
        session.account_updates_multi.add(request_id)
        self._send_account_multi(session, request_id)
        session.send("accountUpdateMultiEnd", reqId=request_id)

    def follow_summary(self, session: Session, request_id: int, tags: str) -> None:
        """The requested account values, then every change until cancelled."""
        session.account_summaries[request_id] = tuple(tag.strip() for tag in tags.split(",") if tag.strip())
        self._send_summary(session, request_id)
        session.send("accountSummaryEnd", reqId=request_id)

    def send_executions(self, session: Session, values: Values) -> None:
        """Today's executions that pass the filter, each with its commission before the end."""
        today = self._market.now.astimezone(EXCHANGE_ZONE).date()
        since = parse_moment(values["time"])
        for execution in self._ledger.executions:
            wanted = (
                execution.executed_at.astimezone(EXCHANGE_ZONE).date() == today,
                values["clientId"] in (None, 0, execution.client_id),
                values["account"] in ("", self._config.account_id),
                since is None or execution.executed_at >= since,
                values["symbol"] in ("", execution.instrument.instrument_id.symbol),
                values["secType"] in ("", execution.instrument.kind),
                values["exchange"] in ("", execution.exchange, execution.instrument.instrument_id.venue),
                values["side"] in ("", execution.side.value, "BOT" if execution.side.sign > 0 else "SLD"),
            )
            if all(wanted):
                send_execution(session, values["reqId"], execution, self._config.account_id)
                send_commission(session, execution)
        session.send("execDetailsEnd", reqId=values["reqId"])

    def follow_pnl(self, session: Session, request_id: int) -> None:
        """Profit of the account, then every change until cancelled."""
        session.pnl.add(request_id)
        self._send_pnl(session, request_id)

    def follow_pnl_single(self, session: Session, request_id: int, contract_id: int) -> None:
        """Profit of one position, then every change until cancelled."""
        session.pnl_single[request_id] = contract_id
        self._send_pnl_single(session, request_id, contract_id)

    # Changes

    def on_fill(self, instrument: SimulatedInstrument) -> None:
        """Tell everybody who follows positions or the account."""
        held = self._ledger.position(instrument)
        for session in self._sessions:
            if session.wants_positions:
                self._send_position(session, held)
        self._push()

    def on_time(self) -> None:
        """Repeat the account values at the configured interval, because prices move them without a fill."""
        if self._market.now - self._updated_at >= self._config.account_update_interval:
            self._push()

    def _push(self) -> None:
        self._updated_at = self._market.now
        for session in self._sessions:
            if session.wants_account_updates:
                self._send_account(session)
            for request_id in session.account_updates_multi:
                self._send_account_multi(session, request_id)
            for request_id in session.account_summaries:
                self._send_summary(session, request_id)
            for request_id in session.pnl:
                self._send_pnl(session, request_id)
            for request_id, contract_id in session.pnl_single.items():
                self._send_pnl_single(session, request_id, contract_id)

    # What is sent

    def _send_position(self, session: Session, held: AccountPosition) -> None:
        session.send("position", **self._position_fields(held))

    def _position_fields(self, held: AccountPosition) -> dict[str, object]:
        return contract_fields(held.instrument) | {
            "account": self._config.account_id,
            "position": held.quantity,
            "avgCost": held.average_cost.quantize(_COST_STEP),
        }

    def _send_account(self, session: Session) -> None:
        for key, value in self.values().items():
            session.send("accountValue", key=key, value=value, currency=self._currency_of(key), account=self._config.account_id)
        prices = self._market.last_prices()
        for contract_id, held in self._ledger.positions.items():
            self._send_portfolio(session, held, prices[contract_id])
        session.send("accountTime", timestamp=f"{self._market.now.astimezone(EXCHANGE_ZONE):%H:%M}")

    def _send_portfolio(self, session: Session, held: AccountPosition, price: Decimal) -> None:
        session.send(
            "portfolioValue",
            **self._position_fields(held)
            | {
                "marketPrice": price,
                "marketValue": _cents(held.quantity * price),
                "unrealizedPNL": _cents(held.quantity * (price - held.average_cost)),
                "realizedPNL": _cents(held.realized_pnl),
            },
        )

    def _send_account_multi(self, session: Session, request_id: int) -> None:
        for key, value in self.values().items():
            session.send(
                "accountUpdateMulti",
                reqId=request_id,
                account=self._config.account_id,
                key=key,
                value=value,
                currency=self._currency_of(key),
            )

    def _send_summary(self, session: Session, request_id: int) -> None:
        values = self.values()
        for tag in session.account_summaries[request_id]:
            if tag in values:
                session.send(
                    "accountSummary",
                    reqId=request_id,
                    account=self._config.account_id,
                    tag=tag,
                    value=values[tag],
                    currency=self._currency_of(tag),
                )

    def _send_pnl(self, session: Session, request_id: int) -> None:
        prices = self._market.last_prices()
        unrealized, realized = self._ledger.unrealized_pnl(prices), self._ledger.realized_pnl()
        session.send(
            "pnl", reqId=request_id, dailyPnL=_cents(unrealized + realized), unrealizedPnL=_cents(unrealized), realizedPnL=_cents(realized)
        )

    def _send_pnl_single(self, session: Session, request_id: int, contract_id: int) -> None:
        held, prices = self._ledger.positions.get(contract_id), self._market.last_prices()
        if held is None:
            session.error(request_id, 321, "Error validating request.-'dY' : cause - No position in this contract")
            return
        unrealized = held.quantity * (prices[contract_id] - held.average_cost)
        session.send(
            "pnlSingle",
            reqId=request_id,
            position=held.quantity,
            dailyPnL=_cents(unrealized + held.realized_pnl),
            unrealizedPnL=_cents(unrealized),
            realizedPnL=_cents(held.realized_pnl),
            value=_cents(held.quantity * prices[contract_id]),
        )

    def _currency_of(self, tag: str) -> str:
        return "" if tag in _TEXT_TAGS or tag == "Cushion" else self._config.currency

    def values(self) -> Mapping[str, str]:
        """Every account value by its tag, as text."""
        prices = self._market.last_prices()
        ledger, margin = self._ledger, self._ledger.margin(prices)
        equity = ledger.net_liquidation(prices)
        available, excess = equity - margin.initial, equity - margin.maintenance
        long_or_short = [held.quantity * prices[key] for key, held in ledger.positions.items()]
        amounts = {
            "NetLiquidation": equity,
            "EquityWithLoanValue": equity,
            "PreviousEquityWithLoanValue": ledger.starting_cash,
            "TotalCashValue": ledger.cash,
            "TotalCashBalance": ledger.cash,
            "CashBalance": ledger.cash,
            "SettledCash": ledger.cash,
            "AccruedCash": Decimal(0),
            "StockMarketValue": sum(long_or_short, Decimal(0)),
            "GrossPositionValue": sum((abs(value) for value in long_or_short), Decimal(0)),
            "InitMarginReq": margin.initial,
            "MaintMarginReq": margin.maintenance,
            "AvailableFunds": available,
            "ExcessLiquidity": excess,
            "BuyingPower": max(available, Decimal(0)) / self._config.initial_margin_fraction,
            "RealizedPnL": ledger.realized_pnl(),
            "UnrealizedPnL": ledger.unrealized_pnl(prices),
        }
        for tag in ("InitMarginReq", "MaintMarginReq", "AvailableFunds", "ExcessLiquidity"):
            amounts[f"Full{tag}"] = amounts[f"LookAhead{tag}"] = amounts[tag]
        texts = {"AccountCode": self._config.account_id, "AccountReady": "true", "AccountType": "INDIVIDUAL"}
        cushion = {"Cushion": f"{excess / equity:.4f}"} if equity > 0 else {}
        return texts | cushion | {tag: f"{_cents(amount):f}" for tag, amount in amounts.items()}


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT)
