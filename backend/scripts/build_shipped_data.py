"""Build the market data that ships with ats from a public-domain source.

    pip download bokeh_sampledata==2026.1 --no-deps
    unzip bokeh_sampledata-2026.1-*.whl 'bokeh_sampledata/_data/stocks.csv.gz'
    python scripts/build_shipped_data.py bokeh_sampledata/_data/stocks.csv.gz

Prints the SHA-256 of the source and of the result; `ats/data/shipped/README.md` records both.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

SOURCE_SHA256 = "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd"
RESULT = Path(__file__).resolve().parents[1] / "ats" / "data" / "shipped" / "us_daily_2000_2013.parquet"
SCHEMA = pa.schema(
    [
        ("symbol", pa.string()),
        ("date", pa.date32()),
        *((name, pa.float64()) for name in ("open", "high", "low", "close")),
        ("volume", pa.int64()),
        ("adj_close", pa.float64()),
    ]
)


def build(source: Path, result: Path) -> str:
    """Write the Parquet file and return its SHA-256. Raises SystemExit when the source is not the one recorded."""
    found = hashlib.sha256(source.read_bytes()).hexdigest()
    if found != SOURCE_SHA256:
        raise SystemExit(f"{source}: SHA-256 is {found}, not {SOURCE_SHA256}; use stocks.csv.gz of bokeh_sampledata 2026.1.")
    table = pyarrow.csv.read_csv(pa.input_stream(source, compression="gzip"))
    renamed = table.rename_columns(["symbol", "date", "open", "high", "low", "close", "volume", "adj_close"])
    ordered = renamed.take(pc.sort_indices(renamed, sort_keys=[("symbol", "ascending"), ("date", "ascending")]))
    pq.write_table(ordered.cast(SCHEMA), result, compression="zstd", compression_level=19)
    return hashlib.sha256(result.read_bytes()).hexdigest()


if __name__ == "__main__":
    print(f"source {SOURCE_SHA256}")
    print(f"result {build(Path(sys.argv[1]), RESULT)}")
