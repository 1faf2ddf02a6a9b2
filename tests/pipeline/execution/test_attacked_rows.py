import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.pipeline.execution.attacked_rows import attacked_rows


@pytest.fixture(scope="module")
def fitted(versions):
    rows = versions.training_rows
    return EstimatorConfig("logistic_regression").fit(rows.X, rows.y_observed)


def draws(versions, fitted, attacks, n_draws=3, seed=0):
    rng = np.random.default_rng(seed)
    return attacked_rows(versions.training_rows, attacks, fitted, n_draws=n_draws, rng=rng)


def test_draws_differ_where_chance_decides_and_are_seeded(versions, fitted):
    attacks = {"fraud_to_legit": 0.3, "margin_based": 0.3}
    first, again = (draws(versions, fitted, attacks) for _ in range(2))
    hidden = {name: {tuple(r.y_observed) for r in drawn} for name, drawn in first.items()}
    assert {name: len(ways) for name, ways in hidden.items()} == {
        "fraud_to_legit": 3,
        "margin_based": 1,
    }
    for name in attacks:
        for one, other in zip(first[name], again[name], strict=True):
            np.testing.assert_array_equal(one.y_observed, other.y_observed)


def test_attacker_at_the_boundary_knows_the_model_that_is_given(versions, fitted):
    rows = versions.training_rows
    (seen,) = draws(versions, fitted, {"margin_based": 0.2}, n_draws=1)["margin_based"]
    hidden = np.flatnonzero((rows.y_observed == 1) & (seen.y_observed == 0))
    kept = np.flatnonzero((rows.y_observed == 1) & (seen.y_observed == 1))
    apart = abs(fitted.decision_function(rows.X))
    assert apart[hidden].max() <= apart[kept].min()


def test_unknown_attack_is_refused(versions, fitted):
    with pytest.raises(ParameterError, match="attack: expected one of"):
        draws(versions, fitted, {"sideways": 0.1})
