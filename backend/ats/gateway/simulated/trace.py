"""A trace of every message, one JSON object a line: the best debugging tool, and the evidence of what was said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from ats.core.clock import Clock


class Trace:
    """Appends messages to a file; without a file it keeps nothing."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._file: TextIO | None = None

    def open(self) -> None:
        """Start writing. Raises OSError when the file cannot be written."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8", buffering=1)

    def record(self, client_id: int | None, direction: str, name: str, fields: Sequence[str]) -> None:
        """Write one message. Direction is `in` from a client or `out` to it."""
        if self._file is not None:
            entry = {"at": self._clock.now().isoformat(), "client": client_id, "direction": direction, "name": name, "fields": list(fields)}
            self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """Stop writing."""
        if self._file is not None:
            self._file.close()
            self._file = None
