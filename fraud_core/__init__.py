"""Fraud detection research and decisions: one import for notebooks, pipeline and service.

>>> import fraud_core as fc
>>> rows = fc.to_transactions(fc.toy_transactions(2000, seed=0), fc.toy_card())
>>> len(rows)
2000

Importing the package costs nothing: a name is loaded from its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fraud_core.bundle.decider import Decider
    from fraud_core.bundle.load import load_bundle
    from fraud_core.data.rows import Transactions, to_transactions
    from fraud_core.data.simulator import StreamSettings, simulate_stream
    from fraud_core.data.toy import toy_card, toy_transactions
    from fraud_core.drift.monitoring.stream_monitor import StreamMonitor
    from fraud_core.drift.two_sample.windows import compare_windows, prepare_window
    from fraud_core.evaluation.bootstrap import Estimate, bootstrap
    from fraud_core.evaluation.metrics import average_precision
    from fraud_core.evaluation.reliability import expected_over_observed
    from fraud_core.evaluation.study_table import StudyTable
    from fraud_core.evaluation.verdicts import Verdict
    from fraud_core.explain.contributions import rank_features
    from fraud_core.explain.tree_shap import build_explainer
    from fraud_core.fairness.audit import audit_difference, rates_by_group
    from fraud_core.features.offline import add_features
    from fraud_core.model.estimators import EstimatorConfig
    from fraud_core.model.training import CalibratedClassifier, train
    from fraud_core.poisoning.attacks.definition import Attack
    from fraud_core.poisoning.attacks.registry import ATTACKS, attack
    from fraud_core.poisoning.certification import certify
    from fraud_core.poisoning.defences.context import defence_context
    from fraud_core.poisoning.defences.definition import Defence, with_trusted_labels
    from fraud_core.poisoning.defences.registry import DEFENCES, defend
    from fraud_core.poisoning.detection.label_scan import detect
    from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores
    from fraud_core.poisoning.sanitizer import DefendedClassifier, LabelSanitizer
    from fraud_core.scoring.partition_ensemble import certified_flips

__version__ = "0.1.0"
# Where each public name is defined; `__all__` and what a name costs to import follow from it.
_HOME = {
    "Decider": "bundle.decider",
    "load_bundle": "bundle.load",
    "Transactions": "data.rows",
    "to_transactions": "data.rows",
    "StreamSettings": "data.simulator",
    "simulate_stream": "data.simulator",
    "toy_card": "data.toy",
    "toy_transactions": "data.toy",
    "StreamMonitor": "drift.monitoring.stream_monitor",
    "compare_windows": "drift.two_sample.windows",
    "prepare_window": "drift.two_sample.windows",
    "Estimate": "evaluation.bootstrap",
    "bootstrap": "evaluation.bootstrap",
    "average_precision": "evaluation.metrics",
    "expected_over_observed": "evaluation.reliability",
    "StudyTable": "evaluation.study_table",
    "Verdict": "evaluation.verdicts",
    "rank_features": "explain.contributions",
    "build_explainer": "explain.tree_shap",
    "audit_difference": "fairness.audit",
    "rates_by_group": "fairness.audit",
    "add_features": "features.offline",
    "EstimatorConfig": "model.estimators",
    "CalibratedClassifier": "model.training",
    "train": "model.training",
    "Attack": "poisoning.attacks.definition",
    "ATTACKS": "poisoning.attacks.registry",
    "attack": "poisoning.attacks.registry",
    "certify": "poisoning.certification",
    "defence_context": "poisoning.defences.context",
    "Defence": "poisoning.defences.definition",
    "with_trusted_labels": "poisoning.defences.definition",
    "DEFENCES": "poisoning.defences.registry",
    "defend": "poisoning.defences.registry",
    "detect": "poisoning.detection.label_scan",
    "out_of_fold_scores": "poisoning.detection.out_of_fold",
    "DefendedClassifier": "poisoning.sanitizer",
    "LabelSanitizer": "poisoning.sanitizer",
    "certified_flips": "scoring.partition_ensemble",
}
__all__ = [
    "ATTACKS",
    "DEFENCES",
    "Attack",
    "CalibratedClassifier",
    "Decider",
    "Defence",
    "DefendedClassifier",
    "Estimate",
    "EstimatorConfig",
    "LabelSanitizer",
    "StreamMonitor",
    "StreamSettings",
    "StudyTable",
    "Transactions",
    "Verdict",
    "add_features",
    "attack",
    "audit_difference",
    "average_precision",
    "bootstrap",
    "build_explainer",
    "certified_flips",
    "certify",
    "compare_windows",
    "defence_context",
    "defend",
    "detect",
    "expected_over_observed",
    "load_bundle",
    "out_of_fold_scores",
    "prepare_window",
    "rank_features",
    "rates_by_group",
    "simulate_stream",
    "to_transactions",
    "toy_card",
    "toy_transactions",
    "train",
    "with_trusted_labels",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module at its first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'fraud_core' has no attribute {name!r}")
    value = getattr(import_module(f"fraud_core.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted([*__all__, "__version__"])
