"""ats: a trading node on NautilusTrader that a serious person can trust with a real account."""

__version__ = "0.1.0"
