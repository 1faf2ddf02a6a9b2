import json

import polars as pl
import pytest

from fraud_core.errors import FraudCoreError, SourceError
from fraud_core.pipeline.batch import blocks
from fraud_core.pipeline.batch.scored_rows import Wanted
from fraud_core.pipeline.commands.cli import main
from fraud_core.pipeline.commands.score import score_files
from fraud_core.pipeline.stages.candidate import TOY_CANDIDATE, open_candidate
from fraud_core.pipeline.stages.promote import seal
from fraud_core.pipeline.storage.dataset_versions import open_versions


@pytest.fixture
def model(project):
    open_candidate("toy")
    seal(project / TOY_CANDIDATE)
    return project / TOY_CANDIDATE


@pytest.fixture
def payments(project):
    path = project / "payments.csv"
    open_versions("toy").v1.head(200).write_csv(path)
    return path


def score(data, out, model, **options):
    return score_files(data, out, model=model, wanted=options.pop("wanted", Wanted()), **options)


def test_table_is_scored_and_refused_rows_stand_beside_it_with_their_reasons(
    project, model, payments, capsys
):
    lines = payments.read_text().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[1], "seven", 1)
    lines[9] += ",more"
    payments.write_text("\n".join(lines) + "\n")
    out = project / "scores.csv"
    assert score(payments, out, model, keep=("Class", "Amount"), wanted=Wanted(True)) == 2
    table, refused = pl.read_csv(out), pl.read_csv(project / "scores.rejected.csv")
    assert table.columns == [
        "row",
        "Class",
        "Amount",
        "fraud_probability",
        "prediction",
        "decision",
    ]
    assert table["row"].to_list() == [k for k in range(1, 201) if k not in (3, 9)]
    assert refused.rows() == [
        (3, "V1", "a number", "seven"),
        (
            9,
            "",
            "a row as long as the header",
            f"{len(lines[0].split(',')) + 1} fields instead of {len(lines[0].split(','))}",
        ),
    ]
    assert "198 of 200 rows of payments.csv scored" in capsys.readouterr().out


def test_parquet_and_csv_give_the_same_scores(project, model, payments):
    pl.read_csv(payments).write_parquet(project / "payments.parquet")
    assert score(payments, project / "a.parquet", model) == 0
    assert score(project / "payments.parquet", project / "b.parquet", model) == 0
    assert pl.read_parquet(project / "a.parquet").equals(pl.read_parquet(project / "b.parquet"))


