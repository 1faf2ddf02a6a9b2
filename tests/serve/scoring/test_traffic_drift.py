"""The drift state of the traffic: it moves when
the traffic moves, and knows what all workers saw.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from litestar.testing import TestClient

from fraud_core.bundle.load import load_bundle
from fraud_core.drift.two_sample.binned import State
from serve.app import create_app
from serve.scoring.traffic_drift import FRESH_SECONDS, WIRE_STATES, Traffic


@pytest.fixture
def loaded(champion):
    return load_bundle(champion).bundle


@pytest.fixture
def replayed(versions, loaded):
    """Rows of the data the model was trained on, in random order, with their probabilities."""
    features = versions.training_rows.X.astype(np.float64)
    rows = features[np.random.default_rng(0).permutation(len(features))]
    return rows, loaded.probability(rows)


def evaluated(traffic):
    return asyncio.run(traffic.judge())


def replay(traffic, rows, probability):
    for values, p in zip(rows, probability, strict=True):
        traffic.observe(values, float(p))


def test_every_state_has_a_word_on_the_wire_and_the_words_stay():
    assert set(WIRE_STATES) == set(get_args(State))
    assert set(WIRE_STATES.values()) == {"stable", "moved", "drifted", "unknown"}


def test_too_little_traffic_is_insufficient_data(tmp_path, loaded, replayed):
    traffic = Traffic(tmp_path, loaded)
    assert evaluated(traffic).state == "insufficient_data"
    replay(traffic, replayed[0][:50], replayed[1][:50])
    assert evaluated(traffic).state == "insufficient_data"


def test_state_moves_when_the_traffic_moves(tmp_path, loaded, replayed):
    rows, probability = replayed
    calm, moved = Traffic(tmp_path / "a", loaded), Traffic(tmp_path / "b", loaded)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    replay(calm, rows[:1500], probability[:1500])
    assert evaluated(calm).material == ()
    shifted = rows[:1500].copy()
    shifted[:, 0] += 2 * shifted[:, 0].std()
    replay(moved, shifted, probability[:1500])
    verdict = evaluated(moved)
    assert verdict.state == "material"
    assert verdict.material == (loaded.contract.model_features[0],)


def test_workers_are_evaluated_together_and_a_restart_remembers(tmp_path, loaded, replayed):
    rows, probability = replayed
    other = Traffic(tmp_path, loaded)
    replay(other, rows[:700], probability[:700])
    evaluated(other)
    (tmp_path / f"{os.getpid()}.drift").rename(tmp_path / "1.drift")
    traffic = Traffic(tmp_path, loaded)
    replay(traffic, rows[700:1400], probability[700:1400])
    assert evaluated(traffic).rows == 1400
    old = time.time() - 2 * FRESH_SECONDS
    os.utime(tmp_path / "1.drift", (old, old))
    assert evaluated(traffic).rows == 700
    assert evaluated(Traffic(tmp_path, loaded)).rows == 700


def test_state_of_another_reference_or_a_broken_file_is_left_out(tmp_path, loaded, replayed):
    (tmp_path / "1.drift").write_bytes(b"{")
    (tmp_path / "2.drift").write_bytes(b'{"format": 1, "reference": "other"}')
    traffic = Traffic(tmp_path, loaded)
    replay(traffic, replayed[0][:600], replayed[1][:600])
    assert evaluated(traffic).rows == 600


def test_worker_that_can_write_no_file_judges_its_own_rows_and_says_so_once(
    loaded, replayed, capsys
):
    traffic = Traffic(Path("/dev/full"), loaded)
    replay(traffic, replayed[0][:600], replayed[1][:600])
    assert [evaluated(traffic).rows, evaluated(traffic).rows] == [600, 600]
    assert capsys.readouterr().err.count("no file for the drift of this worker") == 1


def test_service_says_what_it_saw(settings, transactions, decision):
    app = create_app(settings)
    with TestClient(app) as client:
        assert client.get("/v1/model").json()["drift"] == {
            "state": "unknown",
            "rows": 0,
            "drifted": [],
        }
        for row in transactions[:700]:
            assert client.post("/predict", json=row | {"V1": 900.0}).status_code == 200
        with client.portal() as portal:
            portal.call(app.state.service.traffic.judge)
        drift = client.get("/v1/model").json()["drift"]
        assert (drift["state"], drift["rows"]) == ("drifted", 700)
        assert "V1" in drift["drifted"]
        assert (
            client.post("/v1/decisions", json=decision).json()["guarantees"]["drift"] == "drifted"
        )
        assert "fraud_drift_variables_drifted" in client.get("/metrics").text
