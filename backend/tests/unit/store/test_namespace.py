"""Redis keys stay in the namespace of their mode."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import InputError
from ats.session.records import Mode
from ats.store.redis.namespace import Namespace


def test_every_key_starts_with_its_mode():
    """C16."""
    assert Namespace(Mode.PAPER).key("telemetry", "s-1") == "ats:paper:telemetry:s-1"
    assert Namespace(Mode.LIVE).key("telemetry", "s-1") == "ats:live:telemetry:s-1"


@pytest.mark.parametrize("part", ["", "live:x", ":"])
def test_a_part_that_could_leave_the_namespace_is_refused(part):
    """C16."""
    with pytest.raises(InputError):
        Namespace(Mode.PAPER).key("telemetry", part)


NAMES = st.text(st.characters(exclude_characters=":"), min_size=1)


@given(st.lists(NAMES), st.lists(NAMES))
def test_no_paper_key_is_ever_a_live_key(paper, live):
    """C16."""
    assert Namespace(Mode.PAPER).key(*paper) != Namespace(Mode.LIVE).key(*live)
