"""The generated references show the defaults that apply, and nothing where there is none."""

from decimal import Decimal

from ats.core.config import GROUPS, IbSettings, LiveRiskSettings, StorageSettings, default_of, load_settings, shown


def test_a_default_is_the_value_that_applies_when_nothing_is_set(tmp_path):
    """S5-04: every group, every field."""
    values = {name: value for name, value, _ in load_settings({}, tmp_path / "none").rows()}
    assert {name: shown(default_of(group, field)) for group in GROUPS for name, field in group.names().items()} == values
    assert default_of(LiveRiskSettings, "max_notional_per_order") == Decimal(5_000)
    assert default_of(IbSettings, "paper_port") == 4002


def test_an_unset_setting_has_no_default():
    assert default_of(StorageSettings, "database_url") is None
    assert default_of(IbSettings, "live_account_id") is None
