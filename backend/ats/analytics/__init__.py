"""Pure statistics of returns, equity, trades and drawdowns, on plain arrays and our own fills."""
