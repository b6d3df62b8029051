"""Settings: every wrong one is refused by name, none falls back to a default in silence, secrets never show.

Rows J10, J11, J3 and J23 of the controls, S5-03, S5-04.
"""

# ruff: noqa: RUF001 -- look-alike characters are the bad input

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from ats.core.config import GROUPS, LiveRiskSettings, Rate, default_of, load_settings, shown
from ats.core.errors import ConfigError

NO_FILE = Path("/nonexistent/ats/.env")


def load(**environ):
    return load_settings(environ, NO_FILE)


def refusal(**environ):
    with pytest.raises(ConfigError) as caught:
        load(**environ)
    assert caught.value.exit_code == 2
    return str(caught.value)


class TestDefaults:
    def test_nothing_set_means_paper_and_embedded_services(self):
        """S0-01, S5-04: paper by default, live trading off."""
        settings = load()
        assert settings.trading.enable_live_trading is False
        assert settings.storage.is_embedded
        assert settings.live_risk.max_notional_per_order == 5_000
        assert settings.paper_risk.max_notional_per_order == 25_000
        assert (settings.ib.paper_port, settings.ib.live_port) == (4002, 4001)
        assert str(settings.live_risk.max_order_submit_rate) == "2/00:00:01"

    def test_folders_default_into_the_data_folder_and_can_be_moved_alone(self, tmp_path):
        settings = load(ATS_DATA_DIR=str(tmp_path))
        assert settings.storage.catalog == tmp_path / "catalog"
        assert settings.storage.artifacts == tmp_path / "artifacts"
        assert settings.storage.sentinel == tmp_path / "KILL_SWITCH_ACTIVE"
        moved = load(ATS_DATA_DIR=str(tmp_path), ATS_CATALOG_DIR="/c", ATS_ARTIFACTS_DIR="/a", ATS_KILL_SWITCH_SENTINEL="/k").storage
        assert (moved.catalog, moved.artifacts, moved.sentinel) == (Path("/c"), Path("/a"), Path("/k"))

    def test_services_are_embedded_unless_both_urls_are_set(self):
        database, redis = {"ATS_DATABASE_URL": "postgresql://h/d"}, {"ATS_REDIS_URL": "redis://h/0"}
        assert load(**database).storage.is_embedded
        assert load(**redis).storage.is_embedded
        assert not load(**database, **redis).storage.is_embedded

    def test_the_default_environment_is_the_process_own(self, monkeypatch):
        monkeypatch.setenv("ATS_APPROVAL_DAYS", "7")
        assert load_settings(env_file=NO_FILE).trading.approval_days == 7

    def test_settings_are_frozen(self):
        with pytest.raises(ValidationError, match="frozen"):
            load().live_risk.max_notional_per_order = Decimal(1)


class TestOrigins:
    def test_the_environment_beats_the_file_and_every_value_names_its_origin(self, tmp_path):
        file = tmp_path / ".env"
        file.write_text("ATS_APPROVAL_DAYS=30\nATS_IB_CLIENT_ID=40\nTWS_USERID=somebody\n")
        settings = load_settings({"ATS_APPROVAL_DAYS": "10", "HOME": "/root"}, file)
        rows = {name: (value, origin) for name, value, origin in settings.rows()}
        assert rows["ATS_APPROVAL_DAYS"] == ("10", "environment")
        assert rows["ATS_IB_CLIENT_ID"] == ("40", str(file))
        assert rows["ATS_IB_LIVE_PORT"] == ("4001", "default")
        assert set(rows) == {name for group in GROUPS for name in group.names()}

    def test_a_group_reads_neither_environment_nor_file_by_itself(self, monkeypatch):
        """One reader of the environment: building a group elsewhere cannot pick up a stray variable."""
        monkeypatch.setenv("ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER", "999999")
        assert LiveRiskSettings().max_notional_per_order == 5_000

    @pytest.mark.parametrize("group", GROUPS)
    def test_every_default_can_be_written_down_and_read_back(self, group):
        for name, field in group.names().items():
            text = shown(default_of(group, field))
            if text:
                assert load(**{name: text})


