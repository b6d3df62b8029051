"""`ats config show` (S5-03, S0-01): every effective value with its origin, secrets as stars."""

import json
import os

import pytest

from ats.cli.main import run


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("ATS_")]:
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text("# nothing\n")
    monkeypatch.setenv("ATS_ENV_FILE", str(tmp_path / ".env"))
    monkeypatch.setenv("ATS_DATA_DIR", str(tmp_path / "data"))


def shown(capsys):
    assert run(["config", "show", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_each_value_names_its_origin(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER", "1234.50")
    settings = shown(capsys)["settings"]
    assert settings["ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER"] == {"value": "1234.50", "origin": "environment"}
    assert settings["ATS_PAPER_RISK_MAX_NOTIONAL_PER_ORDER"] == {"value": "25000", "origin": "default"}


def test_secrets_are_stars_everywhere(capsys, monkeypatch):
    monkeypatch.setenv("ATS_DATABASE_URL", "postgresql://me:hunter2@db/ats")
    assert run(["config", "show"]) == 0
    captured = capsys.readouterr()
    assert "hunter2" not in captured.out + captured.err
    assert "********" in captured.out
    assert shown(capsys)["derived"]["database"] == "external"


def test_derived_folders_follow_the_data_folder(capsys, tmp_path):
    derived = shown(capsys)["derived"]
    assert derived["catalog"] == str(tmp_path / "data" / "catalog")
    assert derived["kill switch sentinel"] == str(tmp_path / "data" / "KILL_SWITCH_ACTIVE")


def test_an_unknown_name_is_refused_by_name(capsys, monkeypatch):
    monkeypatch.setenv("ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDR", "1")
    assert run(["config", "show", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDR" in error["message"]
    assert "ATS_LIVE_RISK_MAX_NOTIONAL_PER_ORDER" in error["remedy"]


def test_a_value_of_the_env_file_names_the_file(capsys, tmp_path):
    (tmp_path / ".env").write_text("ATS_IB_PAPER_PORT=7497\n")
    assert shown(capsys)["settings"]["ATS_IB_PAPER_PORT"] == {"value": "7497", "origin": str(tmp_path / ".env")}
