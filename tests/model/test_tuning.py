"""Tuning by folds in time: nothing later is fitted on, and speed decides between equals."""

import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.model.tuning import Tried, choose, difference_on_folds, time_folds, tune


@pytest.fixture
def rows(rng):
    n = 1200
    y = (rng.random(n) < 0.1).astype(int)
    return Transactions(
        rng.normal(1.5 * y[:, None], 1.0, (n, 3)).astype(np.float32),
        y,
        np.ones(n),
        np.arange(float(n)),
    )


def tried(mean, seconds=1.0):
    return Tried({}, np.full(3, mean), seconds, ())


def test_folds_fit_on_the_past_only_and_score_every_later_row_once():
    time = np.arange(100.0)
    folds = time_folds(time, [40.0, 60.0, 100.0])
    for fold in folds:
        assert time[fold.fitted].max() < time[fold.scored].min()
    assert np.sum([fold.scored for fold in folds], axis=0).tolist() == [0] * 40 + [1] * 60


@pytest.mark.parametrize(
    ("means", "seconds", "tolerance", "chosen"),
    [
        ((0.80, 0.79), (9.0, 1.0), 0.005, "a"),
        ((0.80, 0.796), (9.0, 1.0), 0.005, "b"),
        ((0.80, 0.796), (1.0, 9.0), 0.005, "a"),
        ((0.80, 0.80), (9.0, 1.0), 0.0, "b"),
    ],
)
def test_fastest_of_equals_is_taken(means, seconds, tolerance, chosen):
    named = {
        name: tried(*pair)
        for name, pair in zip("ab", zip(means, seconds, strict=True), strict=True)
    }
    assert choose(named, tolerance=tolerance) == chosen


def test_every_setting_is_fitted_on_the_same_folds(rows):
    grid = {"weak": {"C": 1e-6}, "plain": {"C": 1.0}}
    folds = time_folds(rows.time_s, [400.0, 800.0, 1200.0])
    found = tune("logistic_regression", grid, rows, folds, seeds=[1, 2])
    assert [found[name].average_precision.shape for name in grid] == [(2,), (2,)]
    assert found["plain"].mean > rows.y_observed.mean()
    assert [len(log_odds) for log_odds in found["plain"].log_odds] == [400, 400]


def test_difference_to_itself_is_nothing_and_a_reversed_ranking_is_worse(rows):
    folds = time_folds(rows.time_s, [600.0, 1200.0])
    one = tune("logistic_regression", {"a": {"C": 1.0}}, rows, folds, seeds=[1])["a"]
    against = Tried({}, one.average_precision, 1.0, tuple(-log_odds for log_odds in one.log_odds))
    drawn = {"n_replicates": 50, "rng": np.random.default_rng(0)}
    same = difference_on_folds(one, one, rows, folds, **drawn)
    assert (same.value, same.ci_low, same.ci_high) == (0.0, 0.0, 0.0)
    assert difference_on_folds(one, against, rows, folds, **drawn).ci_low > 0