WRONG_MONEY = [
    "",
    " ",
    "0",
    "-0",
    "0.0",
    "-1",
    "-0.01",
    "+5000",
    "5,000",
    "5.000,00",
    "5_000",
    "5 000",
    "5000 USD",
    "$5000",
    "5000$",
    "5k",
    "1e3",
    "1E3",
    "5e-1",
    "inf",
    "-inf",
    "Infinity",
    "nan",
    "NaN",
    "sNaN",
    "0x1388",
    "0b1",
    "５０００",
    "٥٠٠٠",
    "05000",
    "5000.",
    ".5",
    "5..0",
    "5000\n",
    "5000\x00",
    "\t5000",
    "5000 ",
    " 5000",
    "'5000'",
    '"5000"',
    "true",
    "null",
    "none",
    "unlimited",
    "[]",
    "{}",
    "5000;",
    "5000#",
    "½",
    "9" * 29,
    "1" * 10_000,
]
MONEY_NAMES = ["ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER", "ATS_PAPER_RISK_MAX_POSITION_NOTIONAL", "ATS_BACKTEST_RISK_MAX_GROSS_NOTIONAL"]


@pytest.mark.parametrize("name", MONEY_NAMES)
@pytest.mark.parametrize("value", WRONG_MONEY, ids=lambda value: ascii(value)[:20])
def test_a_limit_that_is_no_plain_amount_is_refused_by_name(name, value):
    """J10: never a silent default."""
    message = refusal(**{name: value})
    assert name in message
    assert len(message) < 400


@pytest.mark.parametrize(("value", "expected"), [("5000", "5000"), ("0.01", "0.01"), ("4999.99", "4999.99"), ("9" * 28, "9" * 28)])
def test_a_plain_amount_is_taken_exactly(value, expected):
    assert load(ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER=value).live_risk.max_notional_per_order == Decimal(expected)


WRONG_RATES = [
    "",
    "2",
    "2/",
    "/00:00:01",
    "0/00:00:01",
    "-2/00:00:01",
    "02/00:00:01",
    "2/00:00:00",
    "2/0:0:1",
    "2/1s",
    "2/1",
    "2 / 00:00:01",
    "2/-00:00:01",
    "2/00:00:61",
    "2/00:60:00",
    "2/00:00:01.5",
    "2.5/00:00:01",
    "99999/00:00:01",
    "2/00:00:01 ",
    " 2/00:00:01",
    "2/00:00:01/1",
    "2/100:00:00",
    "２/00:00:01",
    "inf/00:00:01",
    "2 per second",
]


@pytest.mark.parametrize("value", WRONG_RATES)
def test_a_rate_that_is_not_count_per_interval_is_refused_by_name(value):
    """J10: 0 orders, 0 seconds, negative intervals, units."""
    assert "ATS_LIVE_RISK_MAX_ORDER_SUBMIT_RATE" in refusal(ATS_LIVE_RISK_MAX_ORDER_SUBMIT_RATE=value)


@given(count=st.integers(1, 9_999), seconds=st.integers(1, 99 * 3_600 + 59 * 60 + 59))
def test_a_rate_reads_back_what_it_writes(count, seconds):
    rate = Rate(count, timedelta(seconds=seconds))
    assert Rate.parse(str(rate)) == rate


WRONG_PORTS = [
    *(
        "0",
        "-1",
        "65536",
        "99999",
        "100000",
        "4001 ",
        " 4001",
        "4001\n",
        "04001",
        "+4001",
        "4001.0",
        "4e3",
        "4_001",
        "４００１",
        "",
        "any",
        "0x1389",
    ),
]


@pytest.mark.parametrize("name", ["ATS_IB_PAPER_PORT", "ATS_IB_LIVE_PORT"])
@pytest.mark.parametrize("value", WRONG_PORTS, ids=ascii)
def test_a_port_outside_its_range_or_with_more_than_digits_is_refused_by_name(name, value):
    """J11."""
    assert name in refusal(**{name: value})


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"ATS_IB_LIVE_PORT": "4002"}, "ATS_IB_LIVE_PORT: 4002 is a paper port"),
        ({"ATS_IB_LIVE_PORT": "7497"}, "ATS_IB_LIVE_PORT: 7497 is a paper port"),
        ({"ATS_IB_PAPER_PORT": "4001"}, "ATS_IB_PAPER_PORT: 4001 is a live port"),
        ({"ATS_IB_PAPER_PORT": "7496"}, "ATS_IB_PAPER_PORT: 7496 is a live port"),
        ({"ATS_IB_PAPER_PORT": "5555", "ATS_IB_LIVE_PORT": "5555"}, "ATS_IB_PAPER_PORT and ATS_IB_LIVE_PORT are the same port"),
    ],
)
def test_a_port_of_the_other_mode_or_the_same_for_both_is_refused(environ, named):
    """J11, C17: paper never talks to a live port, nor live to a paper one."""
    assert named in refusal(**environ)


