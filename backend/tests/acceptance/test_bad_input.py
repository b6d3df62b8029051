"""Bad input through the real command line: refused by name with a remedy, before anything is started or written.

Rows J1, J3, J5 to J8, J10, J11, J23; S3-01.
"""

# ruff: noqa: RUF001 -- look-alike characters are the bad input

from __future__ import annotations

import json
import os

import pytest

from ats.cli.main import run

SLEEVE = {"--strategy": "ibs_reversion", "--instrument": "QQQ.NASDAQ", "--bar-spec": "1-DAY-LAST"}
BOOK = {"strategy": "ibs_reversion", "instrument": "QQQ.NASDAQ", "bar_spec": "1-DAY-LAST"}
COMMANDS = ("paper", "live", "backtest", "approve-live")


@pytest.fixture
def ats(tmp_path, monkeypatch, capfd):
    """Runs a command on an installation that does not exist yet, and shows that it still does not exist afterwards."""
    for name in [name for name in os.environ if name.upper().startswith("ATS_")]:
        monkeypatch.delenv(name)
    env_file = tmp_path / "settings.env"
    env_file.write_text("# Nothing is set here.\n")
    monkeypatch.setenv("ATS_ENV_FILE", str(env_file))
    monkeypatch.setenv("ATS_DATA_DIR", str(tmp_path / "data"))

    def command(*arguments, expect=2, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = run(arguments)
        out, err = capfd.readouterr()
        assert code == expect, err
        assert "Traceback" not in err
        assert len(err) < 3_000  # whatever was put in, the answer can be read
        assert not (tmp_path / "data").exists()
        assert out == "" or "--json" in arguments
        return err

    command.env_file = env_file
    return command


def options(command, **changed):
    given = SLEEVE | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    more = ("--note", "drill") if command == "approve-live" else ()
    return (command, *(part for pair in given.items() for part in pair), *more)


@pytest.mark.parametrize("command", COMMANDS)
class TestArguments:
    @pytest.mark.parametrize(
        "instrument",
        [
            "",
            "QQQ",
            "QQQ.",
            ".NASDAQ",
            "QQQ.NASDAQ.X",
            "../etc/passwd.NASDAQ",
            "QQQ'.NASDAQ",
            "%.NASDAQ",
            "_.NASDAQ",
            "qqq.nasdaq",
            " QQQ.NASDAQ",
            "QQQ.NASDAQ\n",
            "😀.NASDAQ",
            "QＱQ.NASDAQ",
            "Q" * 1_000 + ".NASDAQ",
            "$(id).NASDAQ",
            "QQQ;DROP TABLE audit.NASDAQ",
        ],
        ids=lambda text: ascii(text)[:20],
    )
    def test_an_instrument_that_is_none(self, ats, command, instrument):
        """J5."""
        said = ats(*options(command, instrument=instrument))
        assert "instrument" in said

    @pytest.mark.parametrize(
        "bar_spec",
        [
            "",
            "0-DAY-LAST",
            "-1-DAY-LAST",
            "1-DAY",
            "1-day-last",
            "99999999-MINUTE-LAST",
            "1-DAY-LAST-EXTERNAL",
            "１-DAY-LAST",
            "1-FORTNIGHT-LAST",
            "NaN-DAY-LAST",
            "1.5-DAY-LAST",
        ],
        ids=lambda text: ascii(text)[:24],
    )
    def test_a_bar_spec_that_is_none(self, ats, command, bar_spec):
        """J6: before anything is connected."""
        said = ats(*options(command, bar_spec=bar_spec))
        assert "bar-spec" in said or "bar spec" in said or "bar_spec" in said

    @pytest.mark.parametrize(
        "strategy", ["", "IBS_REVERSION", "ibs-reversion", "../ibs_reversion", "no_such", "ibs_reversion\n"], ids=ascii
    )
    def test_a_strategy_that_is_none(self, ats, command, strategy):
        said = ats(*options(command, strategy=strategy))
        assert "strategy" in said

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ("", "params"),
            ("{", "params"),
            ("[]", "params"),
            ("null", "params"),
            ("true", "params"),
            ('{"buy_threshold": 0.1,}', "params"),
            ('{"buy_threshold": 0.1, "buy_threshold": 0.3}', "buy_threshold"),
            ('{"buy_threshold": NaN}', "params"),
            ('{"buy_threshold": Infinity}', "params"),
            ('{"buy_threshold": 1e999}', "buy_threshold"),
            ('{"buy_threshold": "0.1"}', "buy_threshold"),
            ('{"buy_threshold": true}', "buy_threshold"),
            ('{"buy_threshold": null}', "buy_threshold"),
            ('{"buy_threshold": -0.1}', "buy_threshold"),
            ('{"by_threshold": 0.1}', "by_threshold"),
            ('{"order_notional": 0}', "order_notional"),
            ('{"order_notional": -1}', "order_notional"),
            ('{"order_notional": 0.001}', "order_notional"),
            ('{"order_notional": "1,000"}', "order_notional"),
            ('{"order_notional": 1e308}', "order_notional"),
            ('{"max_holding_bars": 1.5}', "max_holding_bars"),
            ('{"max_holding_bars": 0}', "max_holding_bars"),
            ("[" * 1_000 + "]" * 1_000, "params"),
            ('{"a":' * 1_000 + "1" + "}" * 1_000, "params"),
            ('{"buy_threshold": ' + "1" * 100_000 + "}", "params"),
        ],
        ids=lambda text: ascii(text)[:28],
    )
    def test_params_that_are_none(self, ats, command, params, named):
        """J1, J7."""
        assert named in ats(*options(command, params=params))

    @pytest.mark.parametrize("missing", ["--strategy", "--instrument", "--bar-spec"])
    def test_a_sleeve_that_is_not_whole(self, ats, command, missing):
        given = [part for name, value in SLEEVE.items() if name != missing for part in (name, value)]
        more = ("--note", "drill") if command == "approve-live" else ()
        assert missing.lstrip("-") in ats(command, *given, *more)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            *(
                ("ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER", value)
                for value in ("5,000", "5000 USD", "", " 5000", "-1", "0", "inf", "NaN", "５０００", "0x10", "1_000", "1e3 ")
            ),
            *(
                ("ATS_PAPER_RISK_MAX_ORDER_SUBMIT_RATE", value)
                for value in ("2/00:00:00", "0/00:00:01", "2/1s", "2/-00:00:01", "2", "", "2/00:60:00")
            ),
            *(("ATS_IB_LIVE_PORT", value) for value in ("0", "65536", "4001 ", "4002", "7497", "", "-1", "4e3", "４００１")),
            *(("ATS_IB_PAPER_PORT", value) for value in ("0", "65536", "4001", "7496", "")),
            *(
                ("ATS_IB_LIVE_ACCOUNT_ID", value)
                for value in ("", "U", "DU1234567", "u1234567", " U1234567", "U123;DU1", "F1234567", "I1234567", "Ս1234567", "U" * 10_000)
            ),
            *(("ATS_IB_PAPER_ACCOUNT_ID", value) for value in ("", "DU", "U1234567", "du1234567", "DUX")),
            ("ATS_ENABLE_LIVE_TRADING", "yes"),
            ("ATS_ENABLE_LIVE_TRADING", ""),
            ("ATS_APPROVAL_DAYS", "0"),
            ("ATS_LIVE_RISK_MAX_NOTIONAL", "5000"),
            ("ats_live_risk_max_notional_per_order", "5000"),
            ("ATS_LIVE_RISK_RESTRICTED_INSTRUMENTS", "QQQ;SPY"),
        ],
        ids=lambda text: ascii(text)[:24],
    )
    def test_a_setting_that_is_wrong_or_unknown(self, ats, command, name, value):
        """J3, J10, J11: never a silent default, whichever command reads it."""
        assert name in ats(*options(command), **{name: value})

    def test_a_port_that_serves_both_modes(self, ats, command):
        """J11."""
        said = ats(*options(command), ATS_IB_LIVE_PORT="5000", ATS_IB_PAPER_PORT="5000")
        assert "ATS_IB_PAPER_PORT" in said
        assert "ATS_IB_LIVE_PORT" in said

    @pytest.mark.parametrize(
        "content", [b"", b"ATS_IB_LIVE_PORT\n", b"ATS_APPROVAL_DAYS=1\nATS_APPROVAL_DAYS=2\n", b"ATS_IB_HOST=\xe9\n"], ids=ascii
    )
    def test_an_env_file_that_cannot_be_understood(self, ats, command, content):
        """J23."""
        ats.env_file.write_bytes(content)
        assert str(ats.env_file) in ats(*options(command))


