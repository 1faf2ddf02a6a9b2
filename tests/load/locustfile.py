"""Callers: `Till` replays the payments of day 2 as they occurred, by single scores, decisions
and batches; `Shop` asks for decisions on customers and terminals of the simulated stream.

Beyond the limits of the environment (LOAD_P95_MS, LOAD_ERROR_SHARE) the run ends with exit code 1.
"""

import csv
import functools
import itertools
import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path

from locust import FastHttpUser, constant, events, task

ROWS = 5_000
BATCH = 20
PAYMENTS = Path(os.environ.get("LOAD_PAYMENTS", "data/v1/transactions_2023.csv"))


def read_payments(path):
    """The first payments of a table, without the label."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = itertools.islice(csv.DictReader(file), ROWS)
        return [
            {name: float(value) for name, value in row.items() if name != "Class"} for row in rows
        ]


@functools.cache
def payments():
    """The payments one after another, over and over."""
    return itertools.cycle(read_payments(PAYMENTS))


NUMBER = itertools.count()


def decision_request():
    return {
        "transaction_id": f"load-{os.getpid()}-{next(NUMBER)}",
        "occurred_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "features": next(payments()),
    }


class Till(FastHttpUser):
    """Asks again as soon as it was answered, twelve times
    for a score, six for a decision, once for a batch.
    """

    wait_time = constant(0)

    def on_start(self):
        key = os.environ.get("LOAD_KEY")
        self.client.default_headers = {"Authorization": f"Bearer {key}"} if key else {}

    @task(12)
    def score(self):
        self.client.post("/predict", json=next(payments()))

    @task(6)
    def decide(self):
        self.client.post("/v1/decisions", json=decision_request())

    @task(1)
    def decide_batch(self):
        body = {"items": [{"request": decision_request()} for _ in range(BATCH)]}
        with self.client.post("/v1/decisions:batch", json=body, catch_response=True) as answer:
            if answer.status_code == 200 and any(
                item["status"] != 200 for item in answer.json()["items"]
            ):
                answer.failure("an item of the batch was not decided")


class Shop(FastHttpUser):
    """Asks for decisions on named customers and
    terminals, each at random and known to the store.
    """

    wait_time = constant(0)
    customers, terminals = (
        int(each) for each in os.environ.get("LOAD_ENTITIES", "2000,4000").split(",")
    )
    occurred_at = os.environ.get("LOAD_OCCURRED_AT", "2025-05-06T12:00:00Z")

    def on_start(self):
        key = os.environ.get("LOAD_KEY")
        self.client.default_headers = {"Authorization": f"Bearer {key}"} if key else {}

    @task
    def decide(self):
        named = {
            "customer_id": str(random.randrange(self.customers)),
            "terminal_id": str(random.randrange(self.terminals)),
            "amount_eur": round(random.lognormvariate(3.5, 1.0), 2),
        }
        number = f"shop-{os.getpid()}-{next(NUMBER)}"
        self.client.post(
            "/v1/decisions",
            json={"transaction_id": number, "occurred_at": self.occurred_at, "entities": named},
        )


@events.quitting.add_listener
def judge(environment, **_):
    """Exit code 1 beyond the limits."""
    total = environment.stats.total
    limit, share = (
        float(os.environ.get("LOAD_P95_MS", "100")),
        float(os.environ.get("LOAD_ERROR_SHARE", "0.001")),
    )
    p95 = total.get_response_time_percentile(0.95) or 0.0
    failed = total.num_requests == 0 or total.fail_ratio > share or p95 > limit
    print(
        f"p95 {p95:.0f} ms (limit {limit:.0f}), errors {total.fail_ratio:.4%} (limit {share:.2%})",
        flush=True,
    )
    environment.process_exit_code = 1 if failed else 0
    if "LOAD_STATS" in os.environ:
        found = {
            entry.name: measured(entry) for entry in [*environment.stats.entries.values(), total]
        }
        Path(os.environ["LOAD_STATS"]).write_text(json.dumps(found), encoding="utf-8")


def measured(entry):
    """Requests, failures, requests a second and percentiles of one endpoint."""
    percentiles = {
        f"p{share}_ms": entry.get_response_time_percentile(share / 100) for share in (50, 95, 99)
    }
    return {
        "requests": entry.num_requests,
        "failures": entry.num_failures,
        "rps": round(entry.total_rps, 1),
    } | percentiles