@pytest.mark.parametrize("port", ["1", "65535", "4003"])
def test_any_other_port_is_taken(port):
    assert load(ATS_IB_LIVE_PORT=port).ib.live_port == int(port)


LIVE, PAPER = "ATS_IB_LIVE_ACCOUNT_ID", "ATS_IB_PAPER_ACCOUNT_ID"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (LIVE, value)
            for value in ("", "U", "U1", "DU1234567", "u1234567", " U1234567", "U1234567 ", "F1234567", "I1234567", "U" + "1" * 10)
        ),
        *((PAPER, value) for value in ("", "DU", "DU1", "U1234567", "du1234567", "DU1234567\t", "DUX", "DF1234567", "DU1234567;U1234567")),
    ],
)
def test_an_account_of_the_other_mode_or_no_account_is_refused_by_name(name, value):
    """J3, C2."""
    assert name in refusal(**{name: value})


@pytest.mark.parametrize(
    "name", ["ATS_APPROVAL_DAYS", "ATS_IB_CLIENT_ID", "ATS_IB_REQUEST_TIMEOUT_SECONDS", "ATS_LIVE_RISK_MAX_PRICE_AGE_SECONDS"]
)
@pytest.mark.parametrize(
    "value",
    ["", "0", "-1", "+9", "09", "9.0", "9.5", "1_0", " 9", "9 ", "9\n", "1e1", "９", "true", "none", "0x9", "99999", "9" * 5_000],
    ids=lambda v: ascii(v)[:9],
)
def test_a_count_that_is_not_whole_or_out_of_range_is_refused_by_name(name, value):
    """J10."""
    assert name in refusal(**{name: value})


@pytest.mark.parametrize("value", ["", "yes", "no", "on", "off", "True", "TRUE", "t", "y", "2", "-1", " true", "true ", "enabled", "１"])
def test_the_edition_flag_is_true_or_false_and_nothing_else(value):
    """J10: a live flag is never guessed."""
    assert "ATS_ENABLE_LIVE_TRADING" in refusal(ATS_ENABLE_LIVE_TRADING=value)


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_the_edition_flag_reads_its_four_spellings(value, expected):
    assert load(ATS_ENABLE_LIVE_TRADING=value).trading.enable_live_trading is expected


@pytest.mark.parametrize("value", ["0", "-5", "100.1", "5%", "", "five"])
def test_the_drawdown_alert_is_a_percentage(value):
    assert "ATS_ALERT_DRAWDOWN_PCT" in refusal(ATS_ALERT_DRAWDOWN_PCT=value)


RESTRICTED = "ATS_LIVE_RISK_RESTRICTED_INSTRUMENTS"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("GME,AMC", {"GME", "AMC"}),
        (" gme , amc.nyse ,", {"GME", "AMC.NYSE"}),
        ("BRK B", {"BRK B"}),
        ("", set()),
        (",,", set()),
    ],
)
def test_the_restricted_list_is_read_whatever_its_case_and_spaces(value, expected):
    """S0-18, A13."""
    assert load(**{RESTRICTED: value}).live_risk.restricted_instruments == expected


@pytest.mark.parametrize(
    "value", ["GME;AMC", "GME AMC/NYSE", "GME|AMC", "GME.", ".NYSE", "GME.NYSE.X", "*", "GM%", "GМE", "[GME]", '"GME"', "GME.nyse!"]
)
def test_a_restricted_list_that_would_restrict_nothing_is_refused(value):
    """J5, J10: a wrong separator must not open what it was meant to close."""
    assert RESTRICTED in refusal(**{RESTRICTED: value})


@pytest.mark.parametrize("value", ["", " ", "\t", "~nobody-of-this-name/x"])
def test_a_folder_that_is_no_path_is_refused_by_name(value):
    assert "ATS_DATA_DIR" in refusal(ATS_DATA_DIR=value)


@pytest.mark.parametrize("value", ["", " ", "local host", "a\nb"])
def test_a_host_that_is_no_host_is_refused_by_name(value):
    assert "ATS_IB_HOST" in refusal(ATS_IB_HOST=value)


