"""The strategies by key: one contract for all six (S5-12, S5-13)."""

from __future__ import annotations

import ast
from importlib.resources import files

import pytest

from ats.core.errors import InputError
from ats.signals.library import RULES
from ats.strategies import registry
from ats.strategies.base import RuleStrategy

SIX = ("ibs_reversion", "sma_cross", "rsi_pullback", "donchian_breakout", "tsmom", "turn_of_month")


def test_the_six_are_there():
    assert tuple(RULES) == SIX


@pytest.mark.parametrize("key", SIX)
def test_every_key_has_a_class_over_its_rule_and_nothing_else(key):
    """S5-13: the class names its rule; entering, leaving and sizing are not its business."""
    found = registry.strategy_class(key)
    assert issubclass(found, RuleStrategy)
    assert found.rule is registry.rule_of(key)
    assert {name for name in vars(found) if not name.startswith("__")} == {"rule"}


@pytest.mark.parametrize("key", SIX)
def test_every_card_says_what_a_person_and_a_search_need(key):
    """S5-13: key, name, description, source, and a search space of valid values."""
    rule = registry.rule_of(key)
    card, fields = rule.card, rule.params_model.model_fields
    assert card.key == key
    assert all((card.title, card.description, card.source))
    assert card.search_space
    assert set(card.search_space) <= set(fields)
    for name, values in card.search_space.items():
        for value in values:
            try:
                rule.params_model.model_validate({name: value})
            except ValueError as error:  # a value may contradict another parameter's default, never its own bounds
                assert "must" in str(error), (name, value)  # noqa: PT017 -- the message is the fact


@pytest.mark.parametrize("key", SIX)
def test_parameters_are_frozen(key):
    """S5-13."""
    params = registry.rule_of(key).params_model()
    with pytest.raises(ValueError, match="frozen"):
        params.order_notional = 1


@pytest.mark.parametrize("key", SIX)
def test_no_strategy_reads_the_wall_clock_or_chance(key):
    """S5-13, D19: neither module imports a clock, randomness or the environment."""
    banned = {"time", "random", "secrets", "os", "uuid", "numpy"}
    for module in (f"strategies/{key}.py", f"signals/{key}.py", "strategies/base.py", "signals/rule.py", "signals/history.py"):
        tree = ast.parse(files("ats").joinpath(module).read_text(encoding="utf-8"))
        names = {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        assert not names & banned, module
        calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not calls & {"now", "today", "utcnow", "random"}, module


@pytest.mark.parametrize("key", ["", "IBS_REVERSION", "ibs reversion", "../base", "base", "os.path", "ibs_reversion\n"])
def test_an_unknown_key_is_refused_naming_the_known_ones_and_imports_nothing(key):
    for ask in (registry.rule_of, registry.strategy_class, registry.source_digest):
        with pytest.raises(InputError) as refused:
            ask(key)
        assert all(known in refused.value.remedy for known in SIX)


def test_every_strategy_has_its_own_digest_and_keeps_it():
    """C6: what an approval is bound to."""
    digests = {key: registry.source_digest(key) for key in SIX}
    assert len(set(digests.values())) == len(SIX)
    assert digests == {key: registry.source_digest(key) for key in SIX}


def test_one_changed_line_anywhere_it_depends_on_is_drift(tmp_path, monkeypatch):
    """C6: the strategy, its rule, and every shared source; a line in another strategy is none."""
    root = tmp_path / "ats"
    for name in ("strategies", "signals", "portfolio"):
        (root / name).mkdir(parents=True)
        for source in files("ats").joinpath(name).iterdir():
            if source.name.endswith(".py"):
                (root / name / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(registry, "files", lambda _package: root)
    before = registry.source_digest("ibs_reversion")
    for name in ("strategies/ibs_reversion.py", "signals/ibs_reversion.py", *registry._SHARED_SOURCES):
        text = (root / name).read_text(encoding="utf-8")
        (root / name).write_text(text + "\n", encoding="utf-8")
        assert registry.source_digest("ibs_reversion") != before, name
        (root / name).write_text(text, encoding="utf-8")
    (root / "strategies/tsmom.py").write_text("", encoding="utf-8")
    assert registry.source_digest("ibs_reversion") == before


def test_every_source_a_decision_runs_through_is_in_the_digest():
    """C6: whatever the rules and the strategy import of ours is a shared source, or a contract that decides nothing."""
    contracts = {"core/clock.py", "core/errors.py", "core/market.py", "core/invariant.py", "signals/__init__.py", "signals/library.py"}
    seen, waiting = set(), {f"signals/{key}.py" for key in SIX} | {f"strategies/{key}.py" for key in SIX}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        tree = ast.parse(files("ats").joinpath(name).read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ats.")}
        imported = {f"{module.removeprefix('ats.').replace('.', '/')}.py" for module in modules}
        waiting |= {found for found in imported if found not in seen and not found.startswith("core/")}
    own = {f"{folder}/{key}.py" for folder in ("signals", "strategies") for key in SIX}
    assert seen - own - contracts <= set(registry._SHARED_SOURCES)
