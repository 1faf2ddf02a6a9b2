"""The examples of docs/ are run as a reader would run them, from the text of the page."""

import json
import re
import shutil
import sys

import nbformat
import numpy as np
import polars as pl
import pytest
import yaml

import fraud_core as fc
from fraud_core.explain.tree_shap import build_explainer
from fraud_core.model.parameters import read_model_parameters
from fraud_core.pipeline.execution.notebook_runner import run_notebook
from fraud_core.pipeline.paths import CHAMPION
from fraud_core.pipeline.stages.candidate import CANDIDATE
from fraud_core.pipeline.stages.promote import seal
from fraud_core.pipeline.storage.study_tables import read_study_table
from fraud_core.pipeline.storage.tuned_settings import FILE
from fraud_core.poisoning.detection.quantised_pool import quantise, train_quantised
from tests.conftest import ROOT
from tests.test_notebooks import defaults

OWN = "nearest_centre:NearestCentre"


def blocks(page, language):
    """The code blocks of a page, in their order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def own(project, monkeypatch):
    """A project folder with the class of docs/estimators.md in it; gives what the page adds."""
    (project / "nearest_centre.py").write_text(blocks("estimators.md", "python")[0])
    monkeypatch.syspath_prepend(project)
    monkeypatch.delitem(sys.modules, "nearest_centre", raising=False)
    (added,) = blocks("estimators.md", "yaml")
    return yaml.safe_load(added)["model"]


def with_own(model, own, studied):
    estimators = model["estimators"] | own["estimators"]
    return model | {"estimators": estimators, "studied": studied}


def run_at_toy_size(name, own, studied, project, **smaller):
    path = ROOT / "notebooks" / f"{name}.ipynb"
    (project / FILE).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / FILE, project / FILE)
    parameters = defaults(nbformat.read(path, as_version=4)) | smaller
    parameters["model"] = with_own(parameters["model"], own, studied)
    run_notebook(path, project / "executed.ipynb", parameters, root=project)
    return project / parameters["results_dir"]


def test_own_estimator_is_trained_by_hand_and_is_hurt_by_hidden_frauds(own):
    names = {}
    exec(blocks("estimators.md", "python")[1], names)
    assert type(names["model"].estimator.model).__name__ == "NearestCentre"
    assert 0.5 < names["precision"][0.5] < names["precision"][0.0]


def test_entry_of_the_page_is_what_the_parameters_accept(own):
    section = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["model"]
    config = read_model_parameters(with_own(section, own, own["studied"])).config()
    assert (config.name, config.settings, config.calibration) == (OWN, {"shrink": 0.5}, "platt")
    assert config.build().shrink == 0.5


@pytest.mark.slow
def test_baseline_compares_an_own_estimator_with_the_others(own, project):
    table = read_study_table(run_at_toy_size("10_baseline", own, OWN, project, n_replicates=20))
    precision = table.only("average_precision", model=OWN, group=None).interval
    assert 0.5 < precision.ci_low <= precision.value <= precision.ci_high


@pytest.mark.slow
def test_poisoning_is_studied_with_an_own_estimator(own, project):
    smaller = {"attacks": {"fraud_to_legit": [0.5]}, "n_seeds": 1}
    smaller["defences"] = ["none", "out_of_fold", "policy"]
    folder = run_at_toy_size("20_poisoning", own, OWN, project, **smaller, n_replicates=20)
    table = read_study_table(folder)
    without = table.only("average_precision", attack="clean", defence="none").value
    poisoned = table.only("average_precision", attack="fraud_to_legit", defence="none").value
    assert 0.3 < poisoned <= without


@pytest.mark.slow
def test_drift_is_studied_with_an_own_estimator(own, project):
    smaller = {"n_replicates": 20, "aa_windows": [1, 1], "power_windows": 1}
    folder = run_at_toy_size("30_drift", own, OWN, project, **smaller)
    metrics = json.loads((folder / "metrics.json").read_bytes())
    usual = {"v0.average_precision", "v1.average_precision", "replay.plain.never.cost_eur"}
    assert usual <= set(metrics)


def test_explanation_refuses_an_own_estimator(own):
    X = np.arange(40.0)[:, None]
    fitted = fc.EstimatorConfig(OWN).fit(X, (X[:, 0] >= 20).astype(int))
    with pytest.raises(ValueError, match="expected an estimator among catboost"):
        build_explainer(fitted)


def test_poisoning_fits_the_estimator_that_is_studied(own, versions):
    rows = versions.training_rows
    decide = {"alert_budget": 0.05, "review_cost_eur": 5.0}
    estimator = fc.EstimatorConfig(OWN, own["estimators"][OWN]["settings"])
    model = train_quantised(quantise(rows.X), estimator, rows, **decide)
    assert model.estimator.name == OWN


def test_champion_scores_a_file_as_the_page_for_engineers_says(trained):
    shutil.copytree(trained / CANDIDATE, trained / CHAMPION)
    seal(trained / CHAMPION)
    fc.toy_transactions(500, seed=5).write_csv(trained / "payments.csv")
    (example,) = blocks("for-ml-engineers.md", "python")
    exec(example, {})
    scored = pl.read_parquet(trained / "scored.parquet")
    assert scored["fraud_probability"].is_between(0.0, 1.0).all()
    assert (
        fc.average_precision(scored["Class"].to_numpy(), scored["fraud_probability"].to_numpy())
        > 0.5
    )


def test_two_windows_are_compared_as_the_page_of_drift_says(project):
    names = {}
    exec(blocks("drift.md", "python")[0], names)
    assert names["found"].state == "stable"


def test_modules_of_the_core_that_pages_name_by_path_exist():
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for named in re.findall(
            r"`(?:fraud_core/)?((?:drift|poisoning|model|pipeline)/[\w/]+\.py)`", text
        ):
            assert (ROOT / "fraud_core" / named).is_file(), (page.name, named)
