"""The data stages on a table of the user's own, which needs no network."""

import json

import numpy as np
import polars as pl
import pytest

from fraud_core.data.sources import file_sha256
from fraud_core.data.splits import content_sha256
from fraud_core.data.toy import toy_transactions
from fraud_core.errors import ContractError, SealError, SourceError
from fraud_core.pipeline.stages import data as stages
from fraud_core.pipeline.storage.dataset_versions import open_audit, open_versions


@pytest.fixture
def prepared(project, own_table):
    stages.use_source("ulb", own_table)
    stages.fetch("ulb")
    stages.prepare("ulb")
    return project


def test_own_table_is_split_at_the_end_of_day_one(prepared):
    versions = open_versions("data")
    assert versions.v0["Time"].max() < 86_400 <= versions.v1["Time"].min()
    assert versions.v0.height + versions.v1.height == 3000


def test_csv_and_parquet_twins_hold_the_same_rows(prepared):
    for name in ("v0/transactions_2022", "v1/transactions_2023"):
        twins = [
            pl.read_csv(prepared / f"data/{name}.csv", schema_overrides={"Time": pl.Float64}),
            pl.read_parquet(prepared / f"data/{name}.parquet"),
        ]
        assert content_sha256(twins[0]) == content_sha256(twins[1])


def test_altered_holdout_is_refused_at_every_opening(prepared):
    path = prepared / "data/v1/transactions_2023.parquet"
    altered = pl.read_parquet(path).with_columns(pl.col("Amount") + 0.01)
    altered.write_parquet(path)
    with pytest.raises(SealError, match="altered"):
        open_versions("data")


def test_pinned_seal_of_the_card_guards_the_cards_own_file(prepared, monkeypatch):
    """When the raw file is the card's, a seal file
    that was rewritten together with v1 does not help.
    """
    card = prepared / "data/cards/ulb.yaml"
    digest = json.loads((prepared / "data/raw/ulb/source.json").read_text())["sha256"]
    text = card.read_text().replace(
        "76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89", digest
    )
    card.write_text(text)
    with pytest.raises(SealError, match="altered"):
        open_versions("data")
    with pytest.raises(SealError, match="pin the new digest"):
        stages.prepare("ulb")


def test_refused_table_leaves_everything_as_it_was(prepared, tmp_path_factory):
    before = {path: path.read_bytes() for path in (prepared / "data").rglob("*") if path.is_file()}
    broken = tmp_path_factory.mktemp("broken") / "broken.csv"
    toy_transactions(100, seed=0).with_columns(pl.lit(-1.0).alias("Amount")).write_csv(broken)
    with pytest.raises(ContractError, match=r"broken\.csv, column Amount, row 1"):
        stages.use_source("ulb", broken)
    assert {
        path: path.read_bytes() for path in (prepared / "data").rglob("*") if path.is_file()
    } == before


def test_missing_own_table_is_said(project):
    with pytest.raises(SourceError, match="no such file"):
        stages.use_source("ulb", project / "nothing.csv")


def test_same_own_table_is_not_copied_again(prepared, own_table):
    copied = next((prepared / "data/own/ulb").iterdir())
    before = copied.stat().st_mtime_ns
    assert "as in the last run" in stages.use_source("ulb", own_table)
    assert copied.stat().st_mtime_ns == before


def test_parquet_table_is_taken_too(project, tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "payments.parquet"
    toy_transactions(3000, seed=3).write_parquet(path)
    stages.use_source("ulb", path)
    stages.fetch("ulb")
    stages.prepare("ulb")
    assert open_versions("data").v0.height > 1000


def test_audit_table_is_absent_without_a_network_and_that_is_said(prepared):
    assert open_audit("data") is None
    assert json.loads((prepared / "data/audit/absent.json").read_text()) == {"origin": "absent"}


def test_dropping_duplicates_is_the_cards_decision(prepared):
    table, own = toy_transactions(3000, seed=3), prepared / "repeated.csv"
    pl.concat([table, table.tail(3)]).sort("Time", maintain_order=True).write_csv(own)
    stages.use_source("ulb", own)
    heights = {}
    for policy in ("keep", "drop"):
        card = prepared / "data/cards/ulb.yaml"
        card.write_text(card.read_text().replace("duplicates: keep", f"duplicates: {policy}"))
        stages.prepare("ulb")
        versions = open_versions("data")
        heights[policy] = versions.v0.height + versions.v1.height
    assert heights == {"keep": 3003, "drop": 3000}


def test_poisoned_versions_differ_from_v0_in_the_stated_labels_alone(prepared):
    stages.poison("ulb", direction="legit_to_fraud", rates=[0.02, 0.2], seed=1)
    v0 = pl.read_parquet(prepared / "data/v0/transactions_2022.parquet")
    stated = json.loads((prepared / "data/poisoned/attacks.json").read_text())
    for name, attack in stated.items():
        poisoned = pl.read_parquet(prepared / f"data/poisoned/{name}.parquet")
        assert poisoned.drop("Class").equals(v0.drop("Class"))
        assert int((poisoned["Class"] != v0["Class"]).sum()) == attack["labels_changed"]
    assert set(stated) == {"transactions_2022_flip_02", "transactions_2022_flip_20"}


def test_poisoning_never_writes_to_v0_or_the_holdout(prepared):
    watched = [path for folder in ("v0", "v1") for path in (prepared / "data" / folder).iterdir()]
    before = [file_sha256(path) for path in watched]
    for path in watched:
        path.chmod(0o444)
    stages.poison("ulb", direction="symmetric", rates=[0.08], seed=1)
    assert [file_sha256(path) for path in watched] == before


def test_toy_versions_need_no_file(project):
    assert np.all(open_versions("toy").holdout.time_s >= 86_400)
    assert open_audit("toy") is not None


def test_a_study_speaks_of_v0_and_v1_and_that_of_entities_of_events(prepared):
    assert stages.studied_sha256("drift") == open_versions("data").content_sha256
    assert stages.studied_sha256("entities") == {"events": "simulated"}
