"""A new champion while the service runs, its refusal,
the way back, and a challenger that is only compared.
"""

import json
import shutil
from dataclasses import replace

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from fraud_core.bundle import load as bundle
from fraud_core.bundle.signing import new_key_pair, sign
from serve.app import create_app
from serve.settings import read_settings
from serve.store.tables import audit, open_engine
from tests.serve.conftest import another


@pytest.fixture
def own(champion, tmp_path, environment):
    """A champion of one's own to replace, and settings that serve it."""
    shutil.copytree(champion, tmp_path / "own")
    return tmp_path / "own", environment | {"FRAUD_MODEL_DIR": str(tmp_path / "own")}


def put(new, folder):
    shutil.rmtree(folder)
    new.rename(folder)


def reload(client):
    return client.post("/v1/model:reload").json()["model_version"]


def events(client):
    lines = [
        line
        for line in client.get("/metrics").text.splitlines()
        if line.startswith("fraud_events_total")
    ]
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines}


def test_new_champion_is_taken_over_and_the_old_one_can_come_back(own, tmp_path, transactions):
    folder, environment = own
    second = another(folder, tmp_path / "second", threshold=0.123)
    first_copy = shutil.copytree(folder, tmp_path / "kept")
    with TestClient(create_app(read_settings(environment))) as client:
        first = client.get("/v1/model").json()["model_version"]
        assert reload(client) == first
        put(second, folder)
        assert reload(client) != first
        assert client.post("/predict", json=transactions[0]).json()["threshold"] == 0.123
        put(first_copy, folder)
        assert reload(client) == first
        assert events(client)["model_reloaded"] == 2
    engine = open_engine(read_settings(environment).store_url)
    with engine.connect() as connection:
        rows = connection.execute(
            select(audit.c.kind, audit.c.subject).order_by(audit.c.audit_id)
        ).all()
    assert [kind for kind, _ in rows] == ["model_loaded", "model_reloaded", "model_reloaded"]
    assert rows[0][1] == rows[2][1] != rows[1][1]


def test_lineage_of_a_model_that_served_before_is_still_found(own, tmp_path):
    folder, environment = own
    second = another(folder, tmp_path / "second", threshold=0.123)
    with TestClient(create_app(read_settings(environment))) as client:
        before = client.get("/v1/model").json()["lineage_id"]
        put(second, folder)
        reload(client)
        assert client.get(f"/v1/lineage/{before}").json()["manifest"]["git_revision"] == "r"


@pytest.mark.parametrize("how", ["altered", "other fields", "missing"])
def test_champion_that_cannot_be_served_is_refused_and_the_old_one_stays(
    own, tmp_path, transactions, how
):
    folder, environment = own
    second = another(folder, tmp_path / "second", threshold=0.123)
    if how == "altered":
        (second / "policy.json").write_text("{}")
    if how == "other fields":
        contract = json.loads((second / "contract.json").read_text())
        contract["fields"].append({"name": "Extra", "type": "float", "min": None, "max": None})
        (second / "contract.json").write_text(json.dumps(contract))
        bundle.write_manifest(second, git_revision="second", library_versions={})
    with TestClient(create_app(read_settings(environment))) as client:
        first = client.get("/v1/model").json()["model_version"]
        shutil.rmtree(folder)
        if how != "missing":
            second.rename(folder)
        assert reload(client) == first
        assert client.post("/predict", json=transactions[0]).json()["model_version"] == first
        assert events(client)["model_reload_refused"] == (0 if how == "missing" else 1)


def test_unsigned_champion_is_refused_where_a_signature_is_demanded(own, tmp_path):
    folder, environment = own
    private, public = new_key_pair()
    (tmp_path / "public.pem").write_bytes(public)
    (folder / bundle.SIGNATURE).write_bytes(sign((folder / "manifest.json").read_bytes(), private))
    second = another(folder, tmp_path / "second", threshold=0.123)
    settings = read_settings(environment | {"FRAUD_PUBLIC_KEY_FILE": str(tmp_path / "public.pem")})
    with TestClient(create_app(settings)) as client:
        first = client.get("/v1/model").json()["model_version"]
        put(second, folder)
        assert reload(client) == first
        assert events(client)["model_reload_refused"] == 1
        (folder / bundle.SIGNATURE).write_bytes(
            sign((folder / "manifest.json").read_bytes(), private)
        )
        (folder / "manifest.json").touch()
        assert reload(client) != first


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
