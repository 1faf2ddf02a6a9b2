"""Metrics from counts of cells against those of the rows that were counted."""

import numpy as np
import pytest

from fraud_core.evaluation import metrics
from fraud_core.evaluation.score_cells import METRICS, cells_of, measure, sum_columns

BUDGET = {"n_alerts": 40, "review_cost_eur": 5.0}


@pytest.fixture
def scored(rng):
    y_true = (rng.random(400) < 0.1).astype(int)
    score = np.round(1 / (1 + np.exp(-rng.normal(3.0 * y_true - 2.0))), 3)
    return y_true, score, rng.gamma(1, 50, 400)


def counted(y_true, score, eur, repeated):
    """Every metric where each row is counted so many times."""
    cells = cells_of(score, 0.5, y_true)
    legit = np.bincount(cells.row_cell, weights=repeated[y_true == 0])
    return measure(
        cells,
        repeated[y_true == 1][None].astype(float),
        legit[None],
        fraud_eur=eur[y_true == 1],
        n_rows=int(repeated.sum()),
        **BUDGET,
    )


def test_counted_rows_have_the_metrics_of_the_rows_themselves(scored, rng):
    y_true, score, eur = scored
    once = np.ones(len(y_true), int)
    found = counted(y_true, score, eur, once)
    assert set(found) == set(METRICS)
    assert found["average_precision"][0] == pytest.approx(metrics.average_precision(y_true, score))
    assert found["expected_cost_eur"][0] == pytest.approx(
        metrics.expected_cost_eur(y_true, score >= 0.5, eur, 5.0)
    )
    assert found["recall"][0] == pytest.approx(np.mean(score[y_true == 1] >= 0.5))
    assert found["precision"][0] == pytest.approx(np.mean(y_true[score >= 0.5]))
    assert found["brier_score"][0] == pytest.approx(np.mean((score - y_true) ** 2), abs=1e-3)


def test_row_that_is_counted_twice_is_two_rows(scored, rng):
    y_true, score, eur = scored
    repeated = rng.integers(0, 3, len(y_true))
    drawn = np.repeat(np.arange(len(y_true)), repeated)
    found = counted(y_true, score, eur, repeated)
    same = counted(y_true[drawn], score[drawn], eur[drawn], np.ones(len(drawn), int))
    for name in set(METRICS) - {"brier_score", "calibration_error"}:
        assert found[name] == pytest.approx(same[name]), name


def test_columns_of_one_group_are_added(rng):
    values, group = rng.normal(size=(3, 6)), np.array([4, 0, 4, 1, 0, 4])
    found = sum_columns(values, group, 5)
    for k in range(5):
        np.testing.assert_allclose(found[:, k], values[:, group == k].sum(axis=1))
