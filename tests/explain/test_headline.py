"""The table of the study holds every figure once; another
attack changes its rows and no name of metrics.json.
"""

import numpy as np
import pytest

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.explain.alert_reasons import reason_rows
from fraud_core.explain.contributions import Importance
from fraud_core.explain.headline import check_rows, headline, importance_rows
from fraud_core.explain.stability import stability_rows
from fraud_core.explain.tree_shap import build_explainer
from fraud_core.model.estimators import EstimatorConfig
from tests.explain.test_stability import SEEDS, agreement

RANKED = [
    Importance(name, Estimate(value, value - 0.1, value + 0.1))
    for name, value in (("V4", 0.9), ("V14", 0.6), ("Amount", 0.2))
]


@pytest.fixture(scope="module")
def checked(versions):
    rows = versions.training_rows
    fitted = EstimatorConfig("catboost", {"iterations": 5}).fit(rows.X, rows.y_observed)
    explainer, features = build_explainer(fitted), versions.holdout.X[:40]
    explained = explainer.explain(features)
    expected = (explained.values + 1e-9, explained.base)
    y_true = versions.holdout.y_observed[:40]
    return list(check_rows(explainer, features, explained, expected, y_true))


def study(checked, **rates):
    attacks = [agreement(name, "attack", rate, 0.5) for name, rate in rates.items()]
    agreements = [*SEEDS, agreement("fit on v1", "other day", 0.5, 0.6), *attacks]
    rows = [*importance_rows(RANKED), *checked, *reason_rows([[]])]
    table = StudyTable.from_measurements(
        [*rows, *stability_rows(agreements, rates)], table="toy", study="explain"
    )
    return table, headline(table, agreements)


def test_headline_metrics_are_figures_of_the_table(checked):
    table, flat = study(checked, symmetric=0.2, backdoor=0.05)
    values = set(table.frame["value"].to_list())
    numbers = [
        one.value if isinstance(one, Estimate) else one
        for one in flat.values()
        if not isinstance(one, str)
    ]
    assert set(map(float, numbers)) <= values
    assert len(flat) < 60
    assert (flat["first.feature"], flat["second.feature"]) == ("V4", "V14")
    assert table.only("mean_absolute_contribution", group="Amount").interval == RANKED[2].interval
    assert flat["stability.rank_correlation_poisoned_worst"] == "backdoor"


def test_rows_add_up_and_are_compared_with_the_other_library(checked):
    _, flat = study(checked, symmetric=0.2)
    assert flat["additivity.max_error"] < 1e-9
    assert flat["shap.max_difference"] == pytest.approx(1e-9)
    assert flat["shap.base_difference"] == 0.0
    assert (flat["additivity.rows"], flat["rows.explained"]) == (40, 40)
    assert isinstance(flat["rows.frauds"], int)
    assert flat["shap.same_ranking"] in (True, False)
    assert np.isfinite([row.value for row in checked]).all()


def test_another_attack_changes_rows_and_no_name(checked):
    first, names = study(checked, symmetric=0.2)
    second, others = study(checked, backdoor=0.05, injection=0.1)
    assert set(names) == set(others)
    assert first.has("top3_overlap", attack="symmetric", poison_rate=0.2)
    assert not second.has("top3_overlap", attack="symmetric")
    assert second.has("top3_overlap", attack="injection", poison_rate=0.1)
