"""`python -m ats.live`: the same as `ats live`."""

from __future__ import annotations

import sys

from ats.cli.main import main

if __name__ == "__main__":
    main(["live", *sys.argv[1:]])
