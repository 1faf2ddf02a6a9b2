"""The drift tests against NannyML and Evidently: speed, false alarms, power, and attacks on labels.

The peers live in an environment of their own, `python -m venv peers && peers/bin/pip install
nannyml evidently "pandas<3" "plotly<6"`; then, after `make run`, `python benchmarks/drift.py
peers/bin/python`. Both sides see the same windows, in one run. Without the argument only our side
is measured and the peers' figures are left out.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fraud_core.data.rows import to_transactions
from fraud_core.drift.attribution.discrepancy import LabelledWindow
from fraud_core.drift.attribution.scenarios import make_pool, simulate
from fraud_core.drift.monitoring.reference_histogram import build_reference
from fraud_core.drift.monitoring.stream_monitor import StreamMonitor
from fraud_core.drift.study.injected_changes import one_feature, stability_index
from fraud_core.drift.two_sample.windows import alarms, compare_windows, prepare_window
from fraud_core.pipeline.storage.dataset_versions import open_versions

LARGE, REFERENCE, WINDOWS, ALPHA = 140_000, 20_000, 25, 0.05


def main(peers: str | None) -> None:
    """Measure, print and write benchmarks/results/drift.json."""
    rng = np.random.default_rng(1)
    data = open_versions("data")
    v0, v1 = to_transactions(data.v0, data.card), data.holdout
    # thirty columns: the features and the amount, and the time, as the tables have them
    large = [np.column_stack([part.time_s, part.X])[:LARGE].astype(np.float64) for part in (v0, v1)]
    pool = np.concatenate([v0.X, v1.X])
    order = rng.permutation(len(pool))
    reference, rest = pool[order[:REFERENCE]], pool[order[REFERENCE:]]
    windows = make_windows(reference, rest, rng)
    started = time.perf_counter()
    names = [str(k) for k in range(large[0].shape[1])]
    compare_large(large, names, rng)
    first = time.perf_counter() - started
    started = time.perf_counter()
    compare_large(large, names, rng)
    metrics = {
        "rows": LARGE,
        "columns": large[0].shape[1],
        "windows_of_each": WINDOWS,
        "reference_rows": REFERENCE,
        "ours_seconds": round(time.perf_counter() - started, 2),
        "ours_first_call_seconds": round(first, 2),
        "monitor_row_microseconds": monitor_row(reference),
        "monitor_kilobytes": monitor_memory(reference),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }
    prepared = prepare_window(reference, names[: reference.shape[1]], n_bins=10, rng=rng)
    for name, sets in windows.items():
        metrics[f"alarms.{name}.ours"] = float(
            np.mean(
                [any(alarms(prepared, window, alpha=ALPHA, rng=rng).values()) for window in sets]
            )
        )
    if peers:
        theirs = run_peers(peers, reference, large, windows)
        metrics |= {f"{name}_seconds": seconds for name, seconds in theirs["seconds"].items()}
        metrics |= {
            f"alarms.{key}.{peer}": v
            for key, by in theirs["alarms"].items()
            for peer, v in by.items()
        }
        metrics["ratio_to_fastest_peer"] = round(
            min(theirs["seconds"].values()) / metrics["ours_seconds"], 1
        )
    print(json.dumps(metrics, indent=1))
    Path(__file__).with_name("results").joinpath("drift.json").write_text(
        json.dumps(metrics, indent=1) + "\n"
    )


def compare_large(
    large: Sequence[np.ndarray], names: Sequence[str], rng: np.random.Generator
) -> None:
    """Compare the large pair of windows by every test, the reference made ready first."""
    prepared = prepare_window(large[0], names, n_bins=10, rng=rng)
    compare_windows(
        prepared, large[1], psi_threshold=0.1, domain_threshold=0.6, alpha=ALPHA, rng=rng
    )


def make_windows(
    reference: np.ndarray, rest: np.ndarray, rng: np.random.Generator
) -> dict[str, list[np.ndarray]]:
    """Unchanged windows, windows with one change, and
    the features of windows whose labels are attacked.
    """

    def draw(n_rows: int) -> list[np.ndarray]:
        return [rest[rng.choice(len(rest), n_rows, replace=False)] for _ in range(WINDOWS)]

    tilt, move = (
        stability_index(0.1, reference, n_bins=10),
        one_feature(0.25, reference.std(axis=0)),
    )
    attacked = {}
    labels = (np.arange(len(rest)) % 500 == 0).astype(int)
    whole = make_pool(LabelledWindow(rest, labels, np.zeros(len(rest))), np.zeros(len(rest), bool))
    for cause in ("suppressed_labels", "spurious_labels"):
        features = simulate([whole], cause, 0.5, rng=rng)[1].X
        attacked[cause] = [
            features[rng.choice(len(features), 5000, replace=False)] for _ in range(WINDOWS)
        ]
    return {
        "none_1000": draw(1000),
        "none_5000": draw(5000),
        "psi_010_2000": [tilt(window, rng) for window in draw(2000)],
        "one_feature_5000": [move(window, rng) for window in draw(5000)],
    } | attacked


def monitor_row(reference: np.ndarray) -> float:
    """Microseconds of one row in the stream monitor,
    its blocks included; the best of seven rounds.
    """
    names = [*(str(k) for k in range(reference.shape[1])), "score"]
    built = build_reference(np.column_stack([reference, reference[:, 0]]), names, n_bins=20)
    monitor, rows, best = StreamMonitor(built), list(reference[:4096]), np.inf
    for _ in range(7):
        started = time.perf_counter()
        for row in rows:
            monitor.observe(row, 0.1, 0.0)
        best = min(best, (time.perf_counter() - started) / len(rows))
    return round(best * 1e6, 2)


def monitor_memory(reference: np.ndarray) -> float:
    """Kilobytes that a monitor of thirty variables holds
    after more rows than its windows do, reference included.
    """
    names = [*(str(k) for k in range(reference.shape[1])), "score"]
    rows = np.column_stack([reference, reference[:, 0]])
    build_reference(rows, names, n_bins=20)  # what NumPy imports on the way is not the monitor's
    tracemalloc.start()
    monitor = StreamMonitor(build_reference(rows, names, n_bins=20), window_rows=10_000)
    for hour in range(12):
        monitor.observe_many(reference, reference[:, 0], 3600.0 * hour)
    monitor.verdict("rows", 12 * 3600.0)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return round(held / 1000, 1)


def run_peers(
    python: str,
    reference: np.ndarray,
    large: Sequence[np.ndarray],
    windows: Mapping[str, Sequence[np.ndarray]],
) -> dict[str, Any]:
    """The peers' figures on the same windows, from their environment."""
    with tempfile.TemporaryDirectory() as folder:
        # Any: NumPy's types take a name of unknown text for savez's own allow_pickle
        arrays: dict[str, Any] = {
            f"windows_{name}": np.array(sets) for name, sets in windows.items()
        }
        np.savez(
            Path(folder) / "task.npz",
            reference=reference,
            large_reference=large[0],
            large_current=large[1],
            **arrays,
        )
        script = Path(__file__).with_name("drift_peers.py")
        quiet = os.environ | {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
        subprocess.run([python, str(script), folder], check=True, env=quiet)
        return json.loads((Path(folder) / "found.json").read_text())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
