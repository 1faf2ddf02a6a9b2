import asyncio

import msgspec
import pytest
from sqlalchemy import select

from fraud_core.bundle.load import load_bundle
from fraud_core.errors import BundleError, ParameterError
from serve.runtime.service import Service, check_feature_store
from serve.scoring.champion import load_champion
from serve.settings import read_settings
from serve.store.tables import audit, open_engine
from serve.telemetry.counters import Counters


def service_of(settings):
    return Service(settings, Counters(settings.state_dir / "workers", []))


def loaded(settings):
    """What the audit says of the starts of a service."""
    engine = open_engine(settings.store_url)
    with engine.connect() as connection:
        rows = connection.execute(select(audit.c.kind, audit.c.subject, audit.c.detail)).all()
    engine.dispose()
    return rows


def test_start_loads_the_champion_and_its_record_outlives_the_stop(settings, champion):
    async def run(service):
        await service.start()
        served = service.champion.lineage_id
        assert await service.prepare_store()
        assert service.drift_state() == "unknown"
        await service.stop()
        return served

    promoted = load_bundle(champion)
    assert asyncio.run(run(service_of(settings))) == promoted.lineage_id
    ((kind, subject, detail),) = loaded(settings)
    assert (kind, subject) == ("model_loaded", promoted.lineage_id)
    manifest = msgspec.json.decode(detail)["manifest"]
    assert manifest["sha256"] == promoted.manifest.sha256


def test_service_starts_without_its_store_and_says_so(environment, capsys):
    url = {"FRAUD_STORE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}

    async def run(service):
        await service.start()
        ready = await service.prepare_store()
        await service.stop()
        return ready

    service = service_of(read_settings(environment | url))
    assert asyncio.run(run(service)) is False
    assert service.counters.own().events()["store_unavailable"] == 1
    assert "model_loaded could not be recorded" in capsys.readouterr().out


def test_challenger_that_is_not_there_stops_the_start(environment, tmp_path):
    shadow = {"FRAUD_SHADOW_DIR": str(tmp_path / "nothing")}
    with pytest.raises(BundleError, match="no bundle there"):
        asyncio.run(service_of(read_settings(environment | shadow)).start())


def test_feature_store_is_refused_for_a_model_of_payments(environment, tmp_path):
    path = tmp_path / "store.yaml"
    settings = read_settings(environment | {"FRAUD_FEATURE_STORE": str(path)})
    champion = load_champion(settings.model_dir)
    with pytest.raises(ParameterError, match=r"FRAUD_FEATURE_STORE: store\.yaml: no such file"):
        check_feature_store(settings, champion)
    path.touch()
    with pytest.raises(ParameterError, match="FRAUD_FEATURE_STORE: the model that serves"):
        check_feature_store(settings, champion)
