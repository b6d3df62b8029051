"""Frozen results: compared, or, when a reason is given, written anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


class Golden:
    """Compares values with frozen files. An update needs a reason, and never passes."""

    def __init__(self, folder: Path, update_because: str | None) -> None:
        self.folder, self.update_because = folder, update_because

    def check(self, name: str, value: Any) -> None:
        path, told = self.folder / name, json.loads(json.dumps(value), parse_float=_twelve_digits)
        if self.update_because is not None:
            self._write(path, told, self.update_because)
        assert path.is_file(), f"{name} does not exist; tests/golden/README.md says how it is made"
        assert told == json.loads(path.read_text(encoding="utf-8"), parse_float=_twelve_digits)["value"]

    def _write(self, path: Path, told: Any, because: str) -> None:
        if len(because.split()) < 3:
            pytest.fail("UPDATE_GOLDEN_BECAUSE needs at least three words: why does the result change?")
        path.write_text(json.dumps({"reason": because, "value": told}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        pytest.fail(f"{path.name} was written anew ({because}); run again without UPDATE_GOLDEN_BECAUSE")


def _twelve_digits(text: str) -> float:
    """Processors and libraries add in different orders; beyond twelve digits they may differ."""
    return float(f"{float(text):.12g}")


@pytest.fixture
def golden() -> Golden:
    return Golden(Path(__file__).parent, os.environ.get("UPDATE_GOLDEN_BECAUSE"))
