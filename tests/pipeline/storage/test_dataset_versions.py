import json

import msgspec
import polars as pl
import pytest

from fraud_core.errors import ParameterError, SealError
from fraud_core.pipeline.params import notebook_parameters, read_params
from fraud_core.pipeline.stages import data as stages
from fraud_core.pipeline.storage.dataset_versions import (
    V1,
    open_audit,
    open_versions,
    sealed_digest,
)
from tests.pipeline.conftest import prepare


def test_versions_are_opened_by_the_card_of_the_parameters(shop):
    prepare(shop)
    data = open_versions("data")
    assert data.card.name == "shop"
    assert {"gender", "Age"} <= set(data.v1.columns)
    assert not {"gender", "Age"} & set(data.card.model_features)
    assert data.holdout.X.shape[1] == 29


def test_unknown_card_of_the_parameters_is_named(project):
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("card: ulb ", "card: nobody "))
    assert (
        notebook_parameters(read_params(params), "fairness", "quick")["decision"]["alert_budget"]
        > 0
    )
    with pytest.raises(ParameterError, match=r"data\.card: expected one of .*, got 'nobody'"):
        open_versions("data")


@pytest.fixture
def prepared(project, own_table):
    stages.use_source("ulb", own_table)
    stages.fetch("ulb")
    stages.prepare("ulb")


@pytest.mark.usefixtures("prepared")
def test_versions_on_disk_are_those_that_were_sealed(project):
    data = open_versions("data")
    seal = json.loads((project / "data/v1/seal.json").read_bytes())
    assert data.content_sha256["v1"] == seal["content_sha256"]
    assert data.v0.height + data.v1.height == 3000
    rows = data.training_rows
    late = rows.time_s[rows.is_validation]
    assert rows.time_s[-1] - late[0] <= data.card.cut.validation_seconds
    assert (rows.is_trusted == rows.is_validation).all()
    assert not rows.is_validation[: -len(late)].any()


@pytest.mark.usefixtures("prepared")
def test_altered_holdout_and_a_missing_version_are_refused(project):
    path = project / f"data/{V1}.parquet"
    kept = path.read_bytes()
    pl.read_parquet(path).head(-1).write_parquet(path)
    with pytest.raises(SealError, match="altered"):
        open_versions("data")
    path.write_bytes(kept)
    (project / "data/v0/transactions_2022.parquet").unlink()
    with pytest.raises(SealError, match=r"v0/transactions_2022\.parquet: no such file"):
        open_versions("data")


def test_digest_of_the_card_counts_for_the_data_of_the_card_alone(project, card):
    (project / "data/v1").mkdir(parents=True)
    split = msgspec.structs.replace(card.split, holdout_content_sha256="of the card")
    pinned = msgspec.structs.replace(card, sha256="a", split=split)
    for source, expected in (("a", "of the card"), ("b", "of the seal")):
        seal = {"source_sha256": source, "content_sha256": "of the seal"}
        (project / "data/v1/seal.json").write_text(json.dumps(seal))
        assert sealed_digest(project / "data", pinned) == expected


def test_audit_that_was_not_fetched_is_none(project):
    assert open_audit("data") is None
    table, described = open_audit("toy")
    assert table.height > 1000
    assert set(described.model_features) <= set(table.columns)
