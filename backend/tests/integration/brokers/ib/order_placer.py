"""A process that places orders under one client id and then stays until it is killed. Prints `placed` when they rest or are filled.

A reference that starts with `market` is a market order; every other is a buy limit far below the market.
"""

from __future__ import annotations

import asyncio
import sys

from ib_insync import IB, LimitOrder, MarketOrder, Stock


async def place(port: int, client_id: int, references: list[str]) -> None:
    ib = IB()
    await ib.connectAsync("127.0.0.1", port, clientId=client_id, timeout=15)
    (contract,) = await ib.qualifyContractsAsync(Stock("QQQ", "SMART", "USD", primaryExchange="NASDAQ"))
    for reference in references:
        is_market = reference.startswith("market")
        terms = {"tif": "GTC", "orderRef": reference}
        trade = ib.placeOrder(contract, MarketOrder("BUY", 2, **terms) if is_market else LimitOrder("BUY", 2, 50.0, **terms))
        while trade.orderStatus.status != ("Filled" if is_market else "Submitted"):
            await asyncio.wait_for(trade.statusEvent, 15)
    sys.stdout.write("placed\n")
    sys.stdout.flush()
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(place(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
