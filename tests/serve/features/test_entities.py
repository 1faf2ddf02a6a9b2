"""Decisions on named entities, from the request over
the feature store to the history of the next payment.
"""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from litestar.testing import TestClient

from fraud_core.bundle.load import load_bundle
from fraud_core.features.history import EMPTY, Event, append_event
from serve.app import create_app
from serve.features.entities import EntityHistories, featurise
from serve.settings import read_settings
from tests.conftest import ROOT
from tests.feature_store import make_project, needs_feast, sqlite_config
from tests.waiting import wait_until, wait_until_ended

DAY = 86_400
TTL = 38 * DAY


@pytest.fixture(scope="session")
def entity_project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("entities")
    return folder, make_project(folder)


@pytest.fixture(scope="session")
def contract(entity_project):
    return load_bundle(entity_project[1]).bundle.contract


def featurised(contract, histories_read, time=100 * DAY):
    return featurise(Event("t-9", time, "c", "m", 12.5), histories_read, contract, TTL)


def test_features_stand_in_the_order_of_the_model(contract):
    history = append_event(EMPTY, Event("t-1", 100 * DAY - 60, "c", "m", 20.0), TTL)
    made = featurised(contract, EntityHistories(history, history, 100 * DAY - 60, 100 * DAY - 60))
    features = dict(zip(contract.model_features, made.values.tolist(), strict=True))
    assert features["amount_eur"] == 12.5
    assert features["customer_mean_amount_1d"] == 20.0
    assert features["seconds_since_last"] == 60
    assert made.refused == ()
    assert made.freshness.customer_seconds == 60


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (None, "ENTITY_UNKNOWN"),
        (100 * DAY - TTL - 1, "ENTITY_STALE"),
        (101 * DAY + 1, "EVENT_LATE"),
    ],
)
def test_what_cannot_be_relied_on_is_said(contract, at, code):
    made = featurised(contract, EntityHistories(EMPTY, EMPTY, at, 100 * DAY))
    assert [(reason.code, reason.feature) for reason in made.refused] == [(code, "customer_id")]
    assert made.freshness.customer_seconds == (None if at is None else 100 * DAY - at)