@pytest.mark.parametrize("command", ["paper", "live", "approve-live"])
@pytest.mark.parametrize(
    ("book", "named"),
    [
        ("[]", "sleeves-json"),
        ("{}", "sleeves-json"),
        ("not json", "sleeves-json"),
        (json.dumps([BOOK, BOOK]), "ibs_reversion on QQQ.NASDAQ"),
        (json.dumps([BOOK, BOOK | {"strategy": "sma_cross"}]), "QQQ.NASDAQ"),
        (json.dumps([BOOK | {"weight": 0.51}, BOOK | {"instrument": "SPY.ARCA", "weight": 0.5}]), "weight"),
        (json.dumps([BOOK | {"weight": 1.1}, BOOK | {"instrument": "SPY.ARCA", "weight": -0.1}]), "weight"),
        (json.dumps([BOOK | {"weight": 1}, BOOK | {"instrument": "SPY.ARCA", "weight": 0}]), "weight"),
        (json.dumps([BOOK | {"weight": "1"}]), "weight"),
        (json.dumps([BOOK | {"colour": "red"}]), "colour"),
        (json.dumps([BOOK | {"instrument": "QQQ"}]), "instrument"),
        (json.dumps([BOOK | {"params": {"by_threshold": 1}}]), "by_threshold"),
        (json.dumps([BOOK | {"instrument": f"A{number}.NASDAQ"} for number in range(51)]), "sleeves-json"),
    ],
    ids=lambda text: ascii(text)[:32],
)
def test_a_book_that_is_none(ats, command, book, named):
    """J8: names the sleeve."""
    more = ("--note", "drill") if command == "approve-live" else ()
    assert named in ats(command, "--sleeves-json", book, *more)


def test_a_book_beside_a_single_sleeve(ats):
    assert "sleeves-json" in ats("paper", "--sleeves-json", json.dumps([BOOK]), "--strategy", "sma_cross")


def test_an_error_is_one_json_document_for_a_program(ats, capfd):
    """J5: the same words and code, as data."""
    assert run([*options("backtest", instrument="QQQ"), "--json"]) == 2
    error = json.loads(capfd.readouterr().out)["error"]
    assert error["exit_code"] == 2
    assert "QQQ" in error["message"]
    assert error["remedy"]
