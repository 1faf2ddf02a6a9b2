"""A challenger beside the champion: compared, counted, never heard."""

import json
from dataclasses import replace

from litestar.testing import TestClient

from serve.app import create_app
from serve.settings import read_settings
from tests.serve.conftest import another
from tests.serve.scoring.metrics import events


def test_challenger_is_compared_and_never_heard(own, tmp_path, transactions, decision):
    folder, environment = own
    policy = json.loads((folder / "policy.json").read_text())
    policy["actions"]["settings"]["friction_share"] = 0.0
    second = another(folder, tmp_path / "challenger", actions=policy["actions"])
    with TestClient(create_app(read_settings(environment))) as client:
        alone = [client.post("/predict", json=row).json() for row in transactions[:50]]
    with TestClient(
        create_app(read_settings(environment | {"FRAUD_SHADOW_DIR": str(second)}))
    ) as client:
        assert [client.post("/predict", json=row).json() for row in transactions[:50]] == alone
        assert client.post("/v1/decisions", json=decision).status_code == 200
        counted = events(client)
    assert counted["shadow_compared"] == 51
    assert 0 < counted["shadow_disagreed"] <= 51


def test_challenger_that_fails_harms_no_answer(own, transactions, capsys):
    folder, environment = own
    app = create_app(read_settings(environment | {"FRAUD_SHADOW_DIR": str(folder)}))
    with TestClient(app) as client:
        service = app.state.service
        service.shadow._challenger = replace(service.shadow._challenger, decider=None)
        assert [client.post("/predict", json=row).status_code for row in transactions[:20]] == [
            200
        ] * 20
        counted = events(client)
    assert counted["shadow_failed"] == 20
    assert capsys.readouterr().err.count("the challenger failed") == 1
