"""An Interactive Brokers gateway that needs no account: the wire protocol, the gateway's behaviour, a market and a ledger."""

from ats.gateway.simulated.config import LIVE, PAPER, SimulatedGatewayConfig, SimulatedInstrument
from ats.gateway.simulated.server import SimulatedGateway, run_simulated_gateway

__all__ = ["LIVE", "PAPER", "SimulatedGateway", "SimulatedGatewayConfig", "SimulatedInstrument", "run_simulated_gateway"]
