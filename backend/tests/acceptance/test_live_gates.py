"""Everything that stands before real money says no by name, and nothing reaches the gateway but a handshake.

Rows C1 to C9, C17, J4; S3-02, S3-15, S3-16, S3-22.
"""

# ruff: noqa: RUF001 -- look-alike characters are the bad input

from __future__ import annotations

import json

import pytest

from ats.cli import session as session_command

HANDSHAKE = {"greeting", "startApi"}


@pytest.fixture(scope="module")
def gateway(installation):
    return installation.gateway("live")


@pytest.fixture(scope="module", autouse=True)
def _approved(installation, gateway):
    installation.approve()


def live(installation, *more):
    return ("live", *installation.sleeve(), *more)


def refusals(installation):
    return installation.audited("session.refused")


def sent_to(gateway):
    return {message["name"] for message in gateway.received()}


class TestPermission:
    def test_live_is_refused_when_the_edition_flag_is_off(self, installation, ats):
        """C1, S3-02."""
        code, said = ats(*live(installation, "--i-understand", installation.LIVE), settings={"ATS_ENABLE_LIVE_TRADING": "false"})
        assert code == 3
        assert "ATS_ENABLE_LIVE_TRADING" in said

    def test_live_is_refused_without_an_account_id(self, installation, ats, monkeypatch):
        monkeypatch.delitem(installation.settings, "ATS_IB_LIVE_ACCOUNT_ID")
        code, said = ats(*live(installation, "--i-understand", installation.LIVE))
        assert code == 3
        assert "ATS_IB_LIVE_ACCOUNT_ID" in said

    def test_live_is_refused_on_a_paper_port(self, installation, ats):
        """C17."""
        code, said = ats(*live(installation, "--i-understand", installation.LIVE), settings={"ATS_IB_LIVE_PORT": "4002"})
        assert code == 2
        assert "ATS_IB_LIVE_PORT" in said
        assert "4002" in said

    def test_paper_is_refused_on_a_live_port(self, installation, ats):
        """C17."""
        code, said = ats("paper", *installation.sleeve(), settings={"ATS_IB_PAPER_PORT": "4001"})
        assert code == 2
        assert "ATS_IB_PAPER_PORT" in said


class TestApproval:
    @pytest.mark.parametrize(
        ("options", "settings", "named"),
        [
            (("--params", '{"buy_threshold": 0.97, "sell_threshold": 0.99, "max_holding_bars": 1000}'), {}, "params.buy_threshold"),
            ((), {"ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER": "5001"}, "caps.max_notional_per_order"),
            ((), {"ATS_LIVE_RISK_RESTRICTED_INSTRUMENTS": "IBM"}, "caps.restricted_instruments"),
            ((), {"ATS_IB_LIVE_ACCOUNT_ID": "U7654322"}, "account_id"),
        ],
        ids=["params", "cap", "restricted list", "account"],
    )
    def test_drift_from_the_approval_is_refused_and_named(self, installation, gateway, ats, options, settings, named):
        """C6, S3-15."""
        account = settings.get("ATS_IB_LIVE_ACCOUNT_ID", installation.LIVE)
        code, said = ats(*live(installation, *options, "--i-understand", account), settings=settings)
        assert code == 3
        assert "drifted" in said
        assert named in said
        assert gateway.orders_received() == 0
        assert named in refusals(installation)[0]["reason"]

    def test_one_changed_line_of_the_strategy_is_refused_and_named(self, installation, ats, monkeypatch):
        """C6: the digest of the source is part of what was approved."""
        from ats.operations import plan  # noqa: PLC0415 -- imports the engine, which only this test of the file needs here

        monkeypatch.setattr(plan, "source_digest", lambda _key: "0" * 64)
        code, said = ats(*live(installation, "--i-understand", installation.LIVE))
        assert code == 3
        assert "source_digest" in said

    def test_a_strategy_nobody_approved_is_refused(self, installation, ats):
        """S3-15."""
        code, said = ats("live", *installation.sleeve({}, "sma_cross"), "--i-understand", installation.LIVE)
        assert code == 3
        assert "sma_cross on MSFT.NASDAQ 5-SECOND-LAST has no live approval" in said
        assert "ats approve-live" in said

    @pytest.mark.parametrize("missing", [0, 1, 2])
    def test_every_sleeve_of_a_book_needs_its_own_approval(self, installation, ats, missing):
        """C9, S3-23: three sleeves, one approval missing: refused, and it is named."""
        kinds = (("ibs_reversion", "MSFT.NASDAQ", 0.5), ("sma_cross", "IBM.NYSE", 0.25), ("rsi_pullback", "AAPL.NASDAQ", 0.25))
        book = [
            {
                "strategy": strategy,
                "instrument": instrument,
                "bar_spec": f"{(10, 15, 30)[missing]}-SECOND-LAST",
                "params": {},
                "weight": weight,
            }
            for strategy, instrument, weight in kinds
        ]
        assert ats("approve-live", "--sleeves-json", json.dumps(book), "--note", "drill")[0] == 0
        book[missing]["bar_spec"] = "1-MINUTE-LAST"
        code, said = ats("live", "--sleeves-json", json.dumps(book), "--i-understand", installation.LIVE)
        assert code == 3
        assert f"{book[missing]['strategy']} on {book[missing]['instrument']} 1-MINUTE-LAST has no live approval" in said

    def test_a_revoked_approval_is_refused_with_the_reason(self, installation, ats):
        """C8, S3-16."""
        approved = ("--strategy", "sma_cross", "--instrument", "IBM.NYSE", "--bar-spec", "5-SECOND-LAST")
        assert ats("approve-live", *approved, "--note", "drill")[0] == 0
        assert ats("revoke-live", *approved, "--reason", "slippage above plan")[0] == 0
        code, said = ats("live", *approved, "--i-understand", installation.LIVE)
        assert code == 3
        assert "slippage above plan" in said


