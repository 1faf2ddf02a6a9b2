"""Every digest behind a promoted model, recomputed."""

import json

import msgspec
import pytest

from fraud_core.errors import FraudCoreError
from fraud_core.pipeline.stages import lineage
from fraud_core.pipeline.storage.dataset_versions import open_versions
from tests.pipeline.stages.judgements import promoted_lineage


def test_every_digest_of_a_fresh_lineage_is_the_same(trained, small, capsys):
    name = promoted_lineage(trained)
    assert lineage.verify_lineage(name, small) == 0
    said = capsys.readouterr().out
    for what in (
        "model: model.npz",
        "data: v0",
        "data: v1",
        "parameters: model",
        "parameters: policy",
    ):
        assert f"same     {what}" in said


def test_changed_parameter_model_or_data_break_the_lineage_by_name(trained, small, capsys):
    name = promoted_lineage(trained)
    other = msgspec.structs.replace(
        small, decision=msgspec.structs.replace(small.decision, alert_budget=0.04)
    )
    assert lineage.verify_lineage(name, other) == lineage.BROKEN_EXIT_CODE
    assert "differs  parameters: decision" in capsys.readouterr().out
    v0 = open_versions("data").v0
    v0.head(v0.height - 1).write_parquet(trained / "data/v0/transactions_2022.parquet")
    (trained / "models/candidate/origin.json").unlink()
    (trained / "models/champion/origin.json").unlink()
    assert lineage.verify_lineage(name, small) == lineage.BROKEN_EXIT_CODE
    said = capsys.readouterr().out
    assert "differs  data: v0" in said
    assert "missing  model: policy.json" in said


def test_code_and_notebooks_are_part_of_the_lineage(trained, small, capsys):
    room = trained / "fraud_core/model"
    room.mkdir(parents=True)
    (room / "scorer.py").write_text("A = 1\n")
    (trained / "notebooks").mkdir()
    notebook = trained / "notebooks/60_select.ipynb"
    notebook.write_text(
        json.dumps({"cells": [{"cell_type": "code", "source": ["1"], "outputs": []}]})
    )
    name = promoted_lineage(trained)
    assert lineage.verify_lineage(name, small) == 0
    notebook.write_text(
        json.dumps({"cells": [{"cell_type": "code", "source": ["1"], "outputs": ["run"]}]})
    )
    assert lineage.verify_lineage(name, small) == 0
    (room / "scorer.py").write_text("A = 2\n")
    notebook.write_text(
        json.dumps({"cells": [{"cell_type": "code", "source": ["2"], "outputs": []}]})
    )
    capsys.readouterr()
    assert lineage.verify_lineage(name, small) == lineage.BROKEN_EXIT_CODE
    said = capsys.readouterr().out
    assert "differs  code: fraud_core/model" in said
    assert "differs  notebook: 60_select" in said


def test_unknown_or_altered_lineage_is_one_clear_error(trained, small):
    name = promoted_lineage(trained)
    for other in ("0" * 16, "../champion/manifest"):
        with pytest.raises(FraudCoreError, match="none was kept here"):
            lineage.verify_lineage(other, small)
    kept = trained / f"models/lineage/{name}.json"
    kept.write_text(kept.read_text().replace("unknown", "known"))
    with pytest.raises(FraudCoreError, match="was altered"):
        lineage.verify_lineage(name, small)
