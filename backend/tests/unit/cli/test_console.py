"""What commands write: exact numbers, aligned tables, no colour and no markup where nobody looks."""

import dataclasses
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ats.cli import console


@dataclasses.dataclass(frozen=True)
class Row:
    price: Decimal
    at: datetime


def test_json_keeps_every_digit_of_money_and_writes_time_as_iso(capsys):
    row = Row(Decimal("100.10"), datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    console.result_json({"rows": [row], "on": date(2026, 1, 2), "folder": Path("/x"), "names": {"B", "A"}})
    assert json.loads(capsys.readouterr().out) == {
        "rows": [{"price": "100.10", "at": "2026-01-02T03:04:00+00:00"}],
        "on": "2026-01-02",
        "folder": "/x",
        "names": ["A", "B"],
    }


def test_json_refuses_a_number_that_json_does_not_have():
    with pytest.raises(ValueError, match="Out of range"):
        console.result_json(float("nan"))


def test_json_refuses_a_type_nobody_decided_about():
    with pytest.raises(TypeError, match="object has no form in JSON"):
        console.result_json(object())


def test_a_table_is_aligned_and_never_cut(capsys):
    console.result_table(("name", "value"), [("A", "x" * 300), ("LONGER", 1)])
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.index("VALUE") == first.index("x") == second.index("1")
    assert first.endswith("x" * 300)


def test_words_for_people_go_to_stderr_with_brackets_and_without_colour(capsys):
    console.say("cap [bold]5000[/bold]", style="bold red")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "cap [bold]5000[/bold]\n"


def test_progress_in_a_log_is_two_lines(capsys):
    with console.progress("Loading bars", total=3) as advance:
        advance()
        advance(2)
    assert capsys.readouterr().err == "Loading bars ...\nLoading bars: done\n"


def test_progress_does_not_claim_success_when_the_work_fails(capsys):
    with pytest.raises(RuntimeError), console.progress("Loading bars"):
        raise RuntimeError
    assert "done" not in capsys.readouterr().err
