"""`ats config`: what the settings are, and where each value comes from."""

from __future__ import annotations

import typer

from ats.cli import console
from ats.cli.options import JsonFlag
from ats.core.config import DEFAULT_ENV_FILE, Settings, load_settings

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _config() -> None:
    """Show the effective settings and where each comes from."""


@app.command()
def show(as_json: JsonFlag = False) -> None:
    """Print every effective setting with its origin; secrets as stars.

    Example: ats config show --json
    """
    settings = load_settings()
    if as_json:
        effective = {name: {"value": value, "origin": origin} for name, value, origin in settings.rows()}
        console.result_json({"settings": effective, "derived": derived(settings)})
        return
    console.result_table(("setting", "value", "origin"), list(settings.rows()))
    console.result_text("")
    console.result_table(("derived", "value"), list(derived(settings).items()))
    console.say(
        f"\nSet a value in the environment or in {settings.storage.env_file or DEFAULT_ENV_FILE}; docs/reference/settings.md explains each."
    )


def derived(settings: Settings) -> dict[str, str]:
    """The folders and files that follow from the settings."""
    storage = settings.storage
    return {
        "catalog": str(storage.catalog),
        "artifacts": str(storage.artifacts),
        "kill switch sentinel": str(storage.sentinel),
        "database": "external" if storage.database_url is not None else "embedded PostgreSQL",
        "redis": "external" if storage.redis_url is not None else "embedded Valkey",
    }
