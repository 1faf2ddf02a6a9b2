import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.drift.attribution.attributor import CAUSES, INCONCLUSIVE, Attribution
from fraud_core.drift.attribution.discrepancy import DiscrepancyStatistics
from fraud_core.drift.attribution.scenarios import Scenario
from fraud_core.drift.study.attribution import (
    attribution_study,
    evaluate_attribution,
    scenario_pools,
)
from fraud_core.drift.study.metrics import attribution_rows
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.model.estimators import EstimatorConfig

ESTIMATOR = EstimatorConfig("catboost", {"iterations": 15})


class Says:
    """Gives the verdict and confidence that are in the statistics."""

    def classify(self, discrepancy):
        verdict = (*CAUSES, INCONCLUSIVE)[int(discrepancy.domain)]
        return Attribution(verdict, discrepancy.features, {}, "")

    def classify_all(self, discrepancy):
        return [self.classify(one) for one in discrepancy]


def said(cause, verdict, confidence=0.75):
    place = (*CAUSES, INCONCLUSIVE).index(verdict)
    return Scenario(cause, 1.0, DiscrepancyStatistics(float(place), confidence, *[0.0] * 9))


def test_rates_by_hand():
    scenarios = [
        said("none", "none"),
        said("none", "none"),
        said("none", "suppressed_labels"),
        said("none", INCONCLUSIVE),
        said("covariate", "covariate"),
        said("label_shift", "covariate"),
        said("new_pattern", INCONCLUSIVE),
        said("suppressed_labels", "suppressed_labels"),
        said("spurious_labels", "suppressed_labels"),
    ]
    found = evaluate_attribution(Says(), scenarios)
    assert found.accuracy.value == pytest.approx(4 / 9)
    assert found.with_cause.value == pytest.approx(2 / 5)
    assert found.false_attack_rate.value == pytest.approx(1 / 4)
    assert found.attacks.value == pytest.approx(1 / 2)
    assert found.confusion["label_shift"]["covariate"] == 1
    # seven were decided, all with 0.75; four of them rightly
    assert found.reliability == ((0.75, pytest.approx(4 / 7), 7),)


@pytest.fixture(scope="module")
def days():
    rng = np.random.default_rng(2)
    out = []
    for _ in range(2):
        n = 4000
        y = (rng.random(n) < 0.05).astype(int)
        features = rng.normal(size=(n, 5)).astype(np.float32)
        features[y == 1, 0] += 3.0
        out.append(Transactions(features, y, np.ones(n), np.arange(n) * 20.0))
    return out


def test_pools_are_scored_by_models_that_saw_none_of_their_rows(days):
    v0 = days[0]
    pools = scenario_pools(v0, estimator=ESTIMATOR, rng=np.random.default_rng(0))
    later = v0.time_s >= 0.4 * v0.time_s[-1]
    assert np.array_equal(pools[0].rows.X, v0.X[later])
    assert not pools[0].unseen.any()
    for pool in pools[1:]:
        # a mode that the model finds although it never saw it leaves the pool; what is left is
        # fraud it misses
        assert pool.rows.y_observed[pool.unseen].all()
        assert (pool.rows.probability[pool.unseen] < 0.5).all()


def test_an_attribution_that_reads_no_label_names_hardly_an_attack(days):
    found = attribution_study(
        *days, n_each=6, estimator=ESTIMATOR, seed=1, rng=np.random.default_rng(3)
    )
    assert found.features_only.attacks.value <= 0.3 < found.held_out.attacks.value
    assert sum(sum(row.values()) for row in found.other_day.confusion.values()) == 8 * 4
    table = StudyTable.from_measurements(attribution_rows(found), table="toy", study="drift")
    assert table.only("attribution_scenarios").value == 32
    named = {"attribution_accuracy", "attribution_false_attack_rate"}
    assert named <= set(table.where(group="other_day").frame["metric"])
