"""Files a run leaves behind: reports and results, each written whole or not at all, with its digest."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ats.core.errors import DependencyError, InputError
from ats.store.files import write_atomically

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a run: where it is and what it holds."""

    path: Path
    sha256: str
    size_bytes: int


class ArtifactFolder:
    """A folder of artifacts; each run has its own below it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def for_run(self, run_id: str) -> ArtifactFolder:
        """The run's own folder; it is made with its first file."""
        return ArtifactFolder(self.path / _checked("run", run_id))

    def write(self, name: str, content: str | bytes) -> Artifact:
        """Write one file atomically. Raises DependencyError when it could not; then the old file, if any, is untouched."""
        raw = content.encode() if isinstance(content, str) else content
        path = self.path / _checked("artifact", name)
        try:
            write_atomically(path, raw)
        except OSError as error:
            raise DependencyError(f"{path} cannot be written: {error.strerror}.", remedy="Free space, or set ATS_ARTIFACTS_DIR.") from error
        return Artifact(path, hashlib.sha256(raw).hexdigest(), len(raw))

    def read(self, name: str, sha256: str = "") -> bytes:
        """The file's content. Raises DependencyError when it is missing, or is not the content that had this digest."""
        path = self.path / _checked("artifact", name)
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise DependencyError(f"{path} cannot be read: {error.strerror}.", remedy="Run it again to make it anew.") from error
        if sha256 and hashlib.sha256(raw).hexdigest() != sha256:
            raise DependencyError(f"{path} was changed since it was written.", remedy="Run it again to make it anew.")
        return raw


def _checked(field: str, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(field, name, "is not a plain file name", remedy="Use letters, digits, dot, dash and underscore.")
    return name
