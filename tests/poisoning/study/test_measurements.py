import numpy as np
import pytest

from fraud_core.evaluation.verdicts import Verdict
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN
from tests.poisoning.study.toy_study import HIDDEN, STAMPED

pytestmark = pytest.mark.xdist_group("poisoning")


@pytest.mark.parametrize(
    ("metric", "columns"),
    [
        ("average_precision_null_band", NULL_RUN.columns),
        ("average_precision", CLEAN.columns | {"defence": "none"}),
        ("average_precision", HIDDEN.columns | {"defence": "policy"}),
        ("average_precision", HIDDEN.columns | {"defence": "policy", "seed": 1}),
        ("average_precision_change", HIDDEN.columns | {"defence": "trusted_labels"}),
        ("rows_rightly_flagged", HIDDEN.columns | {"defence": "out_of_fold"}),
        ("labels_changed", HIDDEN.columns),
        ("average_precision_recovered", HIDDEN.columns),
        ("selector_cleaned", HIDDEN.columns),
        ("clean_accuracy_cost", CLEAN.columns),
        ("success_rate", STAMPED.columns | {"defence": "none"}),
        ("scan_average_precision", HIDDEN.columns),
        ("scan_false_alarm_rate", {}),
        ("scan_trigger_found", STAMPED.columns),
    ],
)
def test_figures_are_chosen_by_columns(measured, metric, columns):
    assert np.isfinite(measured.only(metric, **columns).value)


def test_effect_has_a_verdict_and_its_draws_have_its_mean(measured):
    columns = HIDDEN.columns | {"defence": "none"}
    change = measured.only("average_precision_change", **columns)
    assert change.verdict == Verdict.FAIL
    assert measured.only("average_precision_change", **columns, seed=1).value == pytest.approx(
        change.value
    )
