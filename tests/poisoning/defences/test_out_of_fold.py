import numpy as np
import pytest

from fraud_core.poisoning.defences.out_of_fold import drop_suspicious

pytestmark = pytest.mark.xdist_group("poisoning")


def test_out_of_fold_cleaning_leaves_clean_rows_alone(attacked):
    _, seen, context = attacked("clean", 0.0)
    assert not drop_suspicious(seen, context, seed=3).flagged.any()


def test_out_of_fold_cleaning_undoes_nearly_all_false_frauds(attacked):
    poisoned, seen, context = attacked("legit_to_fraud", 0.2)
    flagged = drop_suspicious(seen, context, seed=3).flagged
    changed = np.isin(np.arange(len(seen.y_observed)), poisoned.changed) & ~seen.is_validation
    assert flagged[changed].mean() > 0.9
