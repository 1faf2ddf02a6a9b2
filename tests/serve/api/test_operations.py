from dataclasses import replace

from litestar.testing import TestClient

from fraud_core.bundle import load as bundle
from serve.app import create_app


def test_health(client, champion):
    assert client.get("/health/live").json() == {"status": "live"}
    assert (
        client.get("/health/ready").json()["model_version"]
        == bundle.load_bundle(champion).bundle.version
    )


def test_policy_that_is_shown_is_that_of_the_bundle(client, champion):
    served = bundle.load_bundle(champion).bundle
    shown = client.get("/v1/policy").json()
    assert shown["policy_version"] == served.policy_version
    assert (shown["threshold"], shown["slope"]) == (served.policy.threshold, served.policy.slope)


def test_look_for_another_champion_finds_the_one_that_serves(client, champion):
    promoted = bundle.load_bundle(champion)
    assert client.post("/v1/model:reload").json() == {
        "model_version": promoted.bundle.version,
        "lineage_id": promoted.lineage_id,
    }


def test_model_that_fails_its_self_test_is_not_ready(settings):
    app = create_app(settings)
    with TestClient(app) as client:
        slot = app.state.service.slot
        slot.current = replace(slot.current, self_test=-1.0)
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "self_test_failed")
        assert client.get("/health/live").status_code == 200
