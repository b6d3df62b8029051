"""Write the generated pages, or with --check fail when one of them no longer says what the code says.

Usage: generate_docs.py [--check]
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path

from pages import commands, controls, exit_codes, licences, refusals, settings, strategies

ROOT = Path(__file__).resolve().parents[2]

PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/settings.md": settings.page,
    "docs/reference/cli.md": commands.page,
    "docs/reference/strategies.md": strategies.page,
    "docs/reference/refusals.md": refusals.page,
    "docs/reference/exit-codes.md": exit_codes.page,
    "docs/reference/controls.md": controls.page,
    "backend/.env.example": settings.env_example,
    "THIRD_PARTY.md": licences.page,
}


def main() -> int:
    """Write or check every page; 1 when a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page is stale")
    check = parser.parse_args().check
    stale = [name for name, page in PAGES.items() if _differs(ROOT / name, page(), check=check)]
    if check and stale:
        print(f"Stale: {', '.join(stale)}. Run `make generate` and commit the result.", file=sys.stderr)
        return 1
    return 0


def _differs(path: Path, text: str, *, check: bool) -> bool:
    current = path.read_text(encoding="utf-8") if path.exists() else ""
    if current == text:
        return False
    if check:
        lines = difflib.unified_diff(
            current.splitlines(), text.splitlines(), f"{path.name} (committed)", f"{path.name} (from the code)", lineterm="", n=0
        )
        print("\n".join(list(lines)[:20]), file=sys.stderr)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return True


if __name__ == "__main__":
    sys.exit(main())
