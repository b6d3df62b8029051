"""Interactive Brokers. Empty on purpose: the kill switch imports `control` without paying for the engine's start-up."""
