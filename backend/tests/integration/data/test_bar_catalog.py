"""The catalog: what goes in comes out, to the last decimal, for the engine and for us; crashes and neighbours change nothing (S5-05, J5, J6)."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nautilus_trader.model.data import Bar as EngineBar
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from ats.core.errors import DependencyError, EvidenceError, InputError
from ats.core.market import BarSpec
from ats.data.bar_file import INCOMING, Origin
from ats.data.calendar import nominal_close_ns, nominal_open_ns
from ats.data.catalog import Catalog
from ats.data.columns import COLUMN_NAMES, PRICES, BarColumns, historical_bars
from ats.data.ingest import check_entry
from ats.data.quality import Problem

DAILY, MINUTE, FIVE = BarSpec(1, "DAY"), BarSpec(1, "MINUTE"), BarSpec(5, "MINUTE")
QQQ = "QQQ.NASDAQ"
RAW = Origin("test", "0" * 64, adjusted=False)
NOW_NS = 1_767_225_600_000_000_000
DAYS = np.array(["2020-01-02", "2020-01-03", "2020-01-06"], "datetime64[D]")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog")


def bars(event_ns: np.ndarray, spec: BarSpec, base: float = 100.0, step: float = 0.01) -> BarColumns:
    close = base + step * np.arange(len(event_ns))
    prices = {"open": close, "high": close + 1, "low": close - 1, "close": close}
    return historical_bars(spec, event_ns, prices, np.arange(len(event_ns), dtype=np.float64) + 1000)


def daily(days: np.ndarray = DAYS, base: float = 100.0, step: float = 0.01) -> BarColumns:
    return bars(nominal_close_ns(days), DAILY, base, step)


def minutes(count: int = 390) -> BarColumns:
    return bars(nominal_open_ns(DAYS[:1])[0] + (np.arange(count, dtype=np.int64) + 1) * 60_000_000_000, MINUTE)


def same(first: BarColumns, second: BarColumns) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in COLUMN_NAMES)


def test_what_goes_in_comes_out(catalog):
    columns = daily(step=0.25)
    catalog.write(QQQ, DAILY, columns, RAW)
    assert same(catalog.columns(QQQ, DAILY), columns)
    assert catalog.columns(QQQ, DAILY).digest() == columns.digest() == catalog.list()[0].digest


prices = st.decimals(Decimal("0.0001"), Decimal(900_000), places=4)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(prices, min_size=3, max_size=3), st.integers(0, 10**12))
def test_every_price_and_volume_survives_to_the_last_decimal(catalog, drawn, volume):
    arrays = {name: np.array([float(price) for price in drawn]) for name in PRICES}
    catalog.write(QQQ, DAILY, historical_bars(DAILY, nominal_close_ns(DAYS), arrays, np.full(3, float(volume))), RAW, replace=True)
    series = catalog.bars(QQQ, DAILY)
    assert series.close.tolist() == [float(price) for price in drawn]
    assert [Decimal(str(bar.close)) for bar in series.bars] == drawn
    assert [int(bar.volume) for bar in series.bars] == [volume] * 3


def test_the_engine_reads_the_same_file_by_its_own_catalog(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    theirs = ParquetDataCatalog(str(catalog.path)).query(EngineBar, identifiers=[f"{QQQ}-1-DAY-LAST-EXTERNAL"])
    ours = catalog.bars(QQQ, DAILY)
    assert theirs == ours.bars
    assert [str(bar) for bar in theirs] == [str(bar) for bar in ours.bars]
    assert (theirs[0].ts_event, theirs[0].ts_init) == (ours.event_ns[0], ours.available_ns[0])


def test_the_instrument_is_fully_margined_and_traded_in_whole_shares(catalog):
    catalog.write(QQQ, DAILY, daily(step=0.0125), RAW)
    series = catalog.bars(QQQ, DAILY)
    instrument = series.instrument
    assert (str(instrument.id), str(instrument.quote_currency), instrument.price_precision) == (QQQ, "USD", 4)
    assert (instrument.margin_init, instrument.margin_maint, int(instrument.lot_size), instrument.size_precision) == (1, 1, 1, 0)
    assert str(instrument.price_increment) == "0.0001"
    assert all(bar.close.precision == 4 for bar in series.bars)


def test_a_bar_known_late_keeps_its_moment(catalog):
    columns = {name: getattr(daily(), name).copy() for name in COLUMN_NAMES}
    columns["available_ns"] += 3_600_000_000_000
    catalog.write(QQQ, DAILY, BarColumns(**columns), RAW)
    series = catalog.bars(QQQ, DAILY)
    assert [bar.ts_init - bar.ts_event for bar in series.bars] == [3_600_000_000_000] * 3
    assert len(catalog.columns(QQQ, DAILY, end=datetime(2020, 1, 3, 21, 30, tzinfo=UTC))) == 1


def test_a_plain_date_means_the_whole_new_york_day(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    assert len(catalog.bars(QQQ, DAILY, date(2020, 1, 2), date(2020, 1, 3)).bars) == 2
    assert catalog.columns(QQQ, DAILY, date(2020, 1, 3)).close.tolist() == [100.01, 100.02]
    assert len(catalog.columns(QQQ, DAILY, end=date(2020, 1, 2))) == 1


def test_a_moment_is_a_bound_to_the_nanosecond(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    close = datetime(2020, 1, 3, 21, tzinfo=UTC)
    assert len(catalog.columns(QQQ, DAILY, close, close)) == 1


def test_a_start_after_the_end_is_refused(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    with pytest.raises(InputError, match="after the end"):
        catalog.bars(QQQ, DAILY, date(2020, 1, 6), date(2020, 1, 3))


def test_a_window_without_bars_is_an_error_naming_what_there_is(catalog):
    """A backtest with no data in its window is an error, never zero trades."""
    catalog.write(QQQ, DAILY, daily(), RAW)
    for start, end in ((date(2021, 1, 1), None), (None, date(2019, 1, 1)), (date(2020, 1, 4), date(2020, 1, 5))):
        with pytest.raises(EvidenceError, match="2020-01-02 to 2020-01-06") as refused:
            catalog.bars(QQQ, DAILY, start, end)
        assert "ats data import FILE --instrument QQQ.NASDAQ --bar-spec 1-DAY-LAST" in refused.value.remedy


@pytest.mark.parametrize("read", [Catalog.bars, Catalog.columns, Catalog.core_bars])
def test_an_instrument_that_was_never_imported_is_an_error_naming_what_was(catalog, read):
    with pytest.raises(EvidenceError, match="nothing"):
        read(catalog, QQQ, DAILY)
    catalog.write("IBM.NYSE", DAILY, daily(), RAW)
    with pytest.raises(EvidenceError, match=r"IBM\.NYSE"):
        read(catalog, QQQ, DAILY)


def test_a_finer_cadence_than_stored_is_an_error_naming_the_stored_one(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    with pytest.raises(EvidenceError, match="stored for it: 1-DAY-LAST"):
        catalog.bars(QQQ, MINUTE)


@pytest.mark.parametrize("name", ["QQQ", "../QQQ.NASDAQ", "QQQ.NASDAQ/..", "%.NASDAQ", "qqq.nasdaq", ""])
def test_a_name_that_is_no_instrument_reaches_no_path(catalog, name):
    """J5: path characters, wildcards and missing venues are refused before the disk is touched."""
    for act in (lambda: catalog.bars(name, DAILY), lambda: catalog.write(name, DAILY, daily(), RAW)):
        with pytest.raises(InputError):
            act()
    assert not catalog.path.exists()


def test_five_minutes_come_from_stored_minutes(catalog):
    """S5-05: bars are stored at the base cadence and higher timeframes resampled."""
    catalog.write(QQQ, MINUTE, minutes(), RAW)
    series = catalog.bars(QQQ, FIVE)
    assert (len(series.bars), series.resampled_from) == (78, MINUTE)
    assert str(series.bars[0].bar_type) == f"{QQQ}-5-MINUTE-LAST-EXTERNAL"
    assert [float(bar.close) for bar in series.bars] == series.close.tolist()
    assert [(bar.ts_event, bar.ts_init) for bar in series.bars] == list(zip(series.event_ns, series.available_ns, strict=True))
    assert [int(bar.volume) for bar in series.bars] == series.volume.tolist()


def test_a_day_comes_from_stored_minutes_by_session(catalog):
    catalog.write(QQQ, MINUTE, minutes(), RAW)
    series = catalog.bars(QQQ, DAILY)
    assert series.event_ns.tolist() == nominal_close_ns(DAYS[:1]).tolist()
    assert series.opened_ns.tolist() == nominal_open_ns(DAYS[:1]).tolist()
    assert (series.open[0], series.close[0]) == (100.0, pytest.approx(103.89))


def test_a_stored_cadence_is_preferred_to_a_resampled_one(catalog):
    catalog.write(QQQ, MINUTE, minutes(), RAW)
    catalog.write(QQQ, DAILY, daily(base=50), RAW)
    assert catalog.bars(QQQ, DAILY).resampled_from is None
    assert catalog.columns(QQQ, DAILY).close[0] == 50


def test_the_list_names_every_series_in_order(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    catalog.write(QQQ, MINUTE, minutes(), RAW)
    catalog.write("BRK B.NYSE", DAILY, daily(), Origin("file.csv", "1" * 64, adjusted=True))
    entries = catalog.list()
    assert [(entry.instrument_id, str(entry.spec)) for entry in entries] == [
        ("BRK B.NYSE", "1-DAY-LAST"),
        (QQQ, "1-MINUTE-LAST"),
        (QQQ, "1-DAY-LAST"),
    ]
    assert (entries[0].adjusted, entries[0].source, entries[0].rows) == (True, "file.csv", 3)
    assert (entries[0].first, entries[0].last) == (datetime(2020, 1, 2, 21, tzinfo=UTC), datetime(2020, 1, 6, 21, tzinfo=UTC))
    assert len(catalog.bars("BRK B.NYSE", DAILY).bars) == 3


def test_an_absent_catalog_lists_nothing_and_is_not_made(catalog):
    assert catalog.list() == []
    assert not catalog.path.exists()


def test_core_bars_are_money_on_the_tick_with_all_three_moments(catalog):
    catalog.write(QQQ, DAILY, daily(base=20.0025, step=0.01), RAW)
    bar = catalog.core_bars(QQQ, DAILY)[0]
    assert (bar.open, bar.high, bar.low, bar.close) == (Decimal("20.00"), Decimal("21.00"), Decimal("19.00"), Decimal("20.00"))
    assert bar.opened_at == datetime(2020, 1, 2, 14, 30, tzinfo=UTC)
    assert bar.event_at == bar.available_at == datetime(2020, 1, 2, 21, tzinfo=UTC)
    assert bar.volume == 1000


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(prices, prices, prices, prices), min_size=3, max_size=3))
def test_core_bars_stay_consistent_when_rounded(catalog, rows):
    arrays = [np.array([float(price) for price in column]) for column in zip(*rows, strict=True)]
    shape = {"open": arrays[0], "close": arrays[1], "high": np.maximum.reduce(arrays), "low": np.minimum.reduce(arrays)}
    catalog.write(QQQ, DAILY, historical_bars(DAILY, nominal_close_ns(DAYS), shape, np.ones(3)), RAW, replace=True)
    for bar in catalog.core_bars(QQQ, DAILY):
        assert Decimal(0) < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert all(price % Decimal("0.01") == 0 for price in (bar.open, bar.high, bar.low, bar.close))


def test_a_price_that_would_be_stored_as_zero_is_refused(catalog):
    tiny = historical_bars(DAILY, nominal_close_ns(DAYS), {name: np.full(3, 0.00004) for name in PRICES}, np.ones(3))
    with pytest.raises(EvidenceError, match="zero"):
        catalog.write(QQQ, DAILY, tiny, RAW)


def test_no_bars_are_nothing_to_store(catalog):
    with pytest.raises(EvidenceError):
        catalog.write(QQQ, DAILY, daily().take(slice(0, 0)), RAW)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("available_ns", [0, -1, 0], "known before its close"),
        ("available_ns", [9**18, 0, 0], "does not follow"),
        ("event_ns", [0, -(10**15), 0], "does not follow"),
        ("event_ns", [0, -86_400_000_000_000, 0], "does not follow"),
    ],
)
def test_bars_out_of_order_or_known_too_early_are_refused(catalog, name, change, said):
    columns = {column: getattr(daily(), column).copy() for column in COLUMN_NAMES}
    columns[name] += np.array(change, np.int64)
    with pytest.raises(EvidenceError, match=said):
        catalog.write(QQQ, DAILY, BarColumns(**columns), RAW)
    assert catalog.list() == []


def test_a_window_ends_with_what_was_known_and_the_engine_sees_the_same(catalog):
    columns = {name: getattr(daily(), name).copy() for name in COLUMN_NAMES}
    columns["available_ns"][1:] += 5 * 86_400_000_000_000
    catalog.write(QQQ, DAILY, BarColumns(**columns), RAW)
    series = catalog.bars(QQQ, DAILY, end=date(2020, 1, 8))
    assert [bar.ts_event for bar in series.bars] == series.event_ns.tolist()
    assert len(series.bars) == 2


def test_a_stored_series_is_checked_and_is_what_was_written(catalog):
    catalog.write(QQQ, DAILY, daily(DAYS[[0, 2]]), RAW)
    report = check_entry(catalog, catalog.list()[0], now_ns=NOW_NS)
    assert [(finding.problem, finding.value) for finding in report.findings] == [
        (Problem.MISSING_SESSIONS, "1 before this bar, from 2020-01-03")
    ]


def test_a_stored_bar_that_has_not_closed_is_an_error_of_the_check(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    report = check_entry(catalog, catalog.list()[0], now_ns=int(daily().event_ns[-1]) - 1)
    assert [finding.problem for finding in report.errors] == [Problem.NOT_FINISHED]


def test_a_series_changed_outside_is_refused_by_the_check(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    (path,) = catalog.path.rglob("*.parquet")
    table = pq.read_table(path)
    pq.write_table(table.set_column(3, table.schema.field("close"), table["open"].combine_chunks().take(pa.array([0, 0, 0]))), path)
    with pytest.raises(EvidenceError, match="digest differs"):
        check_entry(catalog, catalog.list()[0], now_ns=NOW_NS)


def test_every_bar_names_its_session(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    assert catalog.bars(QQQ, DAILY).dates.tolist() == DAYS.tolist()


def test_what_a_crash_leaves_behind_is_ignored_and_removed(catalog):
    """A writer killed before its rename leaves a temporary file, one killed after it the superseded one."""
    catalog.write(QQQ, DAILY, daily(DAYS[:2]), RAW)
    (old,) = catalog.path.rglob("*.parquet")
    superseded = old.read_bytes()
    catalog.write(QQQ, DAILY, daily(), RAW)
    old.write_bytes(superseded)
    (old.parent / f"{INCOMING}77-abc").write_bytes(b"half a file")
    assert len(catalog.columns(QQQ, DAILY)) == len(catalog.bars(QQQ, DAILY).bars) == 3
    more = np.append(DAYS, np.datetime64("2020-01-07"))
    catalog.write(QQQ, DAILY, daily(more), RAW)
    assert len(list(old.parent.iterdir())) == 1
    assert len(catalog.columns(QQQ, DAILY)) == 4


def test_a_damaged_file_is_an_error_that_names_it(catalog):
    catalog.write(QQQ, DAILY, daily(), RAW)
    (path,) = catalog.path.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DependencyError, match=r"\.parquet"):
        catalog.bars(QQQ, DAILY)


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DependencyError, match="cannot be written"):
        Catalog(tmp_path / "file" / "catalog").write(QQQ, DAILY, daily(), RAW)


WRITER = """
import sys
from pathlib import Path
import numpy as np
from ats.core.market import BarSpec
from ats.data.bar_file import Origin
from ats.data.catalog import Catalog
from ats.data.columns import PRICES, historical_bars
folder, first, count, rounds = Path(sys.argv[1]), *map(int, sys.argv[2:])
MINUTE = BarSpec(1, "MINUTE")
print("ready", flush=True)
sys.stdin.readline()
for number in range(rounds):
    stamps = 1_577_975_460_000_000_000 + (np.arange(count, dtype=np.int64) + first + number * count) * 60_000_000_000
    prices = {name: np.full(count, 100.0) for name in PRICES}
    bars = historical_bars(MINUTE, stamps, prices, np.ones(count))
    Catalog(folder).write("QQQ.NASDAQ", MINUTE, bars, Origin("test", "", adjusted=False))
