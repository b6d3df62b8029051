"""The anchor file of the audit log."""

import pytest

from ats.core.errors import DependencyError
from ats.store.anchor import AnchorFile, AnchorLine

ONE, TWO = AnchorLine("chain", 1, "a" * 64), AnchorLine("chain", 2, "b" * 64)


def test_lines_are_read_back_in_order(tmp_path):
    """F3."""
    anchor = AnchorFile(tmp_path / "audit" / "anchor.jsonl")
    assert anchor.read().lines == ()
    anchor.append(ONE)
    anchor.append(TWO)
    assert (AnchorFile(anchor.path).read().lines, anchor.read().damage) == ((ONE, TWO), "")


@pytest.mark.parametrize("torn", [b"{", b'{"chain": "chain", "seq', b"\x00" * 50, b'{"chain": "chain", "sequence": 2, "hash": "b"}'])
def test_a_line_torn_by_a_crash_is_no_anchor_and_the_next_append_drops_it(tmp_path, torn):
    """F3: a crash in the middle of an append leaves a file that still serves."""
    anchor = AnchorFile(tmp_path / "anchor.jsonl")
    anchor.append(ONE)
    with anchor.path.open("ab") as file:
        file.write(torn)
    assert (anchor.read().lines, anchor.read().damage) == ((ONE,), "")
    anchor.append(TWO)
    assert (anchor.read().lines, anchor.read().damage) == ((ONE, TWO), "")


def test_a_torn_first_line_is_dropped(tmp_path):
    anchor = AnchorFile(tmp_path / "anchor.jsonl")
    anchor.path.write_bytes(b'{"cha')
    anchor.append(ONE)
    assert anchor.read().lines == (ONE,)


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b"{}\n", b"\xff\n", b"\n"])
def test_a_complete_line_that_is_no_anchor_is_damage_named_by_its_number(tmp_path, line):
    """F3: a line made unreadable is not passed over."""
    anchor = AnchorFile(tmp_path / "anchor.jsonl")
    anchor.append(ONE)
    with anchor.path.open("ab") as file:
        file.write(line)
    anchor.append(TWO)
    assert "line 2" in anchor.read().damage


def test_an_anchor_that_cannot_be_written_or_read_says_so(tmp_path):
    """F4: an append that is not anchored is a failed append."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DependencyError, match="cannot be written"):
        AnchorFile(tmp_path / "file" / "anchor.jsonl").append(ONE)
    with pytest.raises(DependencyError, match="cannot be read"):
        AnchorFile(tmp_path).read()
