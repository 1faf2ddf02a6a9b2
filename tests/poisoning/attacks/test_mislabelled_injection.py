from dataclasses import replace

import numpy as np

from fraud_core.poisoning.attacks.definition import ThreatModel
from fraud_core.poisoning.attacks.mislabelled_injection import JITTER, MISLABELLED_INJECTION


def test_injection_changes_no_label_that_was_there_and_adds_possible_values(rows, rng):
    found = MISLABELLED_INJECTION.poison(rows, 0.5, ThreatModel(), rng)
    n = len(rows.y_observed)
    np.testing.assert_array_equal(found.y_observed[:n], rows.y_observed)
    added = found.rows.X[n:]
    assert (added >= rows.X.min(axis=0)).all()
    assert (added <= rows.X.max(axis=0)).all()


def test_each_added_row_lies_near_a_fraud_that_is_not_trusted(rows, rng):
    found = MISLABELLED_INJECTION.poison(rows, 0.5, ThreatModel(), rng)
    scale = rows.X.std(axis=0)
    frauds = rows.X[(rows.y_observed == 1) & ~rows.is_trusted] / scale
    for added in found.rows.X[found.changed] / scale:
        assert abs(frauds - added).max(axis=1).min() < 5 * JITTER
    assert not found.rows.is_trusted[found.changed].any()
    assert not found.rows.is_validation[found.changed].any()


def test_trusted_frauds_are_copied_where_there_are_no_others(rows, rng):
    trusted = replace(rows, is_trusted=np.ones(len(rows), dtype=bool))
    found = MISLABELLED_INJECTION.poison(trusted, 0.5, ThreatModel(), rng)
    assert len(found.changed) == round(0.5 * rows.y_observed.sum())
    assert (found.y_true[found.changed] == 1).all()
