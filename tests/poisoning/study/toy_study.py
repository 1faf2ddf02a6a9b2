"""A small study of toy payments: its settings, its conditions, and rows of a table."""

from fraud_core.evaluation.study_table import StudyTable
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.poisoning.study.conditions import Condition

DECISION = {"alert_budget": 0.1, "review_cost_eur": 5.0}
SETTINGS = {
    "estimator": EstimatorConfig("catboost", {"iterations": 30}),
    "decision": DECISION,
    "defences": ["none", "confident_learning", "out_of_fold", "policy"],
}
HIDDEN, UNTOUCHED, STAMPED = (
    Condition("fraud_to_legit", 0.9),
    Condition("fraud_to_legit", 0.0),
    Condition("backdoor", 0.4),
)


def table(rows):
    return StudyTable.from_measurements(rows, table="toy", study="poisoning")
