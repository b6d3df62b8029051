"""The audit log's anchor: one line per appended row in a file outside the database, synced to disk each time."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ats.core.errors import DependencyError
from ats.store.processes import wait_until

_LOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class AnchorLine:
    """One anchored row: which chain, which row, its hash."""

    chain_id: str
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Anchored:
    """What the anchor file holds. `damage` names the first line that cannot be read; a half-written last line is no damage."""

    lines: tuple[AnchorLine, ...]
    damage: str = ""


class AnchorFile:
    """Appends and reads the anchor. Safe for several processes; a line torn by a power cut is dropped by the next append."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, line: AnchorLine) -> None:
        """Write one line and sync it. Raises DependencyError when it could not."""
        text = json.dumps({"chain": line.chain_id, "sequence": line.sequence, "hash": line.hash})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                if not wait_until(lambda: _try_lock(file), _LOCK_SECONDS):
                    raise DependencyError(f"The audit anchor {self.path} is locked.", remedy="Stop the process that holds it.")
                _drop_torn_line(file)
                file.write(text.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DependencyError(
                f"The audit anchor {self.path} cannot be written: {error.strerror}.", remedy="Free or repair it."
            ) from error

    def read(self) -> Anchored:
        """Every line, oldest first. Raises DependencyError when the file exists but cannot be read."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return Anchored(())
        except OSError as error:
            raise DependencyError(f"The audit anchor {self.path} cannot be read: {error.strerror}.", remedy="Make it readable.") from error
        complete = raw[: raw.rfind(b"\n") + 1]
        lines: list[AnchorLine] = []
        for number, text in enumerate(complete.splitlines(), 1):
            line = _parsed(text)
            if line is None:
                return Anchored(tuple(lines), f"line {number} of {self.path} is not an anchor")
            lines.append(line)
        return Anchored(tuple(lines))


def _parsed(text: bytes) -> AnchorLine | None:
    try:
        fields = json.loads(text)
        return AnchorLine(str(fields["chain"]), int(fields["sequence"]), str(fields["hash"]))
    except (ValueError, KeyError, TypeError):
        return None


def _drop_torn_line(file: IO[bytes]) -> None:
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.seek(max(0, size - 4_096))
        tail = file.read()
        file.truncate(size - len(tail) + tail.rfind(b"\n") + 1)


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
