"""How orders and executions are written to clients. Every number comes from the ledger; nothing is decided here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ats.core.orders import Side
from ats.gateway.simulated.config import SimulatedGatewayConfig
from ats.gateway.simulated.desks.contracts import contract_fields
from ats.gateway.simulated.desks.sessions import Session
from ats.gateway.simulated.world.records import Execution, GatewayOrder, Margin, OrderStatus
from ats.gateway.simulated.world.times import exchange_time

_PRICE_STEP = Decimal("0.00000001")


def send_open_order(session: Session, order: GatewayOrder, account_id: str, *, without_commission: bool = False) -> None:
    """The order's terms and state."""
    values = _terms(order, account_id) | {
        "orderId": order.order_id,
        "clientId": order.client_id,
        "sharesAllocation": f"{order.perm_id}.0/{account_id}/{order.quantity:f}",
        "parentId": order.parent_id,
    }
    if order.filled and not without_commission:
        values |= {"commission": order.commission, "commissionCurrency": order.instrument.currency}
    session.send("openOrder", **values)


def _terms(order: GatewayOrder, account_id: str) -> dict[str, Any]:
    return contract_fields(order.instrument, order.exchange) | {
        "action": order.side.value,
        "totalQuantity": order.quantity,
        "orderType": order.order_type,
        "lmtPrice": order.limit_price or 0,
        "auxPrice": order.stop_price or 0,
        "tif": order.time_in_force,
        "ocaGroup": order.oca_group,
        "account": account_id,
        "orderRef": order.order_ref,
        "permId": order.perm_id,
        "outsideRth": order.outside_rth,
        "status": order.status.value,
    }


def send_status(session: Session, order: GatewayOrder, *, client_id: int | None = None) -> None:
    """The order's progress; a client that cancels another's order sees its own client id in it."""
    session.send(
        "orderStatus",
        orderId=order.order_id,
        status=order.status.value,
        filled=order.filled,
        remaining=order.remaining,
        avgFillPrice=_price(order.average_price),
        permId=order.perm_id,
        parentId=order.parent_id,
        lastFillPrice=order.last_fill_price,
        clientId=order.client_id if client_id is None else client_id,
    )


def send_execution(session: Session, request_id: int, execution: Execution, account_id: str) -> None:
    """One execution, live (request id -1) or in answer to a request."""
    session.send(
        "execDetails",
        **contract_fields(execution.instrument, execution.exchange),
        reqId=request_id,
        orderId=execution.order_id,
        execId=execution.execution_id,
        time=exchange_time(execution.executed_at),
        account=account_id,
        venue=execution.instrument.instrument_id.venue,
        side="BOT" if execution.side is Side.BUY else "SLD",
        shares=execution.quantity,
        price=execution.price,
        permId=execution.perm_id,
        clientId=execution.client_id,
        cumQty=execution.cumulative_quantity,
        avgPrice=_price(execution.average_price),
        orderRef=execution.order_ref,
        lastLiquidity=1 if execution.adds_liquidity else 2,
    )


def send_commission(session: Session, execution: Execution) -> None:
    """What an execution cost and what it realized."""
    realized = None if execution.realized_pnl is None else _price(execution.realized_pnl)
    session.send(
        "commissionReport",
        execId=execution.execution_id,
        commission=execution.commission,
        currency=execution.instrument.currency,
        realizedPNL=realized,
    )


def send_completed_order(session: Session, order: GatewayOrder, account_id: str) -> None:
    """An order that is over."""
    filled = order.status is OrderStatus.FILLED
    session.send(
        "completedOrder",
        **_terms(order, account_id),
        filledQuantity=order.filled,
        completedTime=exchange_time(order.completed_at or order.placed_at),
        completedStatus=f"Filled Size: {order.filled:f}" if filled else order.reason,
    )


def send_preview(
    session: Session,
    order: GatewayOrder,
    config: SimulatedGatewayConfig,
    before: Margin,
    after: Margin,
    equity: Decimal,
    commission: Decimal,
) -> None:
    """The answer to a what-if order: what it would do to the account."""
    session.send(
        "openOrder",
        **_terms(order, config.account_id)
        | {
            "orderId": order.order_id,
            "clientId": order.client_id,
            "permId": 0,
            "whatIf": True,
            "status": OrderStatus.PRE_SUBMITTED.value,
            "initMarginBefore": before.initial,
            "maintMarginBefore": before.maintenance,
            "equityWithLoanBefore": equity,
            "initMarginChange": after.initial - before.initial,
            "maintMarginChange": after.maintenance - before.maintenance,
            "equityWithLoanChange": -commission,
            "initMarginAfter": after.initial,
            "maintMarginAfter": after.maintenance,
            "equityWithLoanAfter": equity - commission,
            "commission": commission,
            "commissionCurrency": config.currency,
        },
    )


def _price(number: Decimal) -> Decimal:
    return number.quantize(_PRICE_STEP)
