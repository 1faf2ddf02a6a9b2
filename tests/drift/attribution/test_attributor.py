import numpy as np
import pytest

from fraud_core.drift.attribution.attributor import (
    ATTACKS,
    CAUSES,
    INCONCLUSIVE,
    Attributor,
    fit_attributor,
)
from fraud_core.drift.attribution.discrepancy import DiscrepancyStatistics, LabelledWindow
from fraud_core.drift.attribution.scenarios import SEVERITIES, run_scenarios


@pytest.fixture(scope="module")
def attributor(pool):
    built = run_scenarios([pool], SEVERITIES, n_each=12, rng=np.random.default_rng(2))
    return fit_attributor(
        [one.discrepancy for one in built],
        [one.cause for one in built],
        false_attack_rate=0.01,
        minimum_confidence=0.4,
        seed=1,
    )


class TestAttributor:
    def test_strong_attacks_are_named(self, attributor, discrepancy_of):
        assert (
            attributor.classify(discrepancy_of("suppressed_labels", 0.7, seed=8)).verdict
            == "suppressed_labels"
        )
        assert (
            attributor.classify(discrepancy_of("spurious_labels", 1.5, seed=8)).verdict
            == "spurious_labels"
        )

    def test_unchanged_windows_are_not_called_attacks(self, attributor, discrepancy_of):
        found = [
            attributor.classify(discrepancy_of("none", 0.0, 50 + seed)).verdict
            for seed in range(12)
        ]
        assert sum(verdict.startswith("labels") for verdict in found) <= 1

    def test_probabilities_sum_to_one_and_the_reason_is_given(self, attributor):
        judged = attributor.classify(DiscrepancyStatistics(*[0.0] * 11))
        assert sum(judged.probabilities.values()) == pytest.approx(1.0)
        assert "confidence" in judged.reason

    def test_reference_with_few_frauds_is_inconclusive(self, attributor, pool):
        rows = pool.rows
        few = LabelledWindow(
            rows.X[230:3000], rows.y_observed[230:3000], rows.probability[230:3000]
        )
        judged = attributor.attribute(few, rows, rng=np.random.default_rng(0))
        assert judged.verdict == INCONCLUSIVE
        assert "10 frauds" in judged.reason


class Fixed:
    """A classifier that answers with the same probabilities whatever it is asked."""

    classes_ = np.arange(len(CAUSES))

    def __init__(self, probabilities):
        self.probabilities = np.asarray(probabilities)

    def predict_proba(self, X):
        return np.tile(self.probabilities, (len(X), 1))


@pytest.mark.parametrize(
    ("probabilities", "verdict"),
    [
        ([0.5, 0.5, 0, 0, 0, 0], "none"),
        ([0, 0.45, 0.3, 0.25, 0, 0], "covariate"),
        ([0.3, 0.39, 0.31, 0, 0, 0], INCONCLUSIVE),
        ([0.2, 0.2, 0, 0, 0.6, 0], INCONCLUSIVE),
        ([0.1, 0.1, 0, 0, 0.8, 0], "suppressed_labels"),
    ],
)
def test_an_attack_needs_more_confidence_than_natural_drift(probabilities, verdict):
    judged = Attributor(
        Fixed(probabilities), minimum_confidence=0.4, attack_confidence=0.7
    ).classify(DiscrepancyStatistics(*[0.0] * 11))
    assert judged.verdict == verdict
    assert judged.confidence == pytest.approx(max(probabilities))
    assert ("insufficient" in judged.reason) == (verdict == INCONCLUSIVE)


def test_confidence_for_an_attack_is_raised_until_noise_is_hardly_called_one(rng):
    """Discrepancy statistics without any information: the causes are
    dealt by lot, so every attack that is called is false.
    """
    discrepancy = [DiscrepancyStatistics(*rng.normal(size=11)) for _ in range(90)]
    causes = [CAUSES[k % 6] if k % 2 else "none" for k in range(90)]
    fitted = fit_attributor(
        discrepancy, causes, false_attack_rate=0.0, minimum_confidence=0.05, seed=0
    )
    found = [
        fitted.classify(DiscrepancyStatistics(*rng.normal(size=11))).verdict for _ in range(25)
    ]
    assert sum(verdict in ATTACKS for verdict in found) <= 4
