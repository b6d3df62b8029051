"""`ats gateway`: the simulated Interactive Brokers gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ats.cli import console
from ats.core.clock import SystemClock
from ats.core.config import load_settings
from ats.core.errors import InputError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.core.money import parse_positive

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _gateway() -> None:
    """Run a simulated Interactive Brokers gateway."""


_PORTS = {"paper": 4002, "live": 4001}
"""Where sessions look for a gateway by default."""


@app.command()
def sim(
    mode: Annotated[str, typer.Option("--mode", help="paper or live.")],
    account: Annotated[str, typer.Option("--account", help="Account it reports: DU and digits for paper, U and digits for live.")],
    data: Annotated[
        list[str], typer.Option("--data", help="Instrument whose stored daily or minute bars drive the market; repeat for several.")
    ],
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65_535, help="TCP port on the loopback; unset: 4002 for paper, 4001 for live; 0: any free one."),
    ] = None,
    bar_spec: Annotated[str, typer.Option("--bar-spec", help="Stored bars to replay.")] = "1-DAY-LAST",
    compress: Annotated[
        str, typer.Option("--compress", help="Each stored bar becomes one bar of this length, dated now; `none` keeps the true pace.")
    ] = "5-SECOND-LAST",
    history_bars: Annotated[int, typer.Option("--history-bars", min=0, help="How many bars lie in the past when it starts.")] = 300,
    cash: Annotated[str, typer.Option("--cash", help="Cash of the account in USD.")] = "100000",
    ledger: Annotated[Path | None, typer.Option("--ledger", help="File that always holds every order and execution as JSON.")] = None,
    trace: Annotated[Path | None, typer.Option("--trace", help="File that gets every message as a JSON line.")] = None,
) -> None:
    """Serve the TWS API from stored bars until Ctrl-C: quotes, bars, orders, fills, positions; nothing leaves this machine.

    Example: ats gateway sim --mode paper --account DU1234567 --port 4002 --data MSFT.NASDAQ
    """
    from ats.gateway.simulated import SimulatedGatewayConfig, SimulatedInstrument, run_simulated_gateway  # noqa: PLC0415 -- not needed for --help
    from ats.wiring.research import catalog_of  # noqa: PLC0415 -- as above

    if not data:
        raise InputError("data", "", "is missing", remedy="Give at least one instrument of `ats data list`.")
    spec, catalog = BarSpec.parse(bar_spec), catalog_of(load_settings())
    config = SimulatedGatewayConfig(
        mode=mode,
        account_id=account,
        port=_PORTS.get(mode, 0) if port is None else port,
        cash=parse_positive(cash, "cash"),
        compress=None if compress == "none" else BarSpec.parse(compress, "compress"),
        history_bars=history_bars,
        ledger_file=ledger,
        trace_file=trace,
    )
    instruments = [SimulatedInstrument(InstrumentId.parse(name, "data"), catalog.core_bars(name, spec), spec) for name in data]
    run_simulated_gateway(
        config, instruments, SystemClock(), lambda bound: console.result_text(f"Simulated {mode} gateway of {account} on 127.0.0.1:{bound}")
    )
