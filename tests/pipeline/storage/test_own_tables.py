"""Nothing of the user's is ever deleted, and nothing
is replaced by what a later stage would refuse.
"""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from fraud_core.data.sources import file_sha256
from fraud_core.data.toy import toy_transactions
from fraud_core.errors import ContractError, FraudCoreError, ParameterError, SealError, SourceError
from fraud_core.pipeline.commands.cli import main
from fraud_core.pipeline.stages import data as stages
from fraud_core.pipeline.storage import own_tables
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.pipeline.storage.event_stream import open_events
from tests.pipeline.storage.test_event_stream import CARD

SMALL = {"n_customers": 40, "n_terminals": 50, "n_days": 3, "radius": 20.0}


@pytest.fixture
def events_card(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.yaml").write_text(CARD)
    rows = {
        "ts": ["2024-01-03 10:00:00", "2024-01-04 11:00:00"],
        "card": [7, 8],
        "till": [1, 1],
        "eur": [1.5, 2.0],
        "fraud": [0, 1],
    }
    pl.DataFrame(rows).write_csv(folder / "shop.csv")
    return folder / "shop.yaml"


@pytest.fixture
def default(project):
    """The card's file in its place, as after a run without
    DATA; a small table with its digest in the card.
    """
    raw = project / "data/raw/ulb"
    raw.mkdir(parents=True)
    toy_transactions(3000, seed=9).write_csv(raw / "creditcard.csv")
    card = project / "data/cards/ulb.yaml"
    pinned = "76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89"
    text = card.read_text().replace(pinned, file_sha256(raw / "creditcard.csv"))
    card.write_text(
        "\n".join(line for line in text.splitlines() if "holdout_content_sha256" not in line)
    )
    stages.use_source("ulb", None)
    return project


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in (folder / "data").rglob("*")
        if path.is_file()
    }


def n_prepared():
    stages.fetch("ulb")
    stages.prepare("ulb")
    versions = open_versions("data")
    return versions.v0.height + versions.v1.height


def chosen(project, name="ulb"):
    return json.loads((project / "data/raw" / name / "source.json").read_text())["origin"]


def own(tmp_path_factory, name="payments.csv", n=2000, seed=5):
    path = tmp_path_factory.mktemp("user") / name
    toy_transactions(n, seed=seed).write_csv(path)
    return path


@pytest.fixture(autouse=True)
def without_audit(monkeypatch, project):
    """The audit table is beside the point here and would be downloaded."""
    own_tables.write_whole(project / "data/raw/uci_default/source.json", {"origin": "absent"})
    fetch_card = stages._fetch_card
    monkeypatch.setattr(
        stages, "_fetch_card", lambda card: fetch_card(card) if card.name == "ulb" else None
    )


def test_choosing_an_own_table_leaves_the_cards_file_where_it_is(default, tmp_path_factory):
    before = contents(default)
    assert main(["source", "--data", str(own(tmp_path_factory))]) == 0
    assert n_prepared() == 2000
    assert main(["source"]) == 0
    assert n_prepared() == 3000
    after = contents(default)
    assert {path: after[path] for path in before} == before


def test_going_back_keeps_the_own_table_and_says_how_to_take_it_again(default, own_table, capsys):
    main(["source", "--data", str(own_table)])
    kept = next((default / "data/own/ulb").iterdir())
    text = kept.read_bytes()
    assert text == own_table.read_bytes()
    own_table.unlink()
    capsys.readouterr()
    assert main(["source"]) == 0
    assert f"DATA=data/own/ulb/{kept.name} takes it again" in capsys.readouterr().out
    assert kept.read_bytes() == text
    assert main(["source", "--data", str(kept)]) == 0
    assert n_prepared() == 3000
    assert [path.name for path in (default / "data/own/ulb").iterdir()] == [kept.name]


