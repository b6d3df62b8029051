"""What backtest, paper and live share: the guard on the order path, the journal, conversions, and the two engines."""