class TestConfirmation:
    """C4, J4, S3-20: the whole id, typed at a terminal."""

    @pytest.mark.parametrize(
        "keys",
        [
            b"\n",
            b"u7654321\n",
            b"U7654321 \n",
            b" U7654321\n",
            b"U765432\n",
            b"yes\n",
            "U7654321\u200b\n".encode(),
            "U7б54321\n".encode(),
            b"U7654321\xff\n",
            b"\x04",
            b"U7654321\x04\x04",
            b"2" * 1200 + b"\n",
        ],
        ids=lambda keys: ascii(keys)[:24],
    )
    def test_anything_but_the_whole_id_is_refused_and_audited(self, installation, gateway, ats, typing, keys, monkeypatch):
        monkeypatch.setattr(session_command, "PATIENCE_SECONDS", 3.0)
        before = len(gateway.received())
        typing(keys)
        code, said = ats(*live(installation))
        assert code == 3
        assert "REAL MONEY" in said
        assert "Traceback" not in said
        assert refusals(installation)[0]["way"] == "typed"
        assert len(gateway.received()) == before  # nobody even knocked at the gateway

    def test_silence_is_refused(self, installation, ats, typing, monkeypatch):
        """J4: nobody is waited for without end; half a line is silence too."""
        monkeypatch.setattr(session_command, "PATIENCE_SECONDS", 0.3)
        typing(b"U765")
        code, said = ats(*live(installation))
        assert code == 3
        assert "nothing came in time" in said

    def test_piped_input_is_refused_without_the_supervised_flag(self, installation):
        """C4."""
        import subprocess  # noqa: PLC0415 -- one pipe
        import sys  # noqa: PLC0415 -- as above

        done = subprocess.run(
            [sys.executable, "-m", "ats.live", *installation.sleeve()],
            env=installation.environment(),
            input=f"{installation.LIVE}\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 3
        assert "not a terminal" in done.stderr

    def test_ctrl_c_at_the_question_is_refused_and_audited(self, installation, ats, monkeypatch, typing):
        """J4."""

        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(session_command, "_typed_line", interrupted)
        assert ats(*live(installation))[0] == 130
        assert refusals(installation)[0]["reason"] == "interrupted"

    @pytest.mark.parametrize("given", ["", "u7654321", "U7654321 ", "DU1234567", "yes"], ids=ascii)
    def test_the_supervised_flag_with_another_value_is_refused_and_audited(self, installation, ats, given):
        """C5."""
        code, _ = ats(*live(installation, "--i-understand", given))
        assert code == 3
        assert refusals(installation)[0]["way"] == "--i-understand"

    def test_the_supervised_flag_without_a_value_is_a_usage_error(self, installation, ats):
        """C5."""
        assert ats(*live(installation, "--i-understand"))[0] == 2


class TestGatewayIdentity:
    """C3, S3-22: what the gateway itself reports decides; nothing but the handshake is sent before."""

    @pytest.mark.parametrize("accounts", ["U9999999", "U7654321,U9999999", "DU1234567", "F7654321", "u7654321"])
    def test_another_account_is_refused_before_anything_is_sent(self, installation, ats, handshake_server, accounts):
        server = handshake_server(accounts)
        code, said = ats(*live(installation, "--i-understand", installation.LIVE), settings={"ATS_IB_LIVE_PORT": str(server.port)})
        assert code == 3
        assert accounts.replace(",", ", ") in said
        assert server.received == []
        assert accounts.split(",")[0] in refusals(installation)[0]["reason"]

    def test_a_gateway_without_an_account_is_refused(self, installation, ats, handshake_server):
        server = handshake_server("")
        code, _ = ats(*live(installation, "--i-understand", installation.LIVE), settings={"ATS_IB_LIVE_PORT": str(server.port)})
        assert code in (3, 4)
        assert server.received == []

    def test_the_simulated_gateway_of_another_account_sees_only_handshakes(self, installation, ats):
        other = installation.gateway("live", account="U9999999", port=installation.free_port())
        code, _ = ats(*live(installation, "--i-understand", installation.LIVE), settings={"ATS_IB_LIVE_PORT": str(other.port)})
        assert code == 3
        assert sent_to(other) == HANDSHAKE

    def test_a_paper_gateway_behind_the_live_port_is_refused(self, installation, ats):
        paper = installation.gateway("paper", port=installation.free_port())
        code, said = ats(*live(installation, "--i-understand", installation.LIVE), settings={"ATS_IB_LIVE_PORT": str(paper.port)})
        assert code == 3
        assert installation.PAPER in said
        assert sent_to(paper) == HANDSHAKE

    def test_a_live_gateway_behind_the_paper_port_is_refused(self, installation, gateway, ats):
        code, said = ats("paper", *installation.sleeve(), settings={"ATS_IB_PAPER_PORT": str(gateway.port), "ATS_IB_LIVE_PORT": "4001"})
        assert code == 3
        assert installation.LIVE in said
        assert gateway.orders_received() == 0

    def test_embedded_services_are_refused_at_a_gateway_that_is_not_simulated(self, installation, ats, handshake_server):
        """Design decision 5."""
        server = handshake_server(installation.LIVE, marks_itself=False)
        code, said = ats(*live(installation, "--i-understand", installation.LIVE), settings={"ATS_IB_LIVE_PORT": str(server.port)})
        assert code == 3
        assert "embedded" in said
        assert "ATS_DATABASE_URL" in said
        assert server.received == []

    @pytest.mark.parametrize("speaks", [True, False], ids=["hangs up", "silent"])
    def test_a_gateway_that_is_away_or_silent_ends_the_start_in_bounded_time(self, installation, ats, handshake_server, speaks):
        """Faults 12, 14: exit code 4."""
        server = handshake_server(installation.LIVE, speaks=False)
        if speaks:
            server.close()
        code, said = ats(*live(installation, "--i-understand", installation.LIVE), settings={"ATS_IB_LIVE_PORT": str(server.port)})
        assert code == 4
        assert str(server.port) in said


def test_nothing_above_ever_sent_an_order(installation, gateway):
    """C3: the last word belongs to the gateway's own trace."""
    assert gateway.orders_received() == 0
    assert gateway.orders() == []
    assert installation.rows("SELECT 1 FROM order_intents") == []
    assert installation.rows("SELECT 1 FROM sessions") == []