def test_what_is_not_named_stays(default, own_table, events_card, capsys):
    main(["source", "--data", str(own_table)])
    assert main(["source", "--card", str(events_card)]) == 0
    assert "data: your own table, data/own/ulb/payments-" in capsys.readouterr().out
    assert (chosen(default), chosen(default, "events")) == ("own", "own")
    main(["source", "--data", str(own_table)])
    assert chosen(default, "events") == "own"
    assert open_events("data", {}, seed=1).events.height == 2
    main(["source"])
    assert (chosen(default), chosen(default, "events")) == ("card", "simulated")
    assert open_events("data", SMALL, seed=1).title == "simulated payments"
    assert len(list((default / "data/own/events").iterdir())) == 2


def test_tables_of_the_same_name_are_kept_side_by_side(default, tmp_path_factory):
    first, second = own(tmp_path_factory, n=2000), own(tmp_path_factory, n=2100)
    for path, rows in ((first, 2000), (second, 2100), (first, 2000)):
        stages.use_source("ulb", path)
        assert n_prepared() == rows
    kept = {path.read_bytes() for path in (default / "data/own/ulb").iterdir()}
    assert kept == {first.read_bytes(), second.read_bytes()}


def broken_tables():
    table = toy_transactions(2000, seed=5)
    return {
        "one class in v1": table.with_columns(
            pl.when(pl.col("Time") >= 86_400)
            .then(0)
            .otherwise(pl.col("Class"))
            .cast(pl.Int64)
            .alias("Class")
        ),
        "v1 empty": table.with_columns(pl.col("Time") * 0.1),
        "value out of range": table.with_columns(pl.lit(-1.0).alias("Amount")),
        "column missing": table.drop("V3"),
        "null": table.with_columns(pl.when(pl.col("Time") > 9e4).then(pl.col("V4")).alias("V4")),
        "no row": table.head(0),
    }


@pytest.mark.parametrize("kind", broken_tables())
def test_what_prepare_refuses_is_refused_before_anything_is_replaced(
    default, own_table, tmp_path, kind
):
    stages.use_source("ulb", own_table)
    before = contents(default)
    bad = tmp_path / "payments.csv"
    broken_tables()[kind].write_csv(bad)
    with pytest.raises(FraudCoreError):
        stages.use_source("ulb", bad)
    bad.unlink()
    assert contents(default) == before
    assert n_prepared() == 3000


def test_a_seal_that_does_not_fit_is_refused_at_once(default):
    card = default / "data/cards/ulb.yaml"
    card.write_text(
        card.read_text().replace("split:\n", f"split:\n  holdout_content_sha256: '{'0' * 64}'\n")
    )
    with pytest.raises(SealError, match="pin the new digest"):
        stages.use_source("ulb", default / "data/raw/ulb/creditcard.csv")


@pytest.mark.parametrize("name", ["payments.txt", "payments"])
def test_file_of_another_ending_is_refused_before_anything_is_replaced(
    default, own_table, tmp_path, name
):
    stages.use_source("ulb", own_table)
    before = contents(default)
    shutil.copy(own_table, tmp_path / name)
    with pytest.raises(SourceError, match=r"ending in \.csv or \.parquet"):
        stages.use_source("ulb", tmp_path / name)
    (tmp_path / name).unlink()
    assert contents(default) == before


def test_refused_events_leave_the_payments_as_they_were(
    default, own_table, events_card, tmp_path_factory
):
    stages.use_tables("ulb", own_table, events_card)
    before = contents(default)
    events_card.with_name("shop.csv").write_text("ts,card\n1,2\n")
    with pytest.raises(ContractError, match="column till"):
        stages.use_tables("ulb", own(tmp_path_factory), events_card)
    with pytest.raises(ParameterError, match="no such file"):
        stages.use_tables("ulb", own(tmp_path_factory), events_card.with_name("none.yaml"))
    assert contents(default) == before