"""


def writer(catalog: Catalog, first: int, count: int, rounds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(catalog.path), str(first), str(count), str(rounds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_writers_of_one_series_lose_nothing(catalog):
    writers = [writer(catalog, 0, 50, 10), writer(catalog, 1_000_000, 50, 10)]
    for process in writers:
        go(process)
    for process in writers:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(catalog.columns(QQQ, MINUTE)) == 1000


def test_a_reader_beside_a_writer_always_sees_a_whole_state(catalog):
    process = writer(catalog, 0, 100, 30)
    go(process)
    seen = []
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if catalog.list():
            series = catalog.bars(QQQ, MINUTE)
            assert len(series.bars) == len(series)
            assert len(series) % 100 == 0
            seen.append(len(series))
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert seen == sorted(seen)
    assert len(catalog.columns(QQQ, MINUTE)) == 3000


def state(catalog: Catalog) -> list[str]:
    return sorted(path.name for path in catalog.path.rglob("*") if path.name != ".lock")


@pytest.mark.parametrize("delay", [0, 20_000, 80_000, 200_000])
def test_a_writer_killed_at_any_moment_leaves_a_whole_state_and_a_free_catalog(catalog, delay):
    """Interrupting any command at any moment leaves nothing that the next command cannot use."""
    catalog.write(QQQ, DAILY, daily(), RAW)
    process = writer(catalog, 0, 20_000, 1_000)
    before = state(catalog)
    go(process)
    deadline = time.monotonic() + 30
    while state(catalog) == before and time.monotonic() < deadline:
        pass  # until it has begun to write
    for _ in range(delay):
        pass  # and a little longer, so that other moments are hit too
    process.kill()
    process.communicate(timeout=10)
    stored = sum(entry.rows for entry in catalog.list() if entry.spec == MINUTE)
    assert stored % 20_000 == 0
    assert stored == 0 or len(catalog.bars(QQQ, MINUTE).bars) == stored
    assert catalog.write(QQQ, MINUTE, minutes(), RAW, replace=True).entry.rows == 390
    assert len([name for name in state(catalog) if name.endswith(".parquet") or name.startswith(INCOMING)]) == 2
