"""`python -m ats.cli`, the same as `ats`."""

from ats.cli.main import main

main()
