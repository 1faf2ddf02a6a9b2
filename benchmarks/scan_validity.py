"""Alarm rate of the scan on clean labels that it was not built on: other tables, other hours.

After `make run`. Every label is true, so every alarm is a false one. The scan is that of `python -m
fraud_core scan` as it is; its constants were chosen on day 1 of the ULB data, and this is what they
are worth elsewhere.
"""

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import catboost
import numpy as np
import polars as pl

from fraud_core.data.rows import Transactions
from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.entities.study import to_events
from fraud_core.evaluation.bootstrap import proportion_ci
from fraud_core.features.offline import DAY_SECONDS, add_features
from fraud_core.pipeline.storage.dataset_versions import open_audit, open_versions
from fraud_core.poisoning.detection import label_scan as scan
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores
from fraud_core.poisoning.detection.quantised_pool import quantise

TABLES, STREAMS, BLOCK_HOURS = 20, 20, 4
ROWS, COLUMNS, FRAUD_SHARE, TRUSTED_SHARE = 40_000, 12, 0.03, 0.2
STREAM = {"n_customers": 500, "n_terminals": 1000, "n_days": 45, "radius": 16.0}
FIRST_DAY = 15
NULL_DRAWS = 4000
# Rows that rank with the trusted frauds, trusted and scanned, and the true share of legitimate ones
# among them.
NULL_CASES = {
    "few": (60, 300, 0.2),
    "more": (150, 1500, 0.2),
    "many": (400, 4000, 0.2),
    "mixed": (150, 1500, 0.5),
}
RESULTS = Path(__file__).with_name("results") / "scan_validity.json"


