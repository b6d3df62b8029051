"""`python -m ats.paper`: the same as `ats paper`."""

from __future__ import annotations

import sys

from ats.cli.main import main

if __name__ == "__main__":
    main(["paper", *sys.argv[1:]])
