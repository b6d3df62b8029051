"""Every refusal is explained, with a remedy that names only things that exist."""

import re

import pytest

from ats.core.config import GROUPS
from ats.risk.limits import Rule
from ats.risk.rule_help import RULE_HELP, help_for

NAMES = {name for group in GROUPS for name in group.names()}


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_says_what_it_means_and_what_to_do(rule):
    words = help_for(rule)
    assert len(words.meaning) > 40
    assert len(words.remedy) > 40
    assert words.meaning.endswith(".")
    assert words.remedy.endswith(".")


def test_no_words_without_a_rule():
    assert set(RULE_HELP) == set(Rule)


def test_the_settings_a_remedy_names_exist():
    for words in RULE_HELP.values():
        for name in re.findall(r"ATS_[A-Z_]+", words.remedy):
            assert name in NAMES
        for suffix in re.findall(r"\.\.\.(_[A-Z_]+)", words.remedy):
            assert any(name.endswith(suffix) for name in NAMES), suffix
