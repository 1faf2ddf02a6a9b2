"""The studies' words of verdict for the gate, each as the study itself maps them."""

from collections.abc import Mapping

from fraud_core.drift.performance import comparison as performance
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.explain import stability
from fraud_core.fairness import study as fairness
from fraud_core.poisoning.study import effects

STUDY_WORDS: Mapping[str, Mapping[str, Verdict]] = {
    "drift": performance.WORDS,
    "explain": stability.WORDS,
    "fairness": fairness.WORDS,
    "poisoning": effects.WORDS,
}
