"""`ats data`: bring bars into the catalog, list them, check them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ats.cli import console
from ats.cli.options import JsonFlag
from ats.core.clock import SystemClock, to_ns
from ats.core.config import load_settings
from ats.core.errors import EvidenceError, InputError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def _data() -> None:
    """Import, list and check the bars of the catalog."""


@app.command("import")
def import_bars(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV or Parquet file with date or timestamp, open, high, low, close, volume, and optionally adj_close and symbol."
        ),
    ],
    instrument: Annotated[str, typer.Option("--instrument", help="Instrument as SYMBOL.VENUE, for example QQQ.NASDAQ.")],
    bar_spec: Annotated[str, typer.Option("--bar-spec", help="Bar specification, for example 1-DAY-LAST.")],
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="IANA zone of times that name none, for example America/New_York.")
    ] = None,
    stamped: Annotated[
        str, typer.Option("--stamped", help="Whether intraday times are the bar's close or its open: close, open.")
    ] = "close",
    raw: Annotated[bool, typer.Option("--raw", help="Keep prices as traded even when the file has adj_close.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Drop what is stored of this series first.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Import one instrument's bars; a file with an error is refused whole, the same file again changes nothing.

    Example: ats data import qqq.csv --instrument QQQ.NASDAQ --bar-spec 1-DAY-LAST
    """
    from ats.data.ingest import import_file  # noqa: PLC0415 -- Arrow is not needed for --help
    from ats.wiring.research import catalog_of  # noqa: PLC0415 -- as above

    if stamped not in ("close", "open"):
        raise InputError("stamped", stamped, "is neither close nor open", remedy="Say what the file's times mark.")
    instrument_id, spec = InstrumentId.parse(instrument), BarSpec.parse(bar_spec)
    with console.progress(f"Import of {file.name}") as advance:
        report = import_file(
            file,
            str(instrument_id),
            spec,
            catalog_of(load_settings()),
            now=SystemClock().now(),
            adjust=not raw,
            timezone=timezone,
            stamped="open" if stamped == "open" else "close",
            replace=replace,
            progress=lambda _stage, _rows: advance(),
        )
    for warning in report.warnings[:10]:
        console.warn(str(warning))
    if len(report.warnings) > 10:  # noqa: PLR2004 -- the ten just printed
        console.say(f"… and {len(report.warnings) - 10} more; `ats data check --instrument {instrument}` lists them.")
    if as_json:
        console.result_json(
            {
                "entry": report.entry,
                "rows_read": report.rows_read,
                "added": report.added,
                "unchanged": report.unchanged,
                "warnings": [str(item) for item in report.warnings],
            }
        )
        return
    adjusted = "adjusted" if report.entry.adjusted else "as in the file"
    console.result_text(
        f"{instrument} {spec}: {report.added} bars added, {report.unchanged} already there; {report.entry.rows} from "
        f"{report.entry.first:%Y-%m-%d} to {report.entry.last:%Y-%m-%d}, prices {adjusted}."
    )


@app.command("load-shipped")
def load_shipped_bars(as_json: JsonFlag = False) -> None:
    """Load the five stocks that come with ats (AAPL, FB, GOOG, IBM, MSFT; daily 2000 to 2013) into the catalog.

    Example: ats data load-shipped
    """
    from ats.data.shipped import load_shipped  # noqa: PLC0415 -- Arrow is not needed for --help
    from ats.wiring.research import catalog_of  # noqa: PLC0415 -- as above

    with console.progress("Loading the shipped market data"):
        reports = load_shipped(catalog_of(load_settings()))
    if as_json:
        console.result_json([{"entry": report.entry, "added": report.added} for report in reports])
        return
    for report in reports:
        console.result_text(f"{report.entry.instrument_id}: {report.entry.rows} bars, {report.added} new")


@app.command("list")
def list_series(as_json: JsonFlag = False) -> None:
    """List every stored series.

    Example: ats data list
    """
    from ats.wiring.research import catalog_of  # noqa: PLC0415 -- Arrow is not needed for --help

    entries = catalog_of(load_settings()).list()
    if as_json:
        console.result_json(entries)
        return
    rows = [
        (
            entry.instrument_id,
            entry.spec,
            f"{entry.first:%Y-%m-%d}",
            f"{entry.last:%Y-%m-%d}",
            entry.rows,
            "yes" if entry.adjusted else "no",
            entry.source,
        )
        for entry in entries
    ]
    console.result_table(("instrument", "bars", "first", "last", "rows", "adjusted", "source"), rows)
    if not entries:
        console.say("The catalog is empty: `ats data load-shipped` or `ats data import FILE --instrument … --bar-spec …`.")


@app.command()
def check(
    instrument: Annotated[str | None, typer.Option("--instrument", help="Only this instrument.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check stored bars: gaps, duplicates, high below low, NaN, non-positive prices, suspected splits. Exit code 5 on an error.

    Example: ats data check --instrument QQQ.NASDAQ
    """
    from ats.data.ingest import check_entry  # noqa: PLC0415 -- Arrow is not needed for --help
    from ats.wiring.research import catalog_of  # noqa: PLC0415 -- as above

    wanted = None if instrument is None else str(InstrumentId.parse(instrument))
    catalog = catalog_of(load_settings())
    entries = [entry for entry in catalog.list() if wanted in (None, entry.instrument_id)]
    if not entries:
        raise EvidenceError(f"The catalog holds no bars{f' of {wanted}' if wanted else ''}.", remedy="`ats data list` shows what it holds.")
    reports = [(entry, check_entry(catalog, entry, now_ns=to_ns(SystemClock().now()))) for entry in entries]
    if as_json:
        console.result_json(
            [
                {"instrument": entry.instrument_id, "bar_spec": str(entry.spec), "findings": [str(item) for item in report.findings]}
                for entry, report in reports
            ]
        )
    else:
        for entry, report in reports:
            console.result_text(
                f"{entry.instrument_id} {entry.spec}: {entry.rows} bars, {len(report.errors)} errors, {len(report.warnings)} warnings"
            )
            for finding in report.findings:
                console.result_text(f"  {finding}")
    if any(report.errors for _, report in reports):
        raise EvidenceError("The catalog holds unsound bars.", remedy="Import a corrected file with --replace.")
