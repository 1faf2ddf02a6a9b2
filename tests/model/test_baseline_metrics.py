"""The table of the study holds every figure once; another
estimator changes its rows and no name of metrics.json.
"""

from types import SimpleNamespace

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.model.baseline_metrics import (
    NAMES,
    estimator_rows,
    headline,
    misleading_rows,
    spread_rows,
)
from fraud_core.pipeline.storage.tuned_settings import read_tuning

HALF, LEAD = Estimate(0.5, 0.4, 0.6), Estimate(0.1, -0.1, 0.3)
METRICS = ("average_precision", "recall_at_precision_90", "recall_at_budget", "expected_cost_eur")
TRAINED = SimpleNamespace(
    operating_point=SimpleNamespace(threshold=0.3), validation_average_precision=0.7
)
HOLDOUT = Transactions(np.ones((4, 1)), np.array([0, 1, 0, 1]), np.ones(4), np.arange(4.0))
SPREAD = {"mean": 0.75, "n": 2, "sd": 0.01, "minimum": 0.74, "maximum": 0.76}


def study(*others, tuned=True):
    names = ("catboost", *others)
    models = dict.fromkeys(names, TRAINED)
    found = {name: dict.fromkeys((*METRICS, "expected_over_observed"), HALF) for name in names}
    spreads = {f"catboost.seeds.{name}": value for name, value in SPREAD.items()}
    spreads |= {f"{n}.alternatives.{name}": value for n in names for name, value in SPREAD.items()}
    rows = [
        *estimator_rows(models, found, dict.fromkeys(others, LEAD), HOLDOUT),
        *spread_rows(models, spreads),
        *misleading_rows(HALF, LEAD),
        *(read_tuning().rows() if tuned else ()),
    ]
    return StudyTable.from_measurements(rows, table="toy", study="baseline")


def test_headline_metrics_are_figures_of_the_table():
    table = study("logistic_regression", "hist_gradient_boosting")
    found = headline(table)
    values = set(table.frame["value"].to_list())
    numbers = [one.value if isinstance(one, Estimate) else one for one in found.values()]
    assert set(map(float, numbers)) <= values
    assert set(found) == set(NAMES)
    assert len(found) < 60
    assert found["catboost_over_logistic_regression.average_precision"] == LEAD
    assert found["random_split.average_precision"] == HALF
    assert (found["holdout.rows"], found["holdout.frauds"], found["catboost.seeds.n"]) == (4, 2, 2)


def test_without_tuning_on_these_data_the_folds_have_no_figure():
    found = headline(study("logistic_regression", tuned=False))
    assert not [name for name in found if name.startswith("folds")]


def test_another_estimator_changes_rows_and_no_name():
    first, second = study("logistic_regression"), study("logistic_regression", "random_forest")
    assert headline(first) == headline(second)
    assert second.only("average_precision", model="random_forest").interval == HALF
    assert not first.has("average_precision", model="random_forest")
    assert second.only("average_precision_lead", model="random_forest").interval == LEAD


def test_words_of_the_folds_name_the_winner_and_every_setting():
    said = read_tuning().words()
    assert set(said) == {
        "folds.winner",
        *(f"folds.{name}.setting" for name in read_tuning().estimators),
    }
    assert "_" not in "".join(said.values())
    assert read_tuning("other data").words() == {"folds.winner": "none: tuned on other data"}