def test_model_of_payments_takes_no_entities(client):
    body = {
        "transaction_id": "t-1",
        "occurred_at": "2026-01-31T12:00:00Z",
        "entities": {"customer_id": "c", "terminal_id": "m", "amount_eur": 5.0},
    }
    answer = client.post("/v1/decisions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "entities_not_served")


class TestWithoutStore:
    """The model of entities by its features alone."""

    @pytest.fixture
    def client(self, environment, entity_project):
        with TestClient(
            create_app(read_settings(environment | {"FRAUD_MODEL_DIR": str(entity_project[1])}))
        ) as client:
            yield client

    def payment(self, contract, **changed):
        return {field.name: 0.0 for field in contract.fields} | changed

    def test_null_is_taken_where_nothing_may_be_known_and_nowhere_else(self, client, contract):
        nulls = {field.name: None for field in contract.fields if field.nullable}
        answer = client.post("/predict?reasons=true", json=self.payment(contract, **nulls))
        assert answer.status_code == 200
        assert 0 <= answer.json()["fraud_probability"] <= 1
        refused = client.post("/predict", json=self.payment(contract, customer_count_1d=None))
        assert (refused.status_code, refused.json()["field"]) == (400, "customer_count_1d")

    def test_document_says_which_fields_may_be_null(self, client):
        paths = client.get("/docs/openapi.json").json()["paths"]
        schema = paths["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert schema["properties"]["terminal_risk_7d"]["type"] == ["number", "null"]
        decision = paths["/v1/decisions"]["post"]["requestBody"]["content"]["application/json"][
            "schema"
        ]
        assert decision["oneOf"] == [{"required": ["features"]}, {"required": ["entities"]}]


@needs_feast
@pytest.mark.slow
@pytest.mark.xdist_group("feast")
class TestWithStore:
    @pytest.fixture
    def setting(self, environment, entity_project, tmp_path):
        from feature_repo.load import backfill, open_store

        folder, bundle = entity_project
        config = sqlite_config(tmp_path / "feast")
        backfill(open_store(config), folder / "data" / "features")
        return environment | {"FRAUD_MODEL_DIR": str(bundle), "FRAUD_FEATURE_STORE": str(config)}

    @pytest.fixture
    def client(self, setting):
        with TestClient(create_app(read_settings(setting))) as client:
            yield client

    @pytest.fixture
    def known(self, entity_project):
        """A customer and a terminal of the store, and an instant just after the last event."""
        import polars as pl

        rows = {
            kind: pl.read_parquet(
                entity_project[0] / "data" / "features" / f"{kind}s.parquet"
            ).sort("event_timestamp")[-1]
            for kind in ("customer", "terminal")
        }
        last = max(row["event_timestamp"][0] for row in rows.values())
        return (
            rows["customer"]["customer_id"][0],
            rows["terminal"]["terminal_id"][0],
            last + timedelta(seconds=60),
        )

    def ask(self, client, known, number=0, later=0, **changed):
        customer, terminal, at = known
        body = {
            "transaction_id": f"t-{number}",
            "occurred_at": (at + timedelta(seconds=later)).isoformat(),
            "entities": {"customer_id": customer, "terminal_id": terminal, "amount_eur": 25.0}
            | changed,
        }
        return client.post("/v1/decisions", json=body)

    def test_decision_says_how_fresh_its_features_are(self, client, known):
        answer = self.ask(client, known)
        assert answer.status_code == 200
        guarantees = answer.json()["guarantees"]
        assert guarantees["features"] == "from the store"
        assert guarantees["freshness"]["customer_seconds"] >= 60
        assert answer.json()["decision"] != "abstain"

    def test_unknown_and_stale_entities_are_abstained_on_with_the_reason(self, client, known):
        unknown = self.ask(client, known, customer_id="nobody").json()
        assert (unknown["decision"], unknown["reasons"][0]["code"]) == ("abstain", "ENTITY_UNKNOWN")
        stale = self.ask(client, known, number=1, later=TTL).json()
        assert (stale["decision"], stale["reasons"][0]["code"]) == ("abstain", "ENTITY_STALE")
        words = client.get(f"/v1/decisions/{unknown['decision_id']}/reasons").json()
        assert words["reasons"][0]["words"] == "customer_id was never seen before."
        assert not words["turning_values"]

    def test_payment_from_the_future_is_refused_before_it_can_push_out_the_past(
        self, client, known
    ):
        ahead = (known[0], known[1], datetime.now(UTC) + timedelta(hours=1))
        answer = self.ask(client, ahead)
        assert (answer.status_code, answer.json()["field"]) == (400, "occurred_at")
        assert self.ask(client, (*ahead[:2], datetime.now(UTC))).status_code == 200

    def test_wrong_entities_are_named(self, client, known):
        for changed, field in (
            ({"amount_eur": -1}, "amount_eur"),
            ({"shop": "x"}, "shop"),
            ({"customer_id": 7}, "customer_id"),
        ):
            answer = self.ask(client, known, **changed)
            assert answer.status_code == 400
            assert answer.json()["field"] == field

    def test_decision_and_label_become_the_past_of_the_next(self, client, setting, known):
        """Through the store of decisions: the ingestion worker
        takes over what was decided and learnt, each once.
        """
        from serve.features.feast_store import FeastHistories
        from serve.features.ingest import IngestionWorker
        from serve.store.tables import open_engine

        settings = read_settings(setting)
        worker = IngestionWorker(
            open_engine(settings.store_url),
            FeastHistories(settings.feature_store),
            settings.state_dir,
        )
        before = worker.store.read_now(*known[:2])
        assert self.ask(client, known).status_code == 200
        reports = {
            "event_id": "e-1",
            "transaction_id": "t-0",
            "source": "issuer",
            "state": "fraud",
            "occurred_at": (known[2] + timedelta(hours=1)).isoformat(),
        }
        assert client.post("/v1/labels", json=reports).status_code == 201
        assert worker.step() == 2
        assert worker.step() == 0
        after = worker.store.read_now(*known[:2])
        assert len(after.customer.ids) == len(before.customer.ids) + 1
        assert np.isfinite(after.terminal.reported[after.terminal.ids.index("t-0")])
        again = IngestionWorker(worker.engine, worker.store, settings.state_dir)
        assert again.step() == 2, "a worker that starts again looks back a little"
        assert worker.store.read_now(*known[:2]).customer.ids == after.customer.ids
        next_one = self.ask(client, known, number=1, later=120).json()
        assert next_one["guarantees"]["freshness"]["customer_seconds"] == 120

    def test_ingestion_worker_says_its_consumer_lag(self, client, setting, known, monkeypatch):
        from serve.features import ingest
        from serve.features.feast_store import FeastHistories
        from serve.store.tables import now_us, open_engine

        settings, ahead = read_settings(setting), [0]
        monkeypatch.setattr(ingest, "AT_ONCE", 1)
        worker = ingest.IngestionWorker(
            open_engine(settings.store_url),
            FeastHistories(settings.feature_store),
            settings.state_dir,
            clock=lambda: now_us() + ahead[0],
        )
        for number in range(2):
            assert self.ask(client, known, number=number, later=number).status_code == 200
        ahead[0] = 90_000_000
        worker.step()
        assert 90 <= worker.consumer_lag_seconds() < 100, "one of two decisions waits"
        while worker.step():
            pass
        assert worker.consumer_lag_seconds() < 10
        ahead[0] += 60_000_000
        assert 60 <= worker.consumer_lag_seconds() < 70, "the lag of a worker that stands grows"

    def test_contradicting_event_is_refused_and_the_others_are_taken_over(
        self, client, setting, known, capsys
    ):
        from serve.features.feast_store import FeastHistories
        from serve.features.take_over import take_over

        store = FeastHistories(read_settings(setting).feature_store)
        at = int(known[2].timestamp()) - 4 * DAY
        events = [
            Event("a", at, *known[:2], 5.0),
            Event("a", at + 1, *known[:2], 5.0),
            Event("b", at + 2, *known[:2], 5.0),
        ]
        assert take_over(store, events, []) == 1
        assert {"a", "b"} <= set(store.read_now(*known[:2]).customer.ids)
        assert "transaction_id a" in capsys.readouterr().err

    def test_report_of_a_payment_that_was_let_go_changes_nothing(self, setting, known):
        from serve.features.feast_store import FeastHistories
        from serve.features.take_over import Report, take_over

        store = FeastHistories(read_settings(setting).feature_store)
        before = store.read_now(*known[:2])
        at = before.customer.latest
        old = Event("long-ago", min(at, before.terminal.latest) - TTL - 1, *known[:2], 5.0)
        assert take_over(store, [], [Report(old, at)]) == 0
        assert store.read_now(*known[:2]).customer.ids == before.customer.ids

    def test_store_that_cannot_be_read_is_said_and_features_go_on(
        self, setting, known, contract, tmp_path
    ):
        with TestClient(create_app(read_settings(setting))) as client:
            assert self.ask(client, known).status_code == 200
            for path in (tmp_path / "feast").glob("online.db*"):
                path.write_bytes(b"not a database " * 100)
            answer = self.ask(client, known, number=1)
            assert (answer.status_code, answer.json()["code"]) == (503, "features_unavailable")
            assert answer.headers["retry-after"] == "1"
            payment = {field.name: 0.0 for field in contract.fields}
            assert client.post("/predict", json=payment).status_code == 200

    def test_ingestion_worker_as_a_process_takes_over_and_ends_when_told(
        self, client, setting, known
    ):
        import os

        assert self.ask(client, known).status_code == 200
        process = subprocess.Popen(
            [sys.executable, "-m", "serve.features.ingest"],
            cwd=ROOT,
            env=os.environ | setting,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            cursor = read_settings(setting).state_dir / "follow.json"
            wait_until(cursor.is_file, "the cursor of the ingestion worker", process)
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = wait_until_ended(process)
        assert process.returncode == 0, errors
        assert json.loads(cursor.read_bytes())["decisions_us"] > 0
