from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.poisoning.study.condition_rows import measured
from fraud_core.poisoning.study.conditions import CLEAN, Condition
from tests.poisoning.study.toy_study import table


def test_figure_stands_in_the_row_of_its_condition_and_of_no_other():
    few, many = Condition("symmetric", 0.05), Condition("symmetric", 0.5)
    found = table(
        [
            measured(CLEAN, "recall", 0.9),
            measured(few, "recall", Estimate(0.6, 0.5, 0.7), defence="knn"),
            measured(many, "recall", 0.2, defence="knn", seed=3),
        ]
    )
    assert found.only("recall", **CLEAN.columns).value == 0.9
    assert found.only("recall", **few.columns, defence="knn").interval == Estimate(0.6, 0.5, 0.7)
    assert found.only("recall", **many.columns, seed=3).value == 0.2
    assert not found.has("recall", **few.columns, defence=None)