def main() -> None:
    """Measure, print and write benchmarks/results/scan_validity.json."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    started, record = time.perf_counter(), {}
    for name, tables in FAMILIES.items():
        record |= alarms_of(name, tables())
        print(f"{name}: {record[f'{name}.alarms']} of {record[f'{name}.tables']} alarm", flush=True)
    record |= null_tests(np.random.default_rng(1)) | {
        "nominal": scan.ALPHA,
        "seconds": round(time.perf_counter() - started),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "catboost": catboost.__version__,
    }
    print(json.dumps(record, indent=1))
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


def categorical() -> Iterator[Transactions]:
    """Tables of categorical-like columns: a few levels
    each, some rare, and frauds that follow from the levels.
    """
    for seed in range(TABLES):
        rng = np.random.default_rng([1, seed])
        levels = rng.integers(2, 9, COLUMNS)
        shares = [rng.dirichlet(np.full(n, 0.7)) for n in levels]
        columns = [rng.choice(n, ROWS, p=share) for n, share in zip(levels, shares, strict=True)]
        score = sum(
            (rng.normal(0, 0.8, n)[column] for n, column in zip(levels, columns, strict=True)),
            start=np.zeros(ROWS),
        )
        yield labelled(np.column_stack(columns).astype(float), score, rng)


def labelled(features: np.ndarray, score: np.ndarray, rng: np.random.Generator) -> Transactions:
    """Rows whose chance of fraud follows a score, with
    the wished share of frauds; the last rows are trusted.
    """
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high)
            if np.mean(1 / (1 + np.exp(-score - middle))) < FRAUD_SHARE
            else (low, middle)
        )
    y_true = (rng.random(len(score)) < 1 / (1 + np.exp(-score - low))).astype(int)
    return with_trusted(features, y_true)


def with_trusted(features: np.ndarray, y_true: np.ndarray) -> Transactions:
    """Rows of which the last share is trusted; amounts play no part in the scan."""
    trusted = np.arange(len(y_true)) >= round((1 - TRUSTED_SHARE) * len(y_true))
    return Transactions(features, y_true, np.ones(len(y_true)), is_validation=trusted)


def credit_default() -> Iterator[Transactions]:
    """Credit default with defaults left out until their
    share is that of the other tables; rows in random order.
    """
    audit = open_audit("data")
    if audit is None:
        raise SystemExit("error: data holds no table for the audit; run `make run`")
    table, card = audit
    label = card.only("label")
    features, y_true = (
        table.select(card.names("feature")).to_numpy().astype(float),
        table[label].to_numpy(),
    )
    kept = round(FRAUD_SHARE / (1 - FRAUD_SHARE) * int(np.sum(y_true == 0)))
    for seed in range(TABLES):
        rng = np.random.default_rng([2, seed])
        rows = np.concatenate(
            [
                np.flatnonzero(y_true == 0),
                rng.choice(np.flatnonzero(y_true == 1), kept, replace=False),
            ]
        )
        rows = rng.permutation(rows)
        yield with_trusted(features[rows], y_true[rows])


def streams() -> Iterator[Transactions]:
    """Simulated payments with the history of customers and terminals, in order of time."""
    for seed in range(STREAMS):
        featured = add_features(simulate_stream(StreamSettings(**STREAM), seed=seed))
        events = to_events(featured.filter(pl.col("time") >= FIRST_DAY * DAY_SECONDS))
        yield with_trusted(events.matrix(tuple(events.columns)).astype(float), events.y_true)


def ulb_blocks() -> Iterator[Transactions]:
    """Day 1 of the ULB data with each other block of hours
    instead of the last one, which is the usual choice.
    """
    rows, data = open_versions("data").training_rows, open_versions("data")
    block = (data.v0["Time"].to_numpy() // (BLOCK_HOURS * 3600)).astype(int)
    for number in range(block.max()):
        yield Transactions(rows.X, rows.y_observed, rows.amount_eur, is_validation=block == number)


FAMILIES: dict[str, Callable[[], Iterator[Transactions]]] = {
    "categorical": categorical,
    "credit_default": credit_default,
    "streams": streams,
    "other_hours": ulb_blocks,
}


def alarms_of(name: str, tables: Iterator[Transactions]) -> dict[str, float | int]:
    """How many clean tables alarm, with an exact interval,
    of which kinds, and how many clean rows are suspected.
    """
    kinds, suspected, n_rows, n_tables, alarmed, unknown = Counter(), [], [], 0, 0, 0
    for rows in tables:
        if rows.y_observed[rows.is_validation].sum() < scan.FEWEST_TRUSTED_FRAUDS:
            unknown += 1
            continue
        quantised = quantise(rows.X)
        audit = scan.detect(
            rows, out_of_fold_scores(rows, seed=1, quantised=quantised), seed=1, quantised=quantised
        )
        n_tables, alarmed = n_tables + 1, alarmed + audit.poisoned
        kinds.update({finding.kind for finding in audit.findings})
        if audit.poisoned:
            suspected.append(int(audit.suspicious.sum()))
            n_rows.append(len(rows.y_observed))
    rate = proportion_ci(alarmed, n_tables)
    return {
        f"{name}.tables": n_tables,
        f"{name}.alarms": alarmed,
        f"{name}.too_few_frauds": unknown,
        f"{name}.rate": rate.value,
        f"{name}.rate_lo": rate.ci_low,
        f"{name}.rate_hi": rate.ci_high,
        f"{name}.suspected_rows": round(float(np.mean(suspected))) if suspected else 0,
        f"{name}.rows": round(float(np.mean(n_rows))) if n_rows else 0,
    } | {f"{name}.kinds.{kind.replace(' ', '_')}": count for kind, count in sorted(kinds.items())}


def null_tests(rng: np.random.Generator) -> dict[str, float]:
    """How often the test for hidden frauds alarms where
    trusted and scanned rows mix alike, by its own code.
    """
    rates_by_case = {}
    for name, (n_trusted, n_scanned, mixed) in NULL_CASES.items():
        trusted = np.arange(n_trusted + n_scanned) < n_trusted
        log_odds = np.ones(len(trusted))
        alarmed = 0
        for _ in range(NULL_DRAWS):
            y = (rng.random(len(trusted)) >= mixed).astype(int)
            _, p_value, _ = scan._hidden_frauds(y, trusted, log_odds, 0.0, 0.0)
            alarmed += p_value < scan.ALPHA
        rate = proportion_ci(alarmed, NULL_DRAWS)
        rates_by_case |= {
            f"null.{name}.rate": rate.value,
            f"null.{name}.rate_lo": rate.ci_low,
            f"null.{name}.rate_hi": rate.ci_high,
        }
    rates = [rates_by_case[f"null.{name}.rate"] for name in NULL_CASES]
    return rates_by_case | {
        "null.draws": NULL_DRAWS,
        "null.rate_least": min(rates),
        "null.rate_most": max(rates),
    }


if __name__ == "__main__":
    main()
