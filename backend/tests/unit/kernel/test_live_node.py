"""The live node runs guarded or not at all."""

from __future__ import annotations

import pytest

from ats.brokers.ib.venue import ib_venue
from ats.core.config import IbSettings
from ats.core.errors import InvariantError
from ats.kernel.trading_node import LiveNode
from ats.session.records import Mode


async def test_a_node_without_guardian_does_not_run(limits):
    """S2-98: Guardian first, whatever the mode; nothing is connected."""
    venue = ib_venue(IbSettings(), Mode.PAPER, "DU1234567", ["MSFT.NASDAQ"])
    node = LiveNode("TEST-001", venue, limits("MSFT.NASDAQ"), None)
    with pytest.raises(InvariantError, match=r"guardian\.installed"):
        await node.run()
