"""Files into the catalog: what is read, what is refused and why, and that nothing is ever half done (S5-05, J6, J19, J23)."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats.core.errors import AtsError, EvidenceError, InputError
from ats.core.market import BarSpec
from ats.data.catalog import Catalog
from ats.data.ingest import import_file
from ats.data.quality import Problem

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAILY, MINUTE = BarSpec(1, "DAY"), BarSpec(1, "MINUTE")
QQQ = "QQQ.NASDAQ"
HEADER = "date,open,high,low,close,volume"
ROWS = ("2020-01-02,100,102,99,101,5000", "2020-01-03,101,103,100,102,6000", "2020-01-06,102,104,101,103,7000")


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog")


def csv_file(folder: Path, *lines: str, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def daily_file(folder: Path, *rows: str) -> Path:
    return csv_file(folder, HEADER, *(rows or ROWS))


def contents(catalog: Catalog) -> dict[str, str]:
    """Every file below the catalog and its digest; the lock is not content."""
    files = (path for path in catalog.path.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(catalog.path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def closes(catalog: Catalog, spec: BarSpec = DAILY) -> list[str]:
    return [str(np.datetime64(stamp, "s")) for stamp in catalog.columns(QQQ, spec).event_ns.astype("datetime64[ns]")]


def test_daily_bars_are_stamped_at_the_close_and_not_known_before(tmp_path, catalog):
    report = import_file(daily_file(tmp_path), QQQ, DAILY, catalog, now=NOW)
    columns = catalog.columns(QQQ, DAILY)
    assert closes(catalog) == ["2020-01-02T21:00:00", "2020-01-03T21:00:00", "2020-01-06T21:00:00"]
    assert columns.available_ns.tolist() == columns.event_ns.tolist()
    assert (report.added, report.unchanged, report.rows_read) == (3, 0, 3)
    assert (report.entry.price_precision, report.entry.adjusted, report.entry.source) == (2, False, "bars.csv")
    assert columns.close.tolist() == [101, 102, 103]


@pytest.mark.parametrize(
    "lines",
    [
        (" Date , OPEN,High,low,Close,Volume", *ROWS),
        ("timestamp;open;high;low;close;volume", *(row.replace(",", ";") for row in ROWS)),
        ("Date\tOpen\tHigh\tLow\tClose\tVolume\tSplits", *(row.replace(",", "\t") + "\tnone" for row in ROWS)),
        (HEADER, *(row.replace("-", "") for row in ROWS)),
        (HEADER, *(row.replace(",", "T00:00:00Z,", 1) for row in ROWS)),
        (HEADER, *(row.replace(",", " 16:00:00-05:00,", 1) for row in ROWS)),
        (HEADER, *(f"{row}" for row in ROWS), ""),
        ("volume,close,low,high,open,date", *(",".join(row.split(",")[::-1]) for row in ROWS)),
        ("\ufeff" + HEADER, *ROWS),
        (HEADER, *(row.replace(",", " , ") for row in ROWS)),
        (HEADER.replace(",", '","').join('""'), *(row.replace(",", '","').join('""') for row in ROWS)),
    ],
    ids=["case", "semicolon", "tab", "compact", "midnight", "zoned", "blank", "order", "mark", "spaces", "quotes"],
)
def test_the_usual_dialects_say_the_same(tmp_path, catalog, lines):
    import_file(csv_file(tmp_path, *lines), QQQ, DAILY, catalog, now=NOW)
    assert closes(catalog) == ["2020-01-02T21:00:00", "2020-01-03T21:00:00", "2020-01-06T21:00:00"]
    assert catalog.columns(QQQ, DAILY).volume.tolist() == [5000, 6000, 7000]


def test_a_compressed_csv_is_read(tmp_path, catalog):
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(gzip.compress("\n".join([HEADER, *ROWS]).encode()))
    assert import_file(path, QQQ, DAILY, catalog, now=NOW).added == 3


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("us"), pa.timestamp("ns", "UTC"), pa.string()])
def test_parquet_says_the_same_as_csv(tmp_path, catalog, kind):
    days = [date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 6)]
    dates = pa.array([str(day) for day in days]) if kind == pa.string() else pa.array(days, pa.date32()).cast(pa.timestamp("us")).cast(kind)
    table = pa.table(
        {
            "Date": dates,
            "open": [100, 101, 102],
            "high": [102, 103, 104],
            "low": [99, 100, 101],
            "close": [101.0, 102.0, 103.0],
            "volume": [5000, 6000, 7000],
        }
    )
    pq.write_table(table, tmp_path / "bars.parquet")
    import_file(tmp_path / "bars.parquet", QQQ, DAILY, catalog, now=NOW)
    other = Catalog(tmp_path / "other")
    import_file(daily_file(tmp_path), QQQ, DAILY, other, now=NOW)
    assert catalog.columns(QQQ, DAILY).digest() == other.columns(QQQ, DAILY).digest()


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("date", pa.array([1, 2, 3]), "is neither a date, a timestamp nor text"),
        ("date", pa.array([date(2020, 1, 2), None, date(2020, 1, 6)]), "is missing in row 2"),
        ("close", pa.array([date(2020, 1, 2)] * 3), "is not a column of numbers"),
    ],
)
def test_parquet_of_the_wrong_types_is_refused_naming_the_column(tmp_path, catalog, name, column, said):
    columns = {"date": pa.array([date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 6)])}
    columns |= dict.fromkeys(("open", "high", "low", "close", "volume"), pa.array([1.0, 1.0, 1.0]))
    pq.write_table(pa.table(columns | {name: column}), tmp_path / "bars.parquet")
    with pytest.raises(InputError, match=said) as refused:
        import_file(tmp_path / "bars.parquet", QQQ, DAILY, catalog, now=NOW)
    assert name in str(refused.value)


def test_an_adjusted_close_adjusts_all_prices_and_the_volume_by_the_inverse(tmp_path, catalog):
    path = csv_file(tmp_path, HEADER + ",Adj Close", "2020-01-02,100,102,98,100,5000,50", "2020-01-03,52,54,50,52,9000,52")
    report = import_file(path, QQQ, DAILY, catalog, now=NOW)
    columns = catalog.columns(QQQ, DAILY)
    assert [columns.open[0], columns.high[0], columns.low[0], columns.close[0], columns.volume[0]] == [50, 51, 49, 50, 10_000]
    assert (report.entry.adjusted, report.warnings) == (True, ())


def test_without_adjusting_the_raw_prices_are_kept_and_the_split_is_suspected(tmp_path, catalog):
    path = csv_file(tmp_path, HEADER + ",Adj Close", "2020-01-02,100,102,98,100,5000,50", "2020-01-03,52,54,50,52,9000,52")
    report = import_file(path, QQQ, DAILY, catalog, now=NOW, adjust=False)
    assert catalog.columns(QQQ, DAILY).close.tolist() == [100, 52]
    assert [finding.problem for finding in report.warnings] == [Problem.SUSPECTED_SPLIT]
    assert not report.entry.adjusted


@pytest.mark.parametrize("value", ["", "0", "-5", "nan"])
def test_an_adjusted_close_that_is_no_price_is_refused_with_its_row(tmp_path, catalog, value):
    path = csv_file(tmp_path, HEADER + ",adj_close", "2020-01-02,100,102,98,100,5000,50", f"2020-01-03,52,54,50,52,9000,{value}")
    with pytest.raises(InputError, match=r"adj_close.*row 2"):
        import_file(path, QQQ, DAILY, catalog, now=NOW)
    assert import_file(path, QQQ, DAILY, catalog, now=NOW, adjust=False).added == 2


def test_prices_of_more_than_two_decimals_are_kept_with_four(tmp_path, catalog):
    path = daily_file(tmp_path, "2020-01-02,100.12345,102.5,99.25,101.00004,5000")
    assert import_file(path, QQQ, DAILY, catalog, now=NOW).entry.price_precision == 4
    assert catalog.columns(QQQ, DAILY).open.tolist() == [100.1234]


def test_a_file_of_many_symbols_gives_the_one_asked_for(tmp_path, catalog):
    rows = ["AAPL,2020-01-02,10,12,9,11,1", "QQQ,2020-01-02,100,102,99,101,5000", "AAPL,2020-01-03,10,12,9,11,1"]
    import_file(csv_file(tmp_path, "Ticker," + HEADER, *rows), QQQ, DAILY, catalog, now=NOW)
    assert catalog.columns(QQQ, DAILY).close.tolist() == [101]


def test_a_symbol_that_is_not_in_the_file_is_refused_naming_those_that_are(tmp_path, catalog):
    path = csv_file(tmp_path, "symbol," + HEADER, "AAPL,2020-01-02,10,12,9,11,1", "IBM,2020-01-02,10,12,9,11,1")
    with pytest.raises(InputError, match=r"'QQQ' is not in the file, which holds AAPL, IBM"):
        import_file(path, QQQ, DAILY, catalog, now=NOW)


def test_the_file_may_name_the_instrument_otherwise(tmp_path, catalog):
    path = csv_file(tmp_path, "symbol," + HEADER, "BRK.B,2020-01-02,100,102,99,101,5000")
    import_file(path, "BRK B.NYSE", DAILY, catalog, now=NOW, symbol="BRK.B")
    assert catalog.list()[0].instrument_id == "BRK B.NYSE"


def test_rows_of_a_damaged_bar_are_counted_in_the_file_and_not_in_the_symbol(tmp_path, catalog):
    path = csv_file(tmp_path, "symbol," + HEADER, "AAPL,2020-01-02,10,12,9,11,1", "QQQ,2020-01-02,100,102,103,101,5000")
    with pytest.raises(EvidenceError, match=r"row 2 .*high below low: high 102, low 103"):
        import_file(path, QQQ, DAILY, catalog, now=NOW)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2020-01-07,100,99,98,100,5", "high below open or close: high 99, open or close 100"),
        ("2020-01-07,100,102,101,100,5", "low above open or close"),
        ("2020-01-07,100,102,0,100,5", "price not above zero: low is 0"),
        ("2020-01-07,100,102,-1,100,5", "price not above zero: low is -1"),
        ("2020-01-07,100,102,99,nan,5", "not a number: close is nan"),
        ("2020-01-07,100,inf,99,100,5", "not a number: high is inf"),
        ("2020-01-07,,102,99,100,5", "not a number: open is nan"),
        ("2020-01-07,100,102,99,100,-5", "negative volume: volume is -5"),
        ("2020-01-06,100,102,99,100,5", "duplicate time"),
        ("2020-01-03,100,102,99,100,5", "time goes back"),
        ("2026-01-02,100,102,99,100,5", "bar has not closed yet"),
    ],
)
def test_an_unsound_row_refuses_the_whole_file_naming_row_and_value(tmp_path, catalog, row, said):
    """J19: bars that go back, repeat, contradict themselves or are no numbers never reach a strategy."""
    with pytest.raises(EvidenceError, match=r"row 4 ") as refused:
        import_file(daily_file(tmp_path, *ROWS, row), QQQ, DAILY, catalog, now=NOW)
    assert said in str(refused.value)
    assert refused.value.exit_code == 5
    assert catalog.list() == []
    assert contents(catalog) == {}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("date,open,high,low,close", "2020-01-02,1,1,1,1"), "have no volume"),
        (("open,high,low,close,volume", "1,1,1,1,1"), "have no date or timestamp"),
        ((HEADER + ",Close", "2020-01-02,1,1,1,1,1,1"), "have close twice"),
        ((HEADER,), "has no rows"),
        ((HEADER, "2020-01-02,1,1,1,abc,1"), "close: 'abc' in row 1 is not a number"),
        ((HEADER, "2020-01-02,1,1,1,1,5", "2020-01-03,1,1,1,1,1_000"), "volume: '1_000' in row 2 is not a number"),
        ((HEADER, '2020-01-02,"1,000",1,1,1,1'), "open: '1,000' in row 1 is not a number"),
        ((HEADER, "2020-01-02,0x10,1,1,1,1"), "open: '0x10' in row 1 is not a number"),
        ((HEADER, "01/02/2020,1,1,1,1,1"), "date: '01/02/2020' in row 1 is not a date"),
        ((HEADER, "2020-02-30,1,1,1,1,1"), "date: '2020-02-30' in row 1 is not a date"),
        ((HEADER, "2020-01-02,1,1,1,1,1", "tomorrow,1,1,1,1,1"), "date: 'tomorrow' in row 2 is not a date"),
        ((HEADER, "2020-01-02,1,1,1,1,1", ",1,1,1,1,1"), "in row 2"),
        ((HEADER, "1969-12-31,1,1,1,1,1"), "before 1970"),
        ((HEADER, "2020-01-02,1,1"), "cannot be read"),
        ((HEADER, "2020-01-02,1,1,1,1,1", "2020-01-03,1,1,1,1,1,1,1,1"), "cannot be read"),
        (("",), "is empty"),
        (("just some words",), "have no"),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_naming_field_and_row(tmp_path, catalog, lines, said):
    with pytest.raises(InputError) as refused:
        import_file(csv_file(tmp_path, *lines), QQQ, DAILY, catalog, now=NOW)
    assert said in str(refused.value)
    assert refused.value.remedy
    assert refused.value.exit_code == 2
    assert contents(catalog) == {}


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, Path.touch, lambda path: path.write_bytes(bytes(range(256)) * 9), lambda path: path.symlink_to("nowhere"), lambda path: path.write_bytes(b"PAR1 and then nothing"), lambda path: path.write_bytes((HEADER + "\nZ\xfcrich,1,1,1,1,1\n").encode("latin-1"))], ids=["absent", "folder", "empty", "binary", "dangling", "torn", "latin-1"])  # fmt: skip
def test_a_path_that_is_no_file_of_bars_is_refused(tmp_path, catalog, make):
    """J23: a folder, nothing, zero bytes, a dangling link, another encoding."""
    path = tmp_path / "bars.csv"
    make(path)
    with pytest.raises(InputError):
        import_file(path, QQQ, DAILY, catalog, now=NOW)


def minutes(folder: Path, *stamps: str) -> Path:
    return csv_file(folder, "timestamp,open,high,low,close,volume", *(f"{stamp},100,102,99,101,5" for stamp in stamps))


def test_intraday_times_are_the_close_of_the_bar(tmp_path, catalog):
    import_file(minutes(tmp_path, "2020-01-02T14:31:00Z", "2020-01-02T14:32:00Z"), QQQ, MINUTE, catalog, now=NOW)
    assert closes(catalog, MINUTE) == ["2020-01-02T14:31:00", "2020-01-02T14:32:00"]
    columns = catalog.columns(QQQ, MINUTE)
    assert (columns.event_ns - columns.opened_ns).tolist() == [60_000_000_000] * 2


def test_times_of_the_open_are_moved_to_the_close_when_asked(tmp_path, catalog):
    import_file(minutes(tmp_path, "2020-01-02T14:30:00Z"), QQQ, MINUTE, catalog, now=NOW, stamped="open")
    assert closes(catalog, MINUTE) == ["2020-01-02T14:31:00"]


def test_times_without_a_zone_are_refused_until_one_is_named(tmp_path, catalog):
    path = minutes(tmp_path, "2020-01-02 09:31:00", "2020-07-01 09:31:00")
    with pytest.raises(InputError, match="has no time zone") as refused:
        import_file(path, QQQ, MINUTE, catalog, now=NOW)
    assert "--timezone" in refused.value.remedy
    import_file(path, QQQ, MINUTE, catalog, now=NOW, timezone="America/New_York")
    assert closes(catalog, MINUTE) == ["2020-01-02T14:31:00", "2020-07-01T13:31:00"]


@pytest.mark.parametrize("stamp", ["2020-03-08 02:30:00", "2020-11-01 01:30:00"])
def test_a_time_the_zone_does_not_have_or_has_twice_is_refused(tmp_path, catalog, stamp):
    with pytest.raises(InputError, match="is not one moment"):
        import_file(minutes(tmp_path, stamp), QQQ, MINUTE, catalog, now=NOW, timezone="America/New_York")


def test_an_unknown_zone_is_refused(tmp_path, catalog):
    with pytest.raises(InputError, match="Mars"):
        import_file(minutes(tmp_path, "2020-01-02 09:31:00"), QQQ, MINUTE, catalog, now=NOW, timezone="Mars")


def test_zoned_and_unzoned_times_do_not_mix(tmp_path, catalog):
    with pytest.raises(InputError, match="row 2"):
        import_file(minutes(tmp_path, "2020-01-02T14:31:00Z", "2020-01-02T14:32:00"), QQQ, MINUTE, catalog, now=NOW)


def test_dates_alone_are_no_intraday_times(tmp_path, catalog):
    with pytest.raises(InputError, match="has no time zone"):
        import_file(daily_file(tmp_path), QQQ, MINUTE, catalog, now=NOW)


def test_the_same_file_again_changes_not_one_byte(tmp_path, catalog):
    path = daily_file(tmp_path)
    import_file(path, QQQ, DAILY, catalog, now=NOW)
    before = contents(catalog)
    again = import_file(path, QQQ, DAILY, catalog, now=NOW)
    assert (again.added, again.unchanged) == (0, 3)
    assert contents(catalog) == before


def test_a_longer_file_adds_what_is_new(tmp_path, catalog):
    import_file(daily_file(tmp_path), QQQ, DAILY, catalog, now=NOW)
    report = import_file(daily_file(tmp_path, *ROWS[1:], "2020-01-07,1,2,1,2,3"), QQQ, DAILY, catalog, now=NOW)
    assert (report.added, report.unchanged, report.entry.rows) == (1, 2, 4)
    assert len(contents(catalog)) == 1


def test_earlier_bars_join_in_front(tmp_path, catalog):
    import_file(daily_file(tmp_path), QQQ, DAILY, catalog, now=NOW)
    import_file(daily_file(tmp_path, "2019-12-31,100,102,99,101.125,5000"), QQQ, DAILY, catalog, now=NOW)
    assert catalog.columns(QQQ, DAILY).close.tolist() == [101.125, 101, 102, 103]
    assert catalog.list()[0].price_precision == 4


def test_another_version_of_a_stored_bar_is_refused_until_it_replaces_the_series(tmp_path, catalog):
    import_file(daily_file(tmp_path), QQQ, DAILY, catalog, now=NOW)
    before = contents(catalog)
    other = daily_file(tmp_path, "2020-01-03,101,103,100,102.5,6000")
    with pytest.raises(EvidenceError, match=r"stored close is 102, the new file says 102.5"):
        import_file(other, QQQ, DAILY, catalog, now=NOW)
    assert contents(catalog) == before
    assert import_file(other, QQQ, DAILY, catalog, now=NOW, replace=True).entry.rows == 1


def test_adjusted_and_raw_prices_do_not_mix(tmp_path, catalog):
    import_file(daily_file(tmp_path), QQQ, DAILY, catalog, now=NOW)
    adjusted = csv_file(tmp_path, HEADER + ",adj_close", "2020-01-07,100,102,98,100,5000,50")
    with pytest.raises(EvidenceError, match="as they were given"):
        import_file(adjusted, QQQ, DAILY, catalog, now=NOW)


def test_progress_names_each_step_and_its_rows(tmp_path, catalog):
    seen: list[tuple[str, int]] = []
    import_file(daily_file(tmp_path), QQQ, DAILY, catalog, now=NOW, progress=lambda step, rows: seen.append((step, rows)))
    assert [step for step, _ in seen if step != "reading"] == ["checking", "storing"]
    assert seen[0][0] == "reading"
    assert seen[-1] == ("storing", 3)


def test_the_order_to_stop_from_the_listener_leaves_nothing(tmp_path, catalog):
    """Ctrl-C while the file is stored: what was there before is there after."""

    def interrupt(step: str, rows: int) -> None:
        if step == "storing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_file(daily_file(tmp_path), QQQ, DAILY, catalog, now=NOW, progress=interrupt)
    assert contents(catalog) == {}


def refusal_of(path: Path, spec: BarSpec, catalog: Catalog) -> AtsError | None:
    try:
        import_file(path, QQQ, spec, catalog, now=NOW, timezone="UTC", replace=True)
    except AtsError as error:
        return error
    return None


cells = st.one_of(
    st.sampled_from(
        [
            "2020-01-02",
            "2020-01-03",
            "100",
            "1e309",
            "-0",
            "nan",
            "",
            "\uff12\uff10\uff12\uff10",
            "2020-01-02T25:00",
            "9" * 400,
            "\x00",
            '"',
            "Z",
        ]
    ),
    st.text(max_size=12),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.lists(st.lists(cells, min_size=6, max_size=6), max_size=4), st.sampled_from([DAILY, MINUTE]))
def test_whatever_stands_in_a_file_it_is_imported_or_refused_with_a_reason(tmp_path, rows, spec):
    """J19, J23: no content of a file is a crash."""
    path = csv_file(tmp_path, HEADER, *(",".join(row) for row in rows))
    refusal = refusal_of(path, spec, Catalog(tmp_path / "fuzzed"))
    assert refusal is None or (refusal.exit_code in (2, 5) and refusal.remedy)
