import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.sanitizers import DEFENCES, MICRO_MODEL_MODES, Evidence, defend, trust
from fraud_core.poisoning.defences.selection import VETO, choose_defence

pytestmark = pytest.mark.xdist_group("poisoning")
OWN = [name for name in DEFENCES if name != "provenance"]


@pytest.mark.parametrize("name", OWN)
def test_defences_are_seeded_and_never_touch_a_trusted_row(name, attacked):
    _, seen, evidence = attacked("fraud_to_legit", 0.5)
    first, again = (defend(name, seen, evidence, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.doubted, again.doubted)
    assert not (first.doubted & seen.is_validation).any()
    assert first.rows.is_validation.sum() == seen.is_validation.sum()
    np.testing.assert_array_equal(first.rows.X, seen.X[first.numbers])


@pytest.mark.parametrize("name", ["confident_learning", "micro_models", "out_of_fold"])
def test_cleaning_removes_hidden_frauds_more_often_than_honest_rows(name, attacked):
    poisoned, seen, evidence = attacked("fraud_to_legit", 0.5)
    doubted = defend(name, seen, evidence, seed=3).doubted
    changed = np.isin(np.arange(len(seen.y_observed)), poisoned.changed) & ~seen.is_validation
    assert doubted[changed].mean() > 10 * doubted[~changed & ~seen.is_validation].mean()


def test_out_of_fold_cleaning_leaves_clean_rows_alone(attacked):
    _, seen, evidence = attacked("clean", 0.0)
    assert not defend("out_of_fold", seen, evidence, seed=3).doubted.any()


def test_out_of_fold_cleaning_undoes_nearly_all_false_frauds(attacked):
    poisoned, seen, evidence = attacked("legit_to_fraud", 0.2)
    doubted = defend("out_of_fold", seen, evidence, seed=3).doubted
    changed = np.isin(np.arange(len(seen.y_observed)), poisoned.changed) & ~seen.is_validation
    assert doubted[changed].mean() > 0.9


@pytest.mark.parametrize("mode", MICRO_MODEL_MODES)
def test_modes_of_micro_models(mode, attacked):
    _, seen, evidence = attacked("legit_to_fraud", 0.2)
    found = defend("micro_models", seen, evidence, seed=3, mode=mode)
    if mode == "relabel":
        assert len(found.rows.y_observed) == len(seen.y_observed)
        np.testing.assert_array_equal(found.rows.y_observed[found.doubted], 1 - seen.y_observed[found.doubted])
    else:
        assert len(found.rows.y_observed) == len(seen.y_observed) - found.doubted.sum()
    if mode == "positive_unlabelled":
        assert (seen.y_observed[found.doubted] == 0).all()


def test_provenance_drops_the_source_that_lies(attacked):
    _, seen, evidence = attacked("clean", 0.0)
    source = np.where(np.arange(len(seen.y_observed)) % 3 == 0, "a", "b")
    y = seen.y_observed.copy()
    lying = (source == "b") & ~seen.is_validation
    y[lying] = 1 - y[lying]
    lied = type(seen)(seen.X, y, seen.amount_eur, seen.is_validation)
    told = Evidence(evidence.scores, evidence.scan, evidence.quantised, source=source)
    np.testing.assert_array_equal(defend("provenance", lied, told, seed=1).doubted, lying)
    assert not defend("provenance", seen, told, seed=1).doubted.any()


def test_missing_evidence_and_unknown_names_are_refused(attacked):
    _, seen, evidence = attacked("clean", 0.0)
    with pytest.raises(ParameterError, match="provenance: expected a source for each row"):
        defend("provenance", seen, evidence, seed=1)
    with pytest.raises(ParameterError, match="knn: expected the nearest neighbours"):
        defend("knn", seen, Evidence(evidence.scores, evidence.scan, evidence.quantised), seed=1)
    with pytest.raises(ParameterError, match="defence: expected one of none"):
        defend("prayer", seen, evidence, seed=1)
    with pytest.raises(ParameterError, match="call choose_defence"):
        defend("policy", seen, evidence, seed=1)
    with pytest.raises(ParameterError, match="mode: expected one of filter"):
        defend("micro_models", seen, evidence, seed=1, mode="guess")


def test_trusted_labels_must_fit_the_trusted_rows(versions):
    rows = versions.training_rows
    with pytest.raises(ParameterError, match="must not overlap"):
        trust(rows, rows.y_observed)


def test_policy_cleans_only_what_the_scan_found_and_the_trusted_rows_allow(attacked):
    clean, poisoned = attacked("clean", 0.0)[2].scan, attacked("fraud_to_legit", 0.5)[2].scan
    assert choose_defence(clean, {"none": 0.1, "out_of_fold": 0.9})[0] == "none"
    assert choose_defence(poisoned, {"none": 0.7, "out_of_fold": 0.7})[0] == "out_of_fold"
    chosen, reason = choose_defence(poisoned, {"none": 0.7, "out_of_fold": 0.7 - 2 * VETO})
    assert chosen == "none"
    assert "worse by 0.100" in reason