def test_interrupted_run_is_resumed_and_gives_the_same_bytes(project, model, payments, monkeypatch):
    monkeypatch.setattr(blocks, "CSV_BLOCK_BYTES", 8000)
    assert score(payments, project / "whole.csv", model) == 0
    calls = {"n": 0}
    real = blocks._CsvReader.read

    def interrupted(self, *arguments):
        calls["n"] += 1
        if calls["n"] == 4:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(blocks._CsvReader, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score(payments, project / "again.csv", model)
    assert not (project / "again.csv").exists()
    before = calls["n"]
    assert score(payments, project / "again.csv", model) == 0
    assert (project / "again.csv").read_bytes() == (project / "whole.csv").read_bytes()
    assert not (project / "again.csv.parts").exists()
    whole = calls["n"] - before
    assert 0 < whole < before + whole  # the first blocks were not read again


def test_parts_of_another_input_are_refused_and_kept(project, model, payments, monkeypatch):
    monkeypatch.setattr(blocks._CsvReader, "read", None)
    parts = project / "s.csv.parts"
    parts.mkdir()
    state = {
        "job": {
            "input": "older.csv",
            "bytes": 1,
            "modified_ns": 1,
            "model_version": "m",
            "columns": [],
        }
    }
    (parts / "state.json").write_text(json.dumps(state))
    with pytest.raises(SourceError, match=r"s\.csv\.parts: expected the beginning of this run"):
        score(payments, project / "s.csv", model)
    assert (parts / "state.json").is_file()


def test_output_that_is_there_is_not_replaced_unless_asked(project, model, payments):
    (project / "s.csv").write_text("mine")
    with pytest.raises(SourceError, match="--overwrite to replace it"):
        score(payments, project / "s.csv", model)
    assert (project / "s.csv").read_text() == "mine"
    assert score(payments, project / "s.csv", model, overwrite=True) == 0
    assert pl.read_csv(project / "s.csv").height == 200


@pytest.fixture
def days(project, payments):
    folder = project / "days"
    folder.mkdir()
    for day in ("2024.01", "2024.02"):
        (folder / f"pay.{day}.csv").write_bytes(payments.read_bytes())
    return folder


def scored_at(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}


def test_folder_is_scored_file_by_file_and_a_finished_job_is_left(project, model, days, capsys):
    out = project / "scored"
    (days / "pay.2024.02.csv").write_text(
        (days / "pay.2024.02.csv").read_text().replace("\n", "\nno,payment\n", 1)
    )
    assert score(days, out, model) == 2
    first = scored_at(out)
    assert sorted(first) == ["pay.2024.01.parquet", "pay.2024.02.parquet"]
    assert score(days, out, model) == 2  # the refused rows are as true as before
    assert scored_at(out) == first
    assert score(days, out, model, wanted=Wanted(decisions=True)) == 2
    assert "decision" in pl.read_parquet(out / "pay.2024.01.parquet").columns


def test_a_table_that_cannot_be_read_is_named_after_the_others_were_scored(project, model, days):
    (days / "a.csv").write_text("")
    with pytest.raises(SourceError, match=r"a\.csv: expected a header and rows"):
        score(days, project / "scored", model)
    assert len(scored_at(project / "scored")) == 2


def test_two_tables_whose_scores_would_have_one_name_are_refused(project, model, days):
    (days / "pay.2024.01.parquet").write_bytes(b"")
    with pytest.raises(SourceError, match=r"two tables are named pay\.2024\.01"):
        score(days, project / "scored", model)


@pytest.mark.parametrize("out", ["payments.csv", "days"])
def test_an_input_is_never_replaced(project, model, payments, days, out):
    data = project / out
    with pytest.raises(SourceError, match="--out"):
        score(data, data, model, overwrite=True)
    assert pl.read_csv(payments).width == 31


def test_a_file_of_refused_rows_that_is_there_is_not_replaced(project, model, payments):
    (project / "s.rejected.csv").write_text("mine")
    with pytest.raises(SourceError, match=r"s\.rejected\.csv: expected no such file"):
        score(payments, project / "s.csv", model)
    assert (project / "s.rejected.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("out", "keep", "says"),
    [
        ("s.txt", (), "expected a name ending in .csv or .parquet, found .txt"),
        ("none/s.csv", (), "make it first"),
        ("s.csv", ("row",), "--keep row: the output has a column of this name"),
        ("s.csv", ("shop",), "column shop"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    project, model, payments, out, keep, says
):
    before = sorted(path.name for path in project.iterdir())
    with pytest.raises(FraudCoreError) as refused:
        score(payments, project / out, model, keep=keep)
    assert says in str(refused.value)
    assert sorted(path.name for path in project.iterdir()) == before


def test_command_prints_one_object_for_each_file_and_needs_a_model(
    project, model, payments, capsys
):
    words = ["score", str(payments), "--out", str(project / "s.csv"), "--json"]
    assert main(words) == 1
    assert "champion: no bundle there" in capsys.readouterr().err
    assert main([*words, "--model", str(model)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [(each["rows"], each["scored"], each["rejected"]) for each in printed] == [(200, 200, 0)]


def test_table_without_rows_gives_a_header(project, model, payments):
    payments.write_text(payments.read_text().splitlines()[0] + "\n")
    assert score(payments, project / "s.csv", model) == 0
    assert (project / "s.csv").read_text() == "row,fraud_probability,prediction\n"
