"""Reads `backend/.env` so that no line of it is ever ignored: a limit that was written down but not understood is a missing limit."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

from ats.core.errors import ConfigError


def read_env_file(path: Path) -> dict[str, str]:
    """Names and values of the file, empty when there is none. Values are taken as written, without interpolation.

    Raises ConfigError for what is no readable UTF-8 file, for an empty one, for a line that is not NAME=value, and for a name
    given twice (row J23). The message shows a line's number, never its content: it may hold a secret.
    """
    text = _text_of(path)
    if text is None:
        return {}
    values: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.key is None and not binding.error:  # a comment or blank lines
            continue
        where = f"{path}, line {binding.original.line}"
        if binding.error or binding.key is None or binding.value is None:
            raise ConfigError(f"{where}: not NAME=value.", remedy="Correct the line, or begin it with #.")
        if binding.key in values:
            raise ConfigError(f"{where}: {binding.key!a} is given a second time.", remedy="Keep one of the two lines.")
        values[binding.key] = binding.value
    return values


def _text_of(path: Path) -> str | None:
    try:
        if path.is_symlink() and not path.exists():
            raise ConfigError(f"{path} is a link to nothing.", remedy="Remove the link or restore its target.")
        if not path.exists():
            return None
        if not path.is_file():
            raise ConfigError(f"{path} is not a file.", remedy="Move it away and copy .env.example to .env.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", remedy="It must be a readable UTF-8 file.") from error
    if not text.strip():
        raise ConfigError(f"{path} is empty.", remedy="Remove it, or copy .env.example to .env; an emptied file may have held limits.")
    return text
