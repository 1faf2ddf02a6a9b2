"""Another poison rate in the parameters changes rows of the table, and no reader of it breaks."""

import json

import nbformat
import pytest

from fraud_core.pipeline.execution.notebook_runner import declared_parameters, run_notebook
from fraud_core.pipeline.plots import poisoning as drawings
from fraud_core.pipeline.storage.acceptance_criteria import read_criteria
from fraud_core.pipeline.storage.study_tables import read_study_table
from fraud_core.poisoning.study.acceptance import acceptance_figures, acceptance_table
from fraud_core.poisoning.study.conditions import Condition
from fraud_core.poisoning.study.headline import attack_table, attacked_conditions
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("poisoning")]
NOTEBOOK = ROOT / "notebooks" / "20_poisoning.ipynb"
CHANGED, OTHER = Condition("fraud_to_legit", 0.4), Condition("legit_to_fraud", 0.2)


@pytest.fixture
def ran(project):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    values: dict = {}
    exec(cell.source, values)
    given = {name: values[name] for name in declared_parameters(notebook)}
    given["attacks"] = {condition.attack: [condition.rate] for condition in (CHANGED, OTHER)}
    given["defences"] = ["none", "out_of_fold", "policy"]
    run_notebook(NOTEBOOK, project / "executed.ipynb", given, root=project)
    return project / given["results_dir"]


def test_notebook_table_criteria_and_drawings_go_through_at_another_rate(ran):
    table = read_study_table(ran)
    assert set(attacked_conditions(table)) == {CHANGED, OTHER}
    assert table.only("labels_changed", attack="fraud_to_legit", poison_rate=0.4).value > 0
    assert not table.has("labels_changed", attack="fraud_to_legit", poison_rate=0.5)
    assert [row["attack and budget, %"] for row in attack_table(table, limit=0.05)] == [
        CHANGED.key,
        OTHER.key,
    ]

    criteria = read_criteria("ulb")
    measured = [asked for asked in criteria if asked.measured_in(table) is not None]
    assert measured
    half = ("fraud_to_legit", 0.5)
    assert all((asked.attack, asked.poison_rate) != half for asked in measured)
    counted = acceptance_figures(table, criteria)
    assert len(acceptance_table(table, criteria)) == counted["acceptance.measured"]

    for draw in (drawings.defences, drawings.frontier, drawings.costs):
        assert draw(table).axes
    names = {path.stem for path in (ran / "figures").glob("*.svg")}
    assert names == {"certified", "cost", "defences", "frontier", "clusters"}

    metrics = json.loads((ran / "metrics.json").read_bytes())
    assert metrics["fraud_to_legit.poison_rate"] == 0.4
    assert "fraud_to_legit.none.average_precision_change" in metrics
    assert not [name for name in metrics if any(part.isdigit() for part in name.split("."))]