def test_interrupted_copy_leaves_the_earlier_choice_whole(
    default, own_table, tmp_path_factory, monkeypatch
):
    stages.use_source("ulb", own_table)
    before = contents(default)

    def half(source, target):
        target.write_bytes(source.read_bytes()[:1000])
        raise KeyboardInterrupt

    monkeypatch.setattr(own_tables.shutil, "copyfile", half)
    with pytest.raises(KeyboardInterrupt):
        stages.use_source("ulb", own(tmp_path_factory))
    assert contents(default) == before


def test_table_that_changes_while_it_is_copied_is_refused(default, tmp_path_factory, monkeypatch):
    path, copy = own(tmp_path_factory), shutil.copyfile
    before = contents(default)

    def changed(source, target):
        copy(source, target)
        target.write_bytes(target.read_bytes()[:-10])

    monkeypatch.setattr(own_tables.shutil, "copyfile", changed)
    with pytest.raises(SourceError, match="changed while it was copied"):
        stages.use_source("ulb", path)
    assert contents(default) == before


def test_kept_copy_that_was_edited_or_is_gone_is_named(default, own_table):
    stages.use_source("ulb", own_table)
    kept = next((default / "data/own/ulb").iterdir())
    edited = kept.read_bytes() + b"\n"
    kept.write_bytes(edited)
    with pytest.raises(SourceError, match=rf"{kept.name}: the file was changed"):
        stages.prepare("ulb")
    stages.use_source("ulb", None)
    stages.use_source("ulb", own_table)
    assert {path.read_bytes() for path in (default / "data/own/ulb").iterdir()} >= {
        edited,
        own_table.read_bytes(),
    }
    kept.unlink()
    with pytest.raises(SourceError, match="found none; give it again"):
        stages.fetch("ulb")


def test_file_of_the_users_in_the_place_of_the_cards_is_kept(default):
    mine = default / "data/raw/ulb/creditcard.csv"
    original = mine.read_bytes()
    shutil.copy(mine, default / "data/raw/creditcard.csv")
    toy_transactions(500, seed=1).write_csv(mine)
    text = mine.read_bytes()
    stages.fetch("ulb")
    assert mine.read_bytes() == original
    assert [path.read_bytes() for path in (default / "data/own/ulb").iterdir()] == [text]


def test_own_tables_of_earlier_releases_are_kept(default, own_table, events_card):
    """They lay in data/raw, where going back to the card's file used to delete them."""
    raw = default / "data/raw"
    shutil.copy(own_table, raw / "ulb/transactions.csv")
    own_tables.write_whole(
        raw / "ulb/source.json",
        {"origin": "own", "file": "transactions.csv", "sha256": file_sha256(own_table)},
    )
    (raw / "events").mkdir()
    shutil.copy(events_card, raw / "events/card.yaml")
    shutil.copy(events_card.with_name("shop.csv"), raw / "events/transactions.csv")
    own_tables.write_whole(
        raw / "events/source.json",
        {"origin": "own", "file": "transactions.csv", "sha256": "0" * 64},
    )
    assert n_prepared() == 3000
    assert open_events("data", {}, seed=1).events.height == 2
    stages.use_tables("ulb", None, None)
    assert {path.name for path in (raw / "ulb").iterdir()} == {"creditcard.csv", "source.json"}
    kept = {path.read_bytes() for path in (default / "data/own").rglob("*") if path.is_file()}
    assert {
        own_table.read_bytes(),
        events_card.read_bytes(),
        events_card.with_name("shop.csv").read_bytes(),
    } == kept


def test_choice_is_written_whole_or_not_at_all(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pointer")
    own_tables.write_whole(folder / "source.json", {"origin": "card"})
    with pytest.raises(TypeError):
        own_tables.write_whole(folder / "source.json", {"origin": np.int64(1)})
    assert [path.name for path in folder.iterdir()] == ["source.json"]
    assert json.loads((folder / "source.json").read_text()) == {"origin": "card"}
