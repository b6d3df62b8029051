"""Backtests: a plan, its deterministic run, and the report a person reads."""
