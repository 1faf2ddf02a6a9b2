import numpy as np
import pytest

from fraud_core.evaluation.bootstrap import Estimate, interval
from fraud_core.policy.actions import DecisionPolicy, PolicySettings
from fraud_core.policy.operating_study import operating_study
from fraud_core.policy.selection import LabelledScores
from fraud_core.promotion.selection_table import selection_table

POLICY = DecisionPolicy("expected_loss", PolicySettings(1.0, 0.1, 0.0, 9.0, 0.5), 5.0, 0.0)


@pytest.fixture
def decided(rng):
    y_true = (rng.random(400) < 0.1).astype(int)
    probability = np.clip(0.7 * y_true + 0.3 * rng.random(400), 0, 1)
    rows = LabelledScores(y_true, probability, np.full(400, 90.0), 1.0)
    assumed = {"as served": POLICY, "reviews cost 9": POLICY}
    return rows, operating_study(
        rows, POLICY, assumed, threshold=0.5, n_alerts=40, n_replicates=20, seed=0
    )


def test_every_operating_point_and_assumption_has_all_its_metrics(decided):
    rows, study = decided
    drawn = {"recall": np.array([0.5, 0.4, 0.6]), "brier_score": np.array([0.1, 0.1, 0.1])}
    table = selection_table(
        drawn, Estimate(7.0, 1.0, 9.0), rows.y_true, rows.probability, study, table="ulb"
    )
    assert table.only("recall", model="candidate").interval == interval(drawn["recall"])
    assert table.only("saving_eur").ci_low == 1.0
    assert table.only("observed_frauds").value == rows.y_true.sum()
    for name, point in study.points.items():
        assert table.only("alerts", group=name).value == point.alerts
        assert table.only("cost_eur", group=name).interval == point.cost_eur
    served, other = (
        table.only("blocks", group=f"policy, {words}").value for words in study.assumed
    )
    assert served == other == study.points["policy"].blocks
    assert set(table.frame["study"]) == {"select"}
