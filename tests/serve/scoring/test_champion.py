"""A new champion while the service runs, its refusal,
the way back, and a challenger that is only compared.
"""

import json
import shutil

import pytest
from litestar.testing import TestClient
from sqlalchemy import select

from fraud_core.bundle import load as bundle
from fraud_core.bundle.signing import new_key_pair, sign
from serve.app import create_app
from serve.settings import read_settings
from serve.store.tables import audit, open_engine
from tests.serve.conftest import another
from tests.serve.scoring.metrics import events


def put(new, folder):
    shutil.rmtree(folder)
    new.rename(folder)


def reload(client):
    return client.post("/v1/model:reload").json()["model_version"]


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
