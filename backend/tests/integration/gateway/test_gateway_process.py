"""The gateway as a process: readiness, its books on disk, its trace, and a clean end."""

import json
import signal
import socket
import subprocess
import sys
import textwrap

import pytest

from ats.core.errors import DependencyError, InputError

GREETING = b"API\0" + (9).to_bytes(4, "big") + b"v100..223"
SCRIPT = textwrap.dedent("""
    import sys
    from datetime import UTC, datetime, timedelta
    from decimal import Decimal
    from pathlib import Path
    from ats.core.clock import SystemClock
    from ats.core.ids import InstrumentId
    from ats.core.market import Bar, BarSpec
    from ats.gateway.simulated import SimulatedGatewayConfig, SimulatedInstrument, run_simulated_gateway

    start = datetime(2020, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=index) for index in range(100)]
    bars = [Bar(day, day + timedelta(days=1), day + timedelta(days=1), *[Decimal(100)] * 4, Decimal(1000)) for day in days]
    folder = Path(sys.argv[1])
    config = SimulatedGatewayConfig(
        mode="paper", account_id="DU1234567", port=0, compress=BarSpec(5, "SECOND"), history_bars=10,
        ledger_file=folder / "books" / "ledger.json", trace_file=folder / "trace.jsonl",
    )
    instrument = SimulatedInstrument(InstrumentId("MSFT", "NASDAQ"), bars, BarSpec(1, "DAY"))
    run_simulated_gateway(config, [instrument], SystemClock(), lambda port: print(f"ready {port}", flush=True))
""")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_leaves_books_and_trace_behind(tmp_path, end, wait_until):
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        port = _ready_port(process)
        books = tmp_path / "books" / "ledger.json"
        assert json.loads(books.read_text())["orders"] == []
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            _place_market_order(peer)
            wait_until(lambda: json.loads(books.read_text())["executions"])
            process.send_signal(end)
            assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
    (order,) = json.loads(books.read_text())["orders"]
    assert (order["status"], order["quantity"]) == ("Filled", "7")
    entries = [json.loads(line) for line in (tmp_path / "trace.jsonl").read_text().splitlines()]
    assert {"client", "direction", "name", "fields", "at"} == set(entries[0])
    names = [(entry["direction"], entry["name"]) for entry in entries if entry["client"] == 4]
    assert names.index(("in", "placeOrder")) < names.index(("out", "execDetails")) < names.index(("out", "commissionReport"))


def test_a_taken_port_is_a_clear_refusal(gateway, gateway_of):
    with pytest.raises(DependencyError, match=f"cannot listen on 127.0.0.1:{gateway.port}: Address already in use"):
        gateway_of(port=gateway.port)


@pytest.mark.parametrize("field", ["ledger_file", "trace_file"])
def test_a_file_that_cannot_be_written_is_a_refusal_before_anybody_connects(gateway_of, tmp_path, field):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(InputError, match=f"{field}.*cannot be written"):
        gateway_of(**{field: tmp_path / "taken" / "file"})


def test_a_stopped_gateway_closes_its_clients(gateway_of):
    running = gateway_of()
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as peer:
        peer.sendall(GREETING)
        assert peer.recv(4096)
        running._run(running._gateway.stop())
        assert peer.recv(4096) == b""


def _ready_port(process: subprocess.Popen) -> int:
    for line in process.stdout:
        if line.startswith("ready "):
            return int(line.split()[1])
    raise AssertionError("the gateway never became ready")


def _place_market_order(peer: socket.socket) -> None:
    def frame(*fields: object) -> bytes:
        payload = "".join(f"{field}\0" for field in fields).encode()
        return len(payload).to_bytes(4, "big") + payload

    peer.sendall(GREETING)
    peer.recv(4096)
    contract = [0, "MSFT", "STK", "", "", "", "", "SMART", "", "USD", "", ""]
    head = [1, *contract, "", "", "BUY", 7, "MKT", "", "", "", "", "", "", 0, "test", 1]
    peer.sendall(frame(71, 2, 4, "") + frame(3, *head, *[""] * (114 - len(head))))
