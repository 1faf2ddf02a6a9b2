import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fraud_core.evaluation import metrics
from fraud_core.evaluation.bootstrap import (
    Estimate,
    ModelScores,
    bootstrap,
    interval,
    proportion_ci,
    summarise,
)
from fraud_core.evaluation.score_cells import METRICS

COST = {"n_alerts": 30, "review_cost_eur": 5.0}


@pytest.fixture
def scored_rows(rng):
    y_true = (rng.random(2000) < 0.05).astype(int)
    y_score = np.clip(rng.beta(1, 20, 2000) + 0.3 * y_true * rng.random(2000), 0, 1)
    return y_true, y_score, rng.gamma(1, 80, 2000).round(2)


def point_values(y_true, y_score, threshold, amount, n_alerts, review_cost_eur):
    """The same figures by the functions of `metrics`, row by row."""
    alert = y_score >= threshold
    at_budget = metrics.precision_recall(
        y_true, metrics.alerts_at_budget(y_true, y_score, n_alerts)
    )
    precision, recall = metrics.precision_recall(y_true, alert)
    return {
        "average_precision": metrics.average_precision(y_true, y_score),
        "recall_at_precision_90": metrics.recall_at_precision(y_true, y_score, 0.9),
        "precision_at_budget": at_budget[0],
        "recall_at_budget": at_budget[1],
        "precision": precision,
        "recall": recall,
        "expected_cost_eur": metrics.expected_cost_eur(y_true, alert, amount, review_cost_eur),
        "brier_score": metrics.brier_score(y_true, y_score),
        "calibration_error": metrics.calibration_error(y_true, y_score),
    }


def test_point_values_equal_the_row_by_row_metrics(scored_rows, rng):
    y_true, y_score, amount = scored_rows
    found = bootstrap(
        y_true, {"m": ModelScores(y_score, 0.2)}, amount, **COST, n_replicates=2, rng=rng
    )["m"]
    for name, value in point_values(y_true, y_score, 0.2, amount, **COST).items():
        assert found[name][0] == pytest.approx(value, abs=1e-12), name
    assert set(found) == set(METRICS)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 10), st.integers(1, 9)), min_size=2, max_size=40
    ).filter(lambda rows: {row[0] for row in rows} == {0, 1}),
    st.integers(0, 10),
    st.integers(1, 15),
)
def test_point_values_hold_with_ties_and_any_threshold(rows, threshold, n_alerts):
    y_true, y_score, amount = (np.array([row[k] for row in rows]) for k in range(3))
    y_score, budget = y_score / 10, {"n_alerts": n_alerts, "review_cost_eur": 2.0}
    model = {"m": ModelScores(y_score, threshold / 10)}
    found = bootstrap(
        y_true, model, amount, **budget, n_replicates=1, rng=np.random.default_rng(0)
    )["m"]
    expected = point_values(y_true, y_score, threshold / 10, amount, **budget)
    for name in METRICS:
        assert found[name][0] == pytest.approx(expected[name], abs=1e-9), name


def test_spread_equals_that_of_the_naive_loop(scored_rows, rng):
    """Against the row-by-row stratified bootstrap: means
    and standard deviations agree within Monte Carlo error.
    """
    y_true, y_score, amount = scored_rows
    fast = bootstrap(
        y_true, {"m": ModelScores(y_score, 0.2)}, amount, **COST, n_replicates=1500, rng=rng
    )["m"]
    frauds, others = np.flatnonzero(y_true == 1), np.flatnonzero(y_true == 0)
    naive = {name: [] for name in METRICS}
    for _ in range(600):
        rows = np.concatenate([rng.choice(frauds, len(frauds)), rng.choice(others, len(others))])
        for name, value in point_values(
            y_true[rows], y_score[rows], 0.2, amount[rows], **COST
        ).items():
            naive[name].append(value)
    for name in METRICS:
        spread = np.std(naive[name])
        assert np.mean(fast[name][1:]) == pytest.approx(np.mean(naive[name]), abs=0.2 * spread), (
            name
        )
        assert np.std(fast[name][1:]) == pytest.approx(spread, rel=0.12), name


def test_resamples_are_shared_between_models(scored_rows, rng):
    y_true, y_score, amount = scored_rows
    models = {"a": ModelScores(y_score, 0.2), "b": ModelScores(y_score**2, 0.04)}
    found = bootstrap(y_true, models, amount, **COST, n_replicates=200, rng=rng)
    # a monotone transformation ranks alike, so in every resample the ranking metrics must be the
    # same
    np.testing.assert_allclose(
        found["a"]["average_precision"], found["b"]["average_precision"], atol=1e-12
    )
    np.testing.assert_allclose(found["a"]["recall"], found["b"]["recall"], atol=1e-12)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    """Learnt behaviour: the 95% interval of recall covers
    the known recall in about 95% of simulated samples.
    """
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        y_true = np.repeat([1, 0], [120, 400])
        y_score = np.where(y_true == 1, rng.random(520) < 0.7, False).astype(float)
        found = bootstrap(
            y_true,
            {"m": ModelScores(y_score, 0.5)},
            np.ones(520),
            **COST,
            n_replicates=400,
            rng=rng,
        )
        covered += not interval(found["m"]["recall"]).excludes(0.7)
    assert 0.90 <= covered / 300 <= 0.98


def test_one_class_is_refused(rng):
    with pytest.raises(ValueError, match="both classes"):
        bootstrap(
            np.zeros(5),
            {"m": ModelScores(np.zeros(5), 0.5)},
            np.ones(5),
            **COST,
            n_replicates=2,
            rng=rng,
        )


def test_same_seed_gives_the_same_replicates(scored_rows):
    y_true, y_score, amount = scored_rows
    runs = [
        bootstrap(
            y_true,
            {"m": ModelScores(y_score, 0.2)},
            amount,
            **COST,
            n_replicates=9,
            rng=np.random.default_rng(4),
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(
        runs[0]["m"]["average_precision"], runs[1]["m"]["average_precision"]
    )


def test_interval_and_summary_by_hand():
    replicates = np.array([5.0, *np.arange(101)])
    assert interval(replicates) == Estimate(5.0, 2.5, 97.5)
    assert summarise({"m": {"x": replicates}}) == {"m.x": Estimate(5.0, 2.5, 97.5)}
    assert Estimate(1.0, 0.5, 2.0).excludes(0.4)
    assert not Estimate(1.0, 0.5, 2.0).excludes(0.5)


def test_share_is_exact():
    """Rule of three: none in n gives an upper end of 1 − 0.025^(1/n)."""
    assert proportion_ci(0, 20).ci_high == pytest.approx(1 - 0.025 ** (1 / 20))
