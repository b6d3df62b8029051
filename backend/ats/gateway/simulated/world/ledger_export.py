"""The books as plain values, the form in which tests and people read them."""

from __future__ import annotations

from ats.gateway.simulated.world.records import AccountPosition, Execution, GatewayOrder, Refusal


def order_record(order: GatewayOrder) -> dict[str, object]:
    """An order."""
    return {
        "perm_id": order.perm_id,
        "client_id": order.client_id,
        "order_id": order.order_id,
        "order_ref": order.order_ref,
        "instrument": str(order.instrument.instrument_id),
        "side": order.side.value,
        "quantity": order.quantity,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "limit_price": order.limit_price,
        "stop_price": order.stop_price,
        "status": order.status.value,
        "filled": order.filled,
        "average_price": order.average_price,
        "commission": order.commission,
        "placed_at": order.placed_at,
        "completed_at": order.completed_at,
        "reason": order.reason,
    }


def execution_record(execution: Execution) -> dict[str, object]:
    """An execution."""
    return {
        "execution_id": execution.execution_id,
        "perm_id": execution.perm_id,
        "client_id": execution.client_id,
        "order_id": execution.order_id,
        "order_ref": execution.order_ref,
        "instrument": str(execution.instrument.instrument_id),
        "side": execution.side.value,
        "quantity": execution.quantity,
        "price": execution.price,
        "commission": execution.commission,
        "realized_pnl": execution.realized_pnl,
        "executed_at": execution.executed_at,
    }


def position_record(held: AccountPosition) -> dict[str, object]:
    """A position."""
    return {
        "instrument": str(held.instrument.instrument_id),
        "quantity": held.quantity,
        "average_cost": held.average_cost,
        "realized_pnl": held.realized_pnl,
    }


def refusal_record(refusal: Refusal) -> dict[str, object]:
    """A refused request."""
    return {
        "client_id": refusal.client_id,
        "order_id": refusal.order_id,
        "order_ref": refusal.order_ref,
        "refused_at": refusal.refused_at,
        "code": refusal.code,
        "text": refusal.text,
    }
