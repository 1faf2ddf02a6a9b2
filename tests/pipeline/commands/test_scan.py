import json

import numpy as np
import polars as pl
import pytest

from fraud_core.data.toy import toy_transactions
from fraud_core.pipeline.commands.cli import main
from fraud_core.poisoning.attacks.label_flips import flip_labels


@pytest.fixture
def clean(project):
    path = project / "labels.csv"
    toy_transactions(6000, seed=4).write_csv(path)
    return path


def poisoned(clean, direction: str, rate: float):
    table = pl.read_csv(clean)
    y = flip_labels(table["Class"].to_numpy(), direction, rate, rng=np.random.default_rng(0)).y
    path = clean.with_name("poisoned.parquet")
    table.with_columns(pl.Series("Class", y)).write_parquet(path)
    return path


def test_clean_labels_give_exit_code_0_and_say_what_is_trusted(clean, capsys):
    assert main(["scan", str(clean)]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "the scan's limits were set on day 1 of the ULB data only"
    assert "the labels of the last 4 hours of labels.csv are taken as true" in said
    assert "nothing found" in said


def test_false_frauds_give_exit_code_2_and_a_list_of_rows(clean, project, capsys):
    data = poisoned(clean, "legit_to_fraud", 0.2)
    assert main(["scan", str(data)]) == 2
    said = capsys.readouterr().out
    assert "found false frauds" in said
    assert (
        "no row is named: a row is flagged because labels that are taken as true contradict it"
        in said
    )
    assert "give a table whose labels are true with --trusted (make: TRUSTED=path)" in said
    assert "labels suspicious" not in said
    assert pl.read_csv(project / "scratch/scan/suspicious.csv").height == 0
    # The labels of the last hours are false too, so rows are named only with labels that are true.
    assert main(["scan", str(data), "--trusted", str(clean)]) == 2
    said = capsys.readouterr().out
    assert "suspicious rows: scratch/scan/suspicious.csv" in said
    assert "labels suspicious" in said
    suspicious = pl.read_csv(project / "scratch/scan/suspicious.csv")
    true = pl.read_csv(clean)
    wrong = suspicious.join(true, on="Time", how="inner").filter(
        pl.col("Class") != pl.col("Class_right")
    )
    assert wrong.height > 0.8 * suspicious.height


def test_hidden_frauds_are_found_with_trusted_labels(clean, capsys):
    assert main(["scan", str(poisoned(clean, "fraud_to_legit", 0.6)), "--trusted", str(clean)]) == 2
    assert "found hidden frauds" in capsys.readouterr().out


def test_too_few_trusted_frauds_give_exit_code_3_and_no_verdict(clean, capsys):
    table = pl.read_csv(clean)
    last = pl.col("Time") >= table["Time"].max() - 4 * 3600
    table.filter(~(last & (pl.col("Class") == 1))).write_csv(clean)
    assert main(["scan", str(clean)]) == 3
    said = capsys.readouterr().out
    assert "insufficient evidence: the trusted rows hold 0 frauds" in said
    assert "nothing found" not in said


def test_another_card_is_told_in_the_first_line_that_the_scan_was_not_validated_on_it(
    clean, project, capsys
):
    card = (project / "data/cards/ulb.yaml").read_text()
    (project / "data/cards/shop.yaml").write_text(card.replace("name: ulb", "name: shop", 1))
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("card: ulb ", "card: shop "))
    assert main(["scan", str(clean)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("warning: card shop is other data than those it was tried on")


def test_table_that_breaks_the_card_is_an_error_not_a_finding(clean, capsys):
    pl.read_csv(clean).drop("V7").write_csv(clean)
    assert main(["scan", str(clean)]) == 1
    assert "V7" in capsys.readouterr().err


def test_missing_table_is_an_error(project, capsys):
    assert main(["scan", "nowhere.csv"]) == 1
    assert "nowhere.csv: expected a file" in capsys.readouterr().err


def test_half_an_override_is_refused(project, capsys):
    assert main(["promote", "--override-by", "someone"]) == 1
    assert "expected both --override-by and --override-why" in capsys.readouterr().err


def test_json_is_one_object_with_the_findings(clean, capsys):
    assert main(["scan", str(clean), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["poisoned"], answer["findings"], answer["suspicious_file"]) == (False, [], None)
    assert main(["scan", str(poisoned(clean, "legit_to_fraud", 0.2)), "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["poisoned"]
    assert answer["findings"][0]["kind"] == "false frauds"
    assert 0 <= answer["findings"][0]["p_value"] < 0.01