class TestUnknownNames:
    """B19, S5-03: a typo in a limit is a missing limit."""

    @pytest.mark.parametrize(
        ("name", "suggested"),
        [
            ("ATS_LIVE_RISK_MAX_NOTIONAL_PER_ODER", "ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER"),
            ("ATS_PAPER_RISK_MAX_GROSS", "ATS_PAPER_RISK_MAX_GROSS_NOTIONAL"),
            ("ats_live_risk_max_notional_per_order", "ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER"),
            ("Ats_Enable_Live_Trading", "ATS_ENABLE_LIVE_TRADING"),
            ("ATS_DATABASEURL", "ATS_DATABASE_URL"),
        ],
    )
    def test_it_is_refused_by_name_with_the_nearest_one(self, name, suggested):
        message = refusal(**{name: "1"})
        assert name in message
        assert f"Did you mean {suggested}?" in message

    @pytest.mark.parametrize("name", ["ATS_", "ATS_X", "ATS_QWERTYUIOP", "ATS__DATA_DIR__"])
    def test_without_a_near_one_the_reference_is_named(self, name):
        message = refusal(**{name: "1"})
        assert name in message
        assert "settings.md" in message or "Did you mean" in message

    def test_a_hostile_name_is_escaped(self):
        assert "\x1b" not in refusal(**{"ATS_\x1b[2J": "1"})

    def test_names_of_others_are_left_alone(self):
        assert load(ATSX="1", TWS_PASSWORD="secret", PATH="/bin")  # noqa: S106 -- not a password

    def test_it_is_refused_in_the_file_too(self, tmp_path):
        file = tmp_path / ".env"
        file.write_text("ATS_LIVE_RISK_MAX_NOTIONAL=1\n")
        with pytest.raises(ConfigError, match=r"ATS_LIVE_RISK_MAX_NOTIONAL .*not a setting") as caught:
            load_settings({}, file)
        assert str(file) in str(caught.value)


class TestSecrets:
    """S5-03: secrets are never shown, on no path."""

    SECRET = "postgresql://ats:hunter2@db:5432/ats"  # noqa: S105 -- the point of the test
    ENVIRON = {"ATS_DATABASE_URL": SECRET, "ATS_REDIS_URL": "redis://:hunter2@cache:6379/0"}  # noqa: RUF012 -- read only

    def test_they_show_as_stars_in_rows_and_representations(self):
        settings = load(**self.ENVIRON)
        assert dict((name, value) for name, value, _ in settings.rows())["ATS_DATABASE_URL"] == "********"  # noqa: C402 -- reads better
        for text in (repr(settings), str(settings), repr(settings.storage), str(settings.storage), shown(SecretStr("hunter2"))):
            assert "hunter2" not in text
        assert settings.storage.database_url.get_secret_value() == self.SECRET

    @pytest.mark.parametrize(
        "value", ["hunter2", "//ats:hunter2@db/ats", "postgresql:/ats:hunter2@db", "post gres://hunter2", "postgresql://hunter2 @db", ""]
    )
    def test_a_malformed_url_is_refused_without_showing_it(self, value):
        message = refusal(ATS_DATABASE_URL=value)
        assert "ATS_DATABASE_URL=********" in message
        assert "hunter2" not in message

    def test_a_control_character_in_a_secret_is_refused_without_showing_it(self):
        message = refusal(ATS_DATABASE_URL="postgresql://ats:hunter2@db\n/ats")
        assert "ATS_DATABASE_URL" in message
        assert "hunter2" not in message

    def test_an_error_in_another_setting_does_not_show_them(self):
        with pytest.raises(ConfigError) as caught:
            load(**self.ENVIRON, ATS_DATA_DIR="")
        shown_error = str(caught.value) + repr(caught.value) + repr(caught.value.facts) + repr(caught.value.__cause__)
        assert "hunter2" not in shown_error


@given(
    values=st.dictionaries(st.sampled_from(sorted({name for group in GROUPS for name in group.names()})), st.text(max_size=30), max_size=4)
)
def test_any_values_load_or_are_a_config_error(values):
    """J10 fuzzed: nothing else ever escapes."""
    try:
        settings = load(**values)
    except ConfigError:
        return
    assert settings.live_risk.max_notional_per_order > 0
    assert settings.ib.paper_port != settings.ib.live_port


def test_another_env_file_can_be_named_in_the_environment_only(tmp_path):
    """S5-03: a second installation beside the first reads its own file."""
    other = tmp_path / "other.env"
    other.write_text("ATS_APPROVAL_DAYS=30\n")
    assert load_settings({"ATS_ENV_FILE": str(other)}).trading.approval_days == 30
    other.write_text(f"ATS_ENV_FILE={other}\n")
    with pytest.raises(ConfigError, match="there is no such file"):
        load_settings({"ATS_ENV_FILE": str(tmp_path / "typo.env")})
    with pytest.raises(ConfigError, match="ATS_ENV_FILE stands in"):
        load_settings({"ATS_ENV_FILE": str(other)})
