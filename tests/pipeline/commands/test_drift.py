import json

import msgspec
import polars as pl
import pytest

from fraud_core.data.card import Column
from fraud_core.data.toy import toy_card, toy_transactions
from fraud_core.errors import ContractError
from fraud_core.pipeline.commands import drift as drift_command
from fraud_core.pipeline.params import DriftThresholds

LIMITS = DriftThresholds(n_bins=10, psi_threshold=0.1, domain_threshold=0.6, alpha=0.01)


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.setattr(drift_command, "read_card", lambda name: toy_card())

    def write(name, table):
        path = tmp_path / name
        table.write_parquet(path)
        return path

    return write


def run(reference, current, *, as_json=True):
    return drift_command.drift_tables(reference, current, "toy", LIMITS, as_json=as_json)


def test_exit_codes_and_json(tables, capsys):
    table = toy_transactions(3000, seed=0)
    plain = tables("a.parquet", table)
    moved = tables("b.parquet", table.with_columns(pl.col("V3") + 2))
    few = tables("c.parquet", table.head(100))
    assert run(plain, plain) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "stable"
    assert run(plain, moved) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "material"
    assert [name for name, drift in found["features"].items() if drift["state"] == "material"] == [
        "V3"
    ]
    assert run(plain, few) == 3
    assert json.loads(capsys.readouterr().out)["domain"] is None


def test_text_names_the_feature(tables, capsys):
    table = toy_transactions(3000, seed=0)
    assert (
        run(
            tables("a.parquet", table),
            tables("b.parquet", table.with_columns(pl.col("V3") + 2)),
            as_json=False,
        )
        == 2
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("material")
    assert lines[3].startswith("V3")


def test_column_order_does_not_matter_and_a_missing_column_is_an_error(tables, capsys):
    table = toy_transactions(1000, seed=0)
    plain = tables("a.parquet", table)
    assert run(plain, tables("b.parquet", table.select(table.columns[::-1]))) == 0
    with pytest.raises(ContractError, match="V3"):
        run(plain, tables("c.parquet", table.drop("V3")))


def test_missing_values_are_an_error_of_the_card(tables):
    table = toy_transactions(1000, seed=0)
    gaps = table.with_columns(
        pl.when(pl.col("V3") > 1).then(None).otherwise(pl.col("V3")).alias("V3")
    )
    with pytest.raises(ContractError, match="V3"):
        run(tables("a.parquet", table), tables("b.parquet", gaps))


def with_country(table, countries):
    return table.with_columns(
        pl.Series("country", [countries[k % len(countries)] for k in range(table.height)])
    )


def test_categories_are_judged_with_the_numbers_and_a_new_one_is_drift():
    card = toy_card()
    columns = (*card.columns, Column("country", "feature", "string"))
    card = msgspec.structs.replace(card, columns=columns)
    table = toy_transactions(2000, seed=0)
    before = with_country(table, ["FR", "FR", "DE"])
    same = drift_command.compare_tables(before, before, card, LIMITS, seed=0)
    assert same.state == "stable"
    assert same.features[-1].feature == "country"
    after = with_country(table, ["FR", "DE", "XX"])
    found = drift_command.compare_tables(before, after, card, LIMITS, seed=0)
    assert found.state == "material"
    assert [drift.feature for drift in found.features if drift.state == "material"] == ["country"]


def test_few_rows_are_unknown_and_a_window_needs_no_fraud(tables):
    table = toy_transactions(1000, seed=0)
    plain, few = tables("a.parquet", table), tables("b.parquet", table.head(40))
    assert run(plain, few) == 3
    assert run(few, plain) == 3
    assert run(plain, tables("c.parquet", table.head(1))) == 3
    honest = table.filter(pl.col("Class") == 0)
    assert run(tables("d.parquet", honest.head(400)), tables("e.parquet", honest.tail(400))) == 0
