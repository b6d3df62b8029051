"""No decision sees ahead: whatever the future is made of, everything up to now stays the same (S5-06, J19)."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from ats.signals.library import RULES

KEYS = tuple(RULES)


def poisoned(market, columns, after, seed):
    """The same moments; every price after bar `after` ten times as high and shaken, every volume another."""
    generator = np.random.default_rng(seed)
    tail = slice(after + 1, None)
    count = len(columns) - after - 1
    other = {name: getattr(columns, name).copy() for name in ("open", "high", "low", "close", "volume")}
    body = np.round(np.stack([other["open"][tail], other["close"][tail]]) * 10 * generator.uniform(0.5, 1.5, (2, count)), 2)
    other["open"][tail], other["close"][tail] = body
    other["high"][tail] = np.round(body.max(axis=0) * 1.2, 2)
    other["low"][tail] = np.round(body.min(axis=0) * 0.8, 2)
    other["volume"][tail] = generator.integers(1, 10**7, count)
    return market.changed(columns, **other)


def until(watched, columns, after):
    """All that happened before anything after bar `after` could be known: decisions to its close, orders to the open that follows, fills before it."""
    next_open = int(columns.opened_ns[after + 1])
    decisions = [entry for entry in watched.diary.decisions if entry[0] <= int(columns.event_ns[after])]
    orders = [entry for entry in watched.diary.orders if entry[0] <= next_open]
    fills = [
        (fill.client_order_id, fill.side, fill.quantity, fill.price, fill.commission, fill.filled_at)
        for fill in watched.run.fills
        if round(Decimal(fill.filled_at.timestamp()) * 10**9) < next_open
    ]
    return decisions, orders, fills


def test_no_strategy_sees_past_the_bar_it_decides_on(two_markets, market):
    for key, spec, columns in two_markets:
        honest = market.run(key, market.series(columns, spec))
        assert len(honest.run.fills) > 1, f"{key} {spec} hardly trades, so this proves nothing"
        decided = [entry for entry in honest.diary.decisions if entry[3]]
        moments = sorted({entry[1] - 1 for entry in (*decided[:2], *decided[-3:-1])} | {len(columns) // 2})
        for after in moments:
            if after + 1 < len(columns):
                other = market.run(key, market.series(poisoned(market, columns, after, seed=after), spec))
                assert until(other, columns, after) == until(honest, columns, after), f"{key} {spec} saw past bar {after}"


@pytest.fixture(params=[(key, kind) for key in KEYS for kind in ("daily", "minutes")], ids="-".join)
def two_markets(request, market):
    """One strategy on one kind of series, twice with different prices."""
    key, kind = request.param
    if kind == "daily":
        return [(key, market.day, market.daily(160, seed=seed)) for seed in (1, 2)]
    # Minutes around a turn of the month, for the strategy that watches the calendar.
    return [(key, market.minute, market.minutes(8, per_session=20, seed=seed)) for seed in (3, 4)]


class _Peeks:
    """A rule that knows the next close."""

    def __init__(self, columns):
        self.closes = columns.close

    def enters(self, history, params):
        return history.count < len(self.closes) and self.closes[history.count] > self.closes[history.count - 1]

    def exits(self, history, params, bars_held):
        return not self.enters(history, params)


def test_a_rule_that_peeks_is_caught(market):
    """The proof proves something: a decision on the next close does not survive the poison."""
    columns = market.daily(60)
    honest = market.run("sma_cross", market.series(columns, market.day), rule=_Peeks(columns))
    caught = 0
    for after in range(20, 40):
        bad = poisoned(market, columns, after, seed=after)
        other = market.run("sma_cross", market.series(bad, market.day), rule=_Peeks(bad))
        caught += until(other, columns, after) != until(honest, columns, after)
    assert caught > 3


class _SizesByTheFuture:
    """Decides honestly, but the close it sizes by is the next one."""

    def __init__(self, columns):
        self.closes = columns.close

    def enters(self, history, params):
        history.closes[-1] = float(self.closes[min(history.count, len(self.closes) - 1)])
        return history.count % 4 == 0

    def exits(self, history, params, bars_held):
        return history.count % 4 == 2


def test_an_order_sized_by_the_future_is_caught(market):
    columns = market.daily(60)
    honest = market.run("sma_cross", market.series(columns, market.day), rule=_SizesByTheFuture(columns))
    after = 31  # bar 32 is the one decided on
    bad = poisoned(market, columns, after, seed=1)
    other = market.run("sma_cross", market.series(bad, market.day), rule=_SizesByTheFuture(bad))
    decisions, orders, fills = until(other, columns, after)
    assert (decisions, fills) == (until(honest, columns, after)[0], until(honest, columns, after)[2])
    assert orders != until(honest, columns, after)[1]
