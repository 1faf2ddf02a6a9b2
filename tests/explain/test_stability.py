import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.explain.stability import (
    Agreement,
    key_of,
    mean_importance,
    null_band_of,
    null_bands_of,
    stability_headline,
    stability_rows,
    study_stability,
    verdict,
)
from fraud_core.explain.tree_shap import build_explainer
from fraud_core.model.estimators import EstimatorConfig

ESTIMATOR = EstimatorConfig("catboost", {"iterations": 30})


def agreement(name, kind, rank, overlap, half=0.01):
    return Agreement(
        name,
        kind,
        Estimate(rank, rank - half, rank + half),
        Estimate(overlap, overlap - half, overlap + half),
    )


SEEDS = [agreement(f"seed {k}", "seed", 0.9 + 0.01 * k, 0.8 + 0.01 * k) for k in (1, 2, 3)]


def test_mean_importance_by_hand():
    assert mean_importance(np.array([[1.0, -3.0], [0.0, 1.0]])).tolist() == [0.5, 2.0]


def test_null_band_by_hand_and_below_three_seeds():
    # mean 2, deviation 1, t of two degrees of freedom at 97.5%
    assert null_band_of([1.0, 2.0, 3.0]) == pytest.approx(2 - 4.302653 * np.sqrt(4 / 3))
    assert null_band_of([0.5, 0.5, 0.5]) == 0.5
    assert null_band_of([1.0, 2.0]) is None


def test_another_seed_falls_below_the_floor_as_rarely_as_it_should(rng):
    values = rng.normal(0.8, 0.05, (4000, 6))
    below = np.mean([row[5] < null_band_of(row[:5]) for row in values])
    assert below == pytest.approx(0.025, abs=0.01)


@pytest.mark.parametrize(
    ("rank", "overlap", "expected"),
    [
        (0.92, 0.82, "as another seed"),
        (0.2, 0.82, "ranking moved"),
        (0.92, 0.2, "reasons moved"),
        (0.2, 0.2, "ranking and reasons moved"),
    ],
)
def test_verdict_by_hand(rank, overlap, expected):
    assert verdict(agreement("x", "attack", rank, overlap), SEEDS) == expected


def test_interval_that_reaches_the_floor_has_not_moved():
    null_band = null_bands_of(SEEDS)[0]
    assert (
        verdict(agreement("x", "attack", null_band - 0.01, 0.82, half=0.02), SEEDS)
        == "as another seed"
    )
    assert (
        verdict(agreement("x", "attack", null_band - 0.03, 0.82, half=0.02), SEEDS)
        == "ranking moved"
    )


def test_two_seeds_give_no_verdict():
    assert verdict(agreement("x", "attack", 0.0, 0.0), SEEDS[:2]) == "insufficient evidence"


def test_metrics_name_the_minimum_agreement_of_each_kind():
    others = [
        agreement("fit on v1", "other day", 0.5, 0.6),
        agreement("flips", "attack", 0.7, 0.3),
        agreement("hidden", "attack", 0.4, 0.5),
    ]
    found = stability_headline(SEEDS + others)
    assert found["stability.rank_correlation_poisoned"].value == 0.4
    assert found["stability.rank_correlation_poisoned_worst"] == "hidden"
    assert found["stability.top3_overlap_poisoned_worst"] == "flips"
    assert found["stability.top3_overlap_v0_v1"].value == 0.6
    assert found["stability.rank_correlation_seeds"].value == pytest.approx(0.91)
    assert found["stability.verdict.fit_on_v1"] == "ranking and reasons moved"
    assert key_of("fit on v1") == "fit_on_v1"


def test_every_model_has_both_figures_with_a_verdict_of_each():
    others = [agreement("fit on v1", "other day", 0.5, 0.9), agreement("flips", "attack", 0.9, 0.3)]
    rates = {"flips": 0.2}
    table = StudyTable.from_measurements(
        stability_rows(SEEDS + others, rates), table="toy", study="explain"
    )
    assert len(table) == 2 * (1 + len(SEEDS) + len(others))
    flipped = table.only("top3_overlap", attack="flips", poison_rate=0.2)
    assert (flipped.value, flipped.verdict) == (0.3, "fail")
    assert table.only("rank_correlation", model="fit on v1").verdict == "fail"
    assert table.only("rank_correlation", model="seed 2").verdict is None
    few = list(stability_rows([*SEEDS[:2], others[1]], rates))
    assert {row.verdict for row in few if row.attack} == {"insufficient evidence"}


def test_metrics_without_seeds_or_attacks_leave_their_keys_out():
    found = stability_headline([agreement("fit on v1", "other day", 0.5, 0.6)])
    assert not {key for key in found if "poisoned" in key or "null_band" in key or "seeds" in key}
    assert found["stability.verdict.fit_on_v1"] == "insufficient evidence"


@pytest.fixture(scope="module")
def compared(versions):
    """The toy model against itself, against other seeds,
    and against a fit whose features were exchanged.
    """
    rows = versions.training_rows
    fitted = ESTIMATOR.fit(rows.X, rows.y_observed)
    features = versions.holdout.X
    explainer = build_explainer(fitted)
    alerts = features[np.argsort(-explainer.trees.log_odds(features))[:60]]
    exchanged = np.roll(rows.X, 9, axis=1)
    others = {
        "same rows": ("other day", [rows]),
        "exchanged": (
            "attack",
            [
                Transactions(
                    exchanged, rows.y_observed, rows.amount_eur, is_validation=rows.is_validation
                )
            ],
        ),
    }
    return study_stability(
        explainer,
        rows,
        others,
        features[:600],
        alerts,
        estimator=ESTIMATOR,
        n_seeds=3,
        rng=np.random.default_rng(0),
    )


def test_study_compares_seeds_and_others(compared):
    assert [(each.name, each.kind) for each in compared] == [
        ("seed 2", "seed"),
        ("seed 3", "seed"),
        ("seed 4", "seed"),
        ("same rows", "other day"),
        ("exchanged", "attack"),
    ]
    for each in compared:
        for figure in (each.rank_correlation, each.top3_overlap):
            assert figure.ci_low <= figure.value <= figure.ci_high


def test_fit_whose_features_were_exchanged_has_moved_and_the_same_rows_have_not(compared):
    by_name = {each.name: each for each in compared}
    assert "reasons" in verdict(by_name["exchanged"], compared)
    assert by_name["exchanged"].top3_overlap.ci_high < by_name["same rows"].top3_overlap.ci_low
    assert verdict(by_name["same rows"], compared) == "as another seed"
