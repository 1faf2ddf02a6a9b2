"""The stream monitor beside ADWIN and Page–Hinkley of
river: false alarms, detection, delay and cost on streams.

river lives in an environment of its own, `python -m venv river && river/bin/pip install river`;
then `python benchmarks/drift_streams.py river/bin/python`. Both sides see the same streams: rows of
thirty standard normal columns, of which one moves by half a standard deviation half way, or spreads
by half, or none changes. river watches each column by a detector of its own at its defaults, and
any alarm counts, as for a monitor without control of many tests; beside it ADWIN with its
confidence divided by the number of columns. Ours is evaluated once for every thousand rows; any
significant change counts, or, beside it, one of practical size alone.
"""

# river is installed for this benchmark only:
# pyright: reportMissingImports=false
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROWS, COLUMNS, STREAMS, REFERENCE, EVERY, MOVE = 10_000, 30, 30, 20_000, 1000, 0.5
KINDS = ("none", "one_moves", "one_spreads")
DETECTORS = ("adwin", "adwin_divided", "page_hinkley")


def main(python: str) -> None:
    """Measure, print and write benchmarks/results/drift_streams.json."""
    streams = {kind: make_streams(kind) for kind in KINDS}
    metrics: dict = {
        "rows": ROWS,
        "columns": COLUMNS,
        "streams": STREAMS,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    # Any: NumPy's types take a name of unknown text for savez's own allow_pickle
    arrays: dict[str, Any] = {kind: np.array(part) for kind, part in streams.items()}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "streams.npz", **arrays)
        subprocess.run([python, str(Path(__file__)), "--peers", folder], check=True)
        alarms = json.loads((Path(folder) / "found.json").read_text())
    alarms |= {
        "ours": watch(streams, ("significant", "material")),
        "ours_material": watch(streams, ("material",)),
    }
    for name, by in alarms.items():
        metrics[f"microseconds_a_row.{name}"] = by["microseconds_a_row"]
        metrics |= {
            f"{kind}.{key}.{name}": v
            for kind in streams
            for key, v in summary(by[kind], kind).items()
        }
    print(json.dumps(metrics, indent=1))
    Path(__file__).with_name("results").joinpath("drift_streams.json").write_text(
        json.dumps(metrics, indent=1) + "\n"
    )


def make_streams(kind: str) -> list[np.ndarray]:
    """Streams of one kind, each shape (ROWS, COLUMNS)."""
    rng = np.random.default_rng(1)
    out = [rng.normal(size=(ROWS, COLUMNS)) for _ in range(STREAMS)]
    for stream in out if kind != "none" else []:
        late = stream[ROWS // 2 :, rng.integers(COLUMNS)]
        late[:] = late + MOVE if kind == "one_moves" else late * (1 + MOVE)
    return out


def summary(first_alarms: list[int | None], kind: str) -> dict[str, float]:
    """Share of the streams with an alarm before the middle
    and after it, and the median rows until the one after.
    """
    early = [row is not None and row < ROWS // 2 for row in first_alarms]
    late = [row - ROWS // 2 for row in first_alarms if row is not None and row >= ROWS // 2]
    out: dict[str, float] = {"alarmed_before_the_middle": round(float(np.mean(early)), 3)}
    out["alarmed_after_the_middle"] = round(len(late) / len(early), 3)
    return out | (
        {"median_rows_to_alarm": float(np.median(late))} if late and kind != "none" else {}
    )


def watch(streams: dict[str, list[np.ndarray]], states: tuple[str, ...]) -> dict:
    """First row of each stream at which the monitor,
    judged at intervals, calls it one of the states.
    """
    from fraud_core.drift.monitoring.reference_histogram import build_reference
    from fraud_core.drift.monitoring.stream_monitor import StreamMonitor

    rng, out, spent = np.random.default_rng(2), {}, 0.0
    names = [*(str(k) for k in range(COLUMNS - 1)), "score"]
    reference = build_reference(rng.normal(size=(REFERENCE, COLUMNS)), names, n_bins=20)
    for kind, part in streams.items():
        out[kind] = []
        for stream in part:
            started, monitor, first = time.perf_counter(), StreamMonitor(reference), None
            for end in range(EVERY, ROWS + 1, EVERY):
                for row in stream[end - EVERY : end]:
                    monitor.observe(row[:-1], row[-1], 0.0)
                if first is None and monitor.verdict("rows", 0.0).state in states:
                    first = end - 1
            spent += time.perf_counter() - started
            out[kind].append(first)
    return out | {"microseconds_a_row": round(1e6 * spent / (len(KINDS) * STREAMS * ROWS), 2)}


def watch_peers(folder: Path) -> None:
    """First row of each stream at which any column's
    detector alarms; runs in river's environment.
    """
    from river import drift

    make = {
        "adwin": drift.ADWIN,
        "adwin_divided": lambda: drift.ADWIN(delta=0.002 / COLUMNS),
        "page_hinkley": drift.PageHinkley,
    }
    task, watched = np.load(folder / "streams.npz"), {}
    for name in DETECTORS:
        watched[name], rows, started = {}, 0, time.perf_counter()
        for kind in task.files:
            watched[name][kind] = []
            for stream in task[kind].tolist():
                detectors, first = [make[name]() for _ in range(COLUMNS)], None
                for place, row in enumerate(stream):
                    for detector, value in zip(detectors, row, strict=True):
                        detector.update(value)
                    rows += 1
                    if any(detector.drift_detected for detector in detectors):
                        first = place
                        break
                watched[name][kind].append(first)
        watched[name]["microseconds_a_row"] = round(1e6 * (time.perf_counter() - started) / rows, 2)
    (folder / "found.json").write_text(json.dumps(watched))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(
            "expected the python of an environment with river; see the first lines of this file"
        )
    watch_peers(Path(sys.argv[2])) if sys.argv[1] == "--peers" else main(sys.argv[1])
