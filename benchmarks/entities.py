"""The simulated stream: seconds to simulate and to featurise,
memory, growth with the rows, one payment at a time, and the feature
store: a read of two histories, and a replay that must equal the table.

Each measurement runs in a process of its own, so that its peak of memory is its own: `make bench`.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.features.history import Event
from fraud_core.features.offline import add_features
from fraud_core.features.online import FeatureState

ROUNDS, ASKED = 7, 2_000
HALF = {"n_customers": 2_500, "n_terminals": 5_000, "radius": 5.0 * 2**0.5}
STORED, REPLAYED = (
    StreamSettings(n_customers=1_000, n_terminals=2_000, n_days=60, radius=10.0),
    10_000,
)
ONLINE = StreamSettings(n_customers=1_000, n_terminals=2_000, n_days=60, radius=5.0 * 5**0.5)


def main() -> None:
    """Measure, print and write benchmarks/results/entities.json."""
    if len(sys.argv) > 1:
        acts = {
            "online": online,
            "store": store,
            "half": lambda: offline(True),
            "whole": lambda: offline(False),
        }
        print(json.dumps(acts[sys.argv[1]]()))
        return
    whole, half = [], []
    for _ in range(ROUNDS):
        whole.append(_apart("whole"))
        half.append(_apart("half"))
    record = {
        "simulate.seconds": _median(whole, "simulate"),
        "simulate.rows": whole[0]["rows"],
        "featurise.seconds": _median(whole, "featurise"),
        "featurise.peak_rss_mb": round(max(measured["peak_rss_mb"] for measured in whole)),
        "featurise.half_rows": half[0]["rows"],
        "featurise.half_seconds": _median(half, "featurise"),
        "featurise.ratio_of_twice_the_rows": round(
            _median(whole, "featurise") / _median(half, "featurise"), 2
        ),
        "rounds": ROUNDS,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
    } | {f"state.{name}": value for name, value in _apart("online").items()}
    record |= {f"online.{name}": value for name, value in _apart("store").items()}
    print(json.dumps(record, indent=1))
    Path(__file__).with_name("results").joinpath("entities.json").write_text(
        json.dumps(record, indent=1) + "\n"
    )


def offline(half: bool) -> dict[str, float]:
    """Seconds and memory of a whole stream, or of one
    with half the customers and terminals as dense.
    """
    started = time.perf_counter()
    stream = simulate_stream(StreamSettings(**(HALF if half else {})), seed=1)
    simulated = time.perf_counter()
    add_features(stream)
    featurised = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "rows": stream.height,
        "simulate": simulated - started,
        "featurise": featurised - simulated,
        "peak_rss_mb": peak,
    }


def online() -> dict[str, float]:
    """Milliseconds to answer for one payment from a state of 37 days."""
    stream = simulate_stream(ONLINE, seed=1)
    rows = stream.select(
        "transaction_id", "time", "customer_id", "terminal_id", "amount_eur"
    ).rows()
    state, spent = FeatureState(), []
    for number, row in enumerate(rows):
        event = Event(*row)
        if number >= len(rows) - ASKED:
            started = time.perf_counter()
            state.features(event)
            spent.append(1000 * (time.perf_counter() - started))
        state.add(event)
    return {
        "p50_ms": round(float(np.median(spent)), 2),
        "p99_ms": round(float(np.quantile(spent, 0.99)), 2),
    }


def store() -> dict[str, float]:
    """Milliseconds to read one customer and one terminal
    from Feast in SQLite, and events replayed through it.

    Each of the last events is answered from the store and then taken over; the figures that differ
    from the table's are counted.
    """
    import tempfile

    import polars as pl

    from tests import feature_store as small

    with tempfile.TemporaryDirectory() as scratch:
        stream = simulate_stream(STORED, seed=1)
        table = add_features(stream)
        held = small.hold(Path(scratch), small.before(stream, stream["time"][-REPLAYED]))
        asked = list(
            zip(
                *(
                    stream[f"{kind}_id"][-ASKED:].cast(pl.String)
                    for kind in ("customer", "terminal")
                ),
                strict=True,
            )
        )
        spent = []
        for pair in asked:
            started = time.perf_counter()
            held.read_now(*pair)
            spent.append(1000 * (time.perf_counter() - started))
        mismatches = small.replay(held, stream, table, REPLAYED)
    return {
        "p50_ms": round(float(np.median(spent)), 3),
        "p99_ms": round(float(np.quantile(spent, 0.99)), 3),
        "replayed_events": REPLAYED,
        "mismatches": mismatches,
    }


def _apart(what: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, what], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def _median(rounds: list[dict[str, float]], name: str) -> float:
    return round(float(np.median([measured[name] for measured in rounds])), 2)


if __name__ == "__main__":
    main()
