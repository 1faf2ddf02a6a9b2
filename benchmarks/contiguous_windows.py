"""False-alarm rate of the drift tests on stretches of payments, beside that on shuffled rows.

After `make run`. In each hour of both days the first half of the payments is the reference, and the
first so many payments that follow are the window: minutes later, of the same hour, and in the order
in which they came. Beside it the same hour's payments are shuffled first. The tests are those of
`python -m fraud_core drift`.
"""

import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fraud_core.data.rows import to_transactions
from fraud_core.drift.two_sample.windows import compare_windows, prepare_window
from fraud_core.evaluation.bootstrap import proportion_ci
from fraud_core.pipeline.params import DriftThresholds, read_params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import open_versions

ROWS = 1000
RESULTS = Path(__file__).with_name("results") / "contiguous_windows.json"


def main() -> None:
    """Measure, print and write benchmarks/results/contiguous_windows.json."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    started, data = time.perf_counter(), open_versions("data")
    thresholds = read_params(within_project("params.yaml")).drift
    parts = [to_transactions(version, data.card) for version in (data.v0, data.v1)]
    features = np.concatenate([part.X for part in parts])
    hour = (np.concatenate([part.time_s for part in parts]) // 3600).astype(int)
    record: dict[str, float | int | str] = {"rows": ROWS, "alpha": thresholds.alpha}
    for name, shuffled in (("contiguous", False), ("shuffled", True)):
        rng = np.random.default_rng(1)
        states = []
        for one_hour in np.unique(hour):
            own = np.flatnonzero(hour == one_hour)
            states += state_of(
                features[rng.permutation(own) if shuffled else own],
                data.card.model_features,
                thresholds,
                rng,
            )
        alarmed = sum(state in ("significant", "material") for state in states)
        rate = proportion_ci(alarmed, len(states))
        record |= {
            f"{name}.windows": len(states),
            f"{name}.alarms": alarmed,
            f"{name}.material": states.count("material"),
            f"{name}.rate": rate.value,
            f"{name}.rate_lo": rate.ci_low,
            f"{name}.rate_hi": rate.ci_high,
        }
    record |= {
        "seconds": round(time.perf_counter() - started),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    print(json.dumps(record, indent=1))
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


def state_of(
    rows: np.ndarray, names: Sequence[str], thresholds: DriftThresholds, rng: np.random.Generator
) -> list[str]:
    """State of the window after the first half of one
    hour's rows; none where the second half is too short.
    """
    half = len(rows) // 2
    if len(rows) - half < ROWS:
        return []
    prepared = prepare_window(rows[:half], names, n_bins=thresholds.n_bins, rng=rng)
    window = rows[half : half + ROWS]
    comparison = compare_windows(
        prepared,
        window,
        psi_threshold=thresholds.psi_threshold,
        domain_threshold=thresholds.domain_threshold,
        alpha=thresholds.alpha,
        rng=rng,
    )
    return [comparison.state]


if __name__ == "__main__":
    main()
