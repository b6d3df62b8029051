"""The vocabulary every other package speaks: settings, time, money, ids, orders, audit. No I/O, no third-party domain types."""
