"""Drift-cause attribution: the cause of the difference of a labelled window from a reference.

A monitor of features sees covariate shift and nothing else. The cause shows in how labels and
scores disagree, which `fraud_core.drift.attribution.discrepancy` measures; here a classifier that
learnt from scenarios of known cause reads it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraud_core.drift.attribution.discrepancy import (
    DiscrepancyStatistics,
    LabelledWindow,
    measure_discrepancy,
)

CAUSES = ("none", "covariate", "label_shift", "new_pattern", "suppressed_labels", "spurious_labels")
ATTACKS = ("suppressed_labels", "spurious_labels")
INCONCLUSIVE = "inconclusive"
MINIMUM_FRAUDS = 20
TREES = 200


@dataclass(frozen=True)
class Attribution:
    """A cause with its confidence.

    Attributes
    ----------
    verdict
        One of `CAUSES`, or ``inconclusive``.
    confidence
        Calibrated probability of the verdict; of the likeliest cause when inconclusive.
    probabilities
        Of every cause.
    reason
        One sentence.
    """

    verdict: str
    confidence: float
    probabilities: dict[str, float]
    reason: str


@dataclass(frozen=True)
class Attributor:
    """A classifier of discrepancy statistics, fitted on scenarios; see `fit_attributor`."""

    model: Any
    minimum_confidence: float
    attack_confidence: float

    def attribute(
        self, reference: LabelledWindow, current: LabelledWindow, *, rng: np.random.Generator
    ) -> Attribution:
        """The verdict on a labelled window; few frauds in
        the reference give ``inconclusive`` with the reason.
        """
        n_frauds = int(reference.y_observed.sum())
        if n_frauds < MINIMUM_FRAUDS:
            reason = (
                f"the reference holds {n_frauds} frauds; {MINIMUM_FRAUDS} are needed to "
                "compare labels with scores"
            )
            return Attribution(INCONCLUSIVE, 0.0, {}, reason)
        discrepancy = measure_discrepancy(reference, current, rng=rng)
        return self.classify(discrepancy)

    def classify(self, discrepancy: DiscrepancyStatistics) -> Attribution:
        """The verdict on discrepancy statistics that were measured before."""
        return self.classify_all([discrepancy])[0]

    def classify_all(self, discrepancy: Sequence[DiscrepancyStatistics]) -> list[Attribution]:
        """As `classify`, of many at once: the forest costs the same for one as for hundreds."""
        probabilities = self.model.predict_proba(np.array([one.vector() for one in discrepancy]))
        return [self._verdict(probability) for probability in probabilities]

    def _verdict(self, probability: np.ndarray) -> Attribution:
        probabilities = {
            CAUSES[k]: float(p) for k, p in zip(self.model.classes_, probability, strict=True)
        }
        likeliest = max(probabilities, key=lambda cause: probabilities[cause])
        confidence = probabilities[likeliest]
        needed = self.attack_confidence if likeliest in ATTACKS else self.minimum_confidence
        words = f"likeliest cause {likeliest.replace('_', ' ')}, confidence {confidence:.2f}"
        if confidence < needed:
            return Attribution(
                INCONCLUSIVE,
                confidence,
                probabilities,
                f"insufficient evidence: {words}, {needed:.2f} needed",
            )
        return Attribution(likeliest, confidence, probabilities, words)


def fit_attributor(
    discrepancy: Sequence[DiscrepancyStatistics],
    causes: Sequence[str],
    *,
    false_attack_rate: float,
    minimum_confidence: float,
    seed: int,
) -> Attributor:
    """Fit the classifier of discrepancy statistics on scenarios of known cause.

    Parameters
    ----------
    discrepancy, causes
        Of simulated scenarios; every cause several times.
    false_attack_rate
        Largest share of the scenarios without a cause that may be called an attack, out of fold.
    minimum_confidence
        Below it the verdict is ``inconclusive``; an attack may need more.
    seed
        Of the forest and of the folds.

    Notes
    -----
    A forest, calibrated by a sigmoid over three folds. The confidence that an attack needs is
    raised until the out-of-fold share of false attacks among the scenarios without a cause is at
    most `false_attack_rate`.

    References
    ----------
    J. Platt (1999), Probabilistic outputs for support vector machines.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    X = np.array([one.vector() for one in discrepancy])
    y = np.array([CAUSES.index(cause) for cause in causes])
    forest = ExtraTreesClassifier(
        TREES, min_samples_leaf=2, class_weight="balanced", random_state=seed, n_jobs=1
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    inner = StratifiedKFold(3, shuffle=True, random_state=seed)
    model = CalibratedClassifierCV(forest, method="sigmoid", cv=inner)
    held_out = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
    none = held_out[y == CAUSES.index("none")]
    attack = np.isin(none.argmax(axis=1), [CAUSES.index(cause) for cause in ATTACKS])
    confidence = np.sort(none.max(axis=1)[attack])[::-1]
    allowed = int(false_attack_rate * len(none))
    needed = (
        minimum_confidence
        if len(confidence) <= allowed
        else max(minimum_confidence, float(np.nextafter(confidence[allowed], 1)))
    )
    return Attributor(model.fit(X, y), minimum_confidence, needed)
