"""The kill switch finds its sentinel and its gateways although a setting is wrong (B6)."""

from __future__ import annotations

import pytest

from ats.core.emergency import load_for_kill


@pytest.fixture
def good(tmp_path):
    (tmp_path / ".env").write_text("ATS_IB_LIVE_PORT=4010\n")
    return {"ATS_ENV_FILE": str(tmp_path / ".env"), "ATS_DATA_DIR": str(tmp_path / "data"), "ATS_IB_PAPER_PORT": "4020"}


def test_good_settings_are_taken_as_they_are(good, tmp_path):
    settings, problems = load_for_kill(good)
    assert problems == ()
    assert (settings.storage.data_dir, settings.ib.paper_port, settings.ib.live_port) == (tmp_path / "data", 4020, 4010)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER": "5,000"},
        {"ATS_LIVE_RISK_MAX_NOTIONAL": "1"},
        {"ATS_APPROVAL_DAYS": "none"},
        {"ATS_DATABASE_URL": ""},
        {"ATS_PAPER_RISK_MAX_ORDER_SUBMIT_RATE": "2/1s"},
    ],
)
def test_a_wrong_setting_is_told_and_left_out(good, tmp_path, wrong):
    """B6, J10: everything else still counts, above all where the sentinel and the gateways are."""
    settings, problems = load_for_kill(good | wrong)
    assert next(iter(wrong)) in problems[0]
    assert (settings.storage.data_dir, settings.ib.paper_port, settings.ib.live_port) == (tmp_path / "data", 4020, 4010)


def test_an_env_file_that_cannot_be_read_leaves_the_environment(good, tmp_path):
    """B6, J23."""
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    settings, problems = load_for_kill(good)
    assert problems
    assert (settings.storage.data_dir, settings.ib.paper_port, settings.ib.live_port) == (tmp_path / "data", 4020, 4001)


def test_settings_that_contradict_each_other_leave_the_folder(good, tmp_path):
    """B6, J11: both ports the same."""
    settings, problems = load_for_kill(good | {"ATS_IB_PAPER_PORT": "4010"})
    assert "same port" in problems[0]
    assert settings.storage.data_dir == tmp_path / "data"
