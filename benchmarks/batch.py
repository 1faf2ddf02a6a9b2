"""Batch scoring: rows a second and memory of `fraud score`, and the compiled sum against NumPy's.

After `make run`. The payments of v1 are repeated to a table of ten million rows in parquet and to
one of two million in CSV, in a folder of their own that is removed afterwards (some five
gigabytes). Each is scored by the command in a process of its own; its seconds are wall time on this
machine's cores and its memory is the largest resident set. The two scorers take turns in one
process on the same rows; their ratio is one of CPU time.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from fraud_core.bundle.load import Bundle, load_bundle
from fraud_core.pipeline.batch.compiled_trees import log_odds_of_many
from fraud_core.pipeline.paths import CHAMPION, within_project
from fraud_core.pipeline.storage.dataset_versions import open_versions

PARQUET_ROWS, CSV_ROWS, ROUNDS = 10_000_000, 2_000_000, 7
GOAL_ROWS_PER_S, GOAL_MIB = 500_000, 1024
RESULTS = Path(__file__).with_name("results") / "batch.json"


def main() -> None:
    """Measure, print and write benchmarks/results/batch.json."""
    bundle, v1 = load_bundle(within_project(CHAMPION)).bundle, open_versions("data").v1
    record = scorers(bundle, v1) | {"rounds": ROUNDS}
    with tempfile.TemporaryDirectory(dir=within_project(".")) as folder:
        for name, n_rows in (("parquet", PARQUET_ROWS), ("csv", CSV_ROWS)):
            table = repeated(v1, n_rows, Path(folder) / f"payments.{name}")
            record |= {f"{name}.{key}": value for key, value in scored(table).items()}
            table.unlink()
    record |= {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "polars": pl.__version__,
        "goals": {
            "rows a second, parquet": {
                "figure": record["parquet.rows_per_s"],
                "at_least": GOAL_ROWS_PER_S,
                "reached": record["parquet.rows_per_s"] >= GOAL_ROWS_PER_S,
            },
            "rows a second, CSV": {
                "figure": record["csv.rows_per_s"],
                "at_least": GOAL_ROWS_PER_S,
                "reached": record["csv.rows_per_s"] >= GOAL_ROWS_PER_S,
            },
            "MiB for ten million rows": {
                "figure": record["parquet.peak_mib"],
                "at_most": GOAL_MIB,
                "reached": record["parquet.peak_mib"] <= GOAL_MIB,
            },
        },
    }
    print(json.dumps(record, indent=1))
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


def scorers(bundle: Bundle, v1: pl.DataFrame) -> dict[str, float]:
    """CPU time of NumPy over that of the compiled sum, in turns, and how many bits differ."""
    values = v1.select(bundle.contract.model_features).to_numpy().astype(np.float32)
    by_numpy, compiled = bundle.trees.log_odds(values), log_odds_of_many(bundle.trees, values)
    ratios = []
    for _ in range(ROUNDS):
        started = time.process_time()
        by_numpy = bundle.trees.log_odds(values)
        between = time.process_time()
        compiled = log_odds_of_many(bundle.trees, values)
        ratios.append((between - started) / (time.process_time() - between))
    return {
        "scorer_ratio": round(float(np.median(ratios)), 1),
        "scorer_ratio_minimum": round(min(ratios), 1),
        "scorer_ratio_maximum": round(max(ratios), 1),
        "differing_bits": int(np.sum(by_numpy != compiled)),
    }


def repeated(v1: pl.DataFrame, n_rows: int, path: Path) -> Path:
    """A table of so many payments, written in pieces."""
    pieces = [v1.head(min(v1.height, n_rows - k)) for k in range(0, n_rows, v1.height)]
    if path.suffix == ".csv":
        with path.open("wb") as out:
            for number, piece in enumerate(pieces):
                piece.write_csv(out, include_header=number == 0)
        return path
    with pq.ParquetWriter(path, v1.to_arrow().schema, compression="zstd") as out:
        for piece in pieces:
            out.write_table(piece.to_arrow())
    return path


def scored(table: Path) -> dict[str, float | int]:
    """What the command needs for a table: rows, seconds, rows a second and memory."""
    out = table.with_name("scores.parquet")
    code = (
        "import resource, runpy, sys; sys.argv[0] = 'fraud'\n"
        "try:\n    runpy.run_module('fraud_core', run_name='__main__')\n"
        "finally:\n    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "score", str(table), "--out", str(out), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    (result,) = json.loads(ran.stdout)
    peak_kib = int(ran.stderr.strip().splitlines()[-1])
    out.unlink()
    return {
        "rows": result["rows"],
        "seconds": round(result["seconds"], 2),
        "rows_per_s": round(result["rows"] / result["seconds"]),
        "peak_mib": round(peak_kib / 1024),
        "rejected": result["rejected"],
    }


if __name__ == "__main__":
    main()
