"""Settings for the one command that must work although the settings do not: the kill switch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ats.core.config import DEFAULT_ENV_FILE, ENV_FILE_NAME, PREFIX, Settings, StorageSettings, load_settings
from ats.core.env_file import read_env_file
from ats.core.errors import ConfigError

_NOWHERE = Path("/nonexistent/ats.env")


def load_for_kill(environ: Mapping[str, str] | None = None) -> tuple[Settings, tuple[str, ...]]:
    """The settings as far as they can be understood, and a sentence for everything that was left at its default instead.

    A typo in a limit refuses every other command; it must not keep anybody from stopping.
    """
    try:
        return load_settings(environ), ()
    except ConfigError as error:
        problems = [str(error)]
    environment = {name: value for name, value in (os.environ if environ is None else environ).items() if name.startswith(PREFIX)}
    try:
        from_file = read_env_file(Path(environment.get(ENV_FILE_NAME, DEFAULT_ENV_FILE)))
    except ConfigError as error:
        from_file = {}
        problems.append(str(error))
    understood = {name: value for name, value in (from_file | environment).items() if name != ENV_FILE_NAME and _is_understood(name, value)}
    try:
        return load_settings(understood, _NOWHERE), tuple(dict.fromkeys(problems))
    except ConfigError as error:  # each alone is valid, together they contradict each other: where the state lives matters most
        storage = {name: value for name, value in understood.items() if name in StorageSettings.names()}
        return load_settings(storage, _NOWHERE), tuple(dict.fromkeys((*problems, str(error))))


def _is_understood(name: str, value: str) -> bool:
    try:
        load_settings({name: value}, _NOWHERE)
    except ConfigError:
        return False
    return name.startswith(PREFIX)
