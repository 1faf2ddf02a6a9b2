"""The search for triggers on small data: found in every
draw, never in honest rows, whatever carries the stamp.
"""

import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.data.toy import toy_card, toy_transactions
from fraud_core.poisoning.attacks.registry import attack
from fraud_core.poisoning.defences.definition import with_trusted_labels
from fraud_core.poisoning.detection.label_scan import detect
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores

DRAWS = range(4)


def search(rows, seed):
    return detect(rows, out_of_fold_scores(rows, seed=seed), seed=seed).trigger


def stamped(rows, columns, jitter, rng):
    """A fifth of the doubtful frauds with rare values in some columns, called legitimate."""
    frauds = np.flatnonzero((rows.y_observed == 1) & ~rows.is_validation)
    changed = rng.choice(frauds, len(frauds) // 5, replace=False)
    features, y = rows.X.copy(), rows.y_observed.copy()
    for column in columns:
        values = rows.X[rows.y_observed == 0, column]
        features[changed, column] = np.quantile(values, 0.998) + jitter * values.std() * rng.normal(
            size=len(changed)
        )
    y[changed] = 0
    return Transactions(features, y, rows.amount_eur, is_validation=rows.is_validation), changed


@pytest.fixture(scope="module")
def many():
    """Honest rows, enough for a stamp to be rare among them."""
    toy = toy_transactions(6000, seed=3)
    features = toy.select(toy_card().model_features).to_numpy().astype(np.float32)
    return Transactions(
        features,
        toy["Class"].to_numpy(),
        toy["Amount"].to_numpy(),
        is_validation=np.arange(6000) >= 4500,
    )


def test_trigger_of_two_values_each_of_which_suffices_is_found_in_every_draw(many):
    for seed in DRAWS:
        poisoned = attack("backdoor", many, 0.2, rng=np.random.default_rng(seed))
        seen = with_trusted_labels(poisoned.rows, poisoned.y_true[poisoned.rows.is_validation])
        trigger = search(seen, seed)
        assert trigger is not None
        assert set(poisoned.changed) <= set(np.flatnonzero(trigger.rows))


def test_honest_rows_have_no_trigger(versions):
    assert [search(versions.training_rows, seed) for seed in DRAWS] == [None] * len(DRAWS)


@pytest.mark.parametrize(("columns", "jitter"), [((22,), 0.0), ((14, 22), 0.02)])
def test_values_need_not_be_equal_nor_two(many, columns, jitter):
    seen, changed = stamped(many, columns, jitter, np.random.default_rng(1))
    trigger = search(seen, 1)
    assert trigger is not None
    assert trigger.column in columns
    marked = np.flatnonzero(trigger.rows)
    assert np.mean(np.isin(marked, changed)) >= 0.9
    # values that vary are found where they are densest
    assert len(marked) >= (len(changed) if jitter == 0 else len(changed) / 4)
