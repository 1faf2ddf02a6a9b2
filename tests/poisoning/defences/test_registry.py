from typing import get_args

import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.pipeline import study_params
from fraud_core.pipeline.reporting.results import markdown_table
from fraud_core.poisoning.defences.definition import DefenceContext, with_trusted_labels
from fraud_core.poisoning.defences.micro_models import MODES, drop_outvoted
from fraud_core.poisoning.defences.registry import (
    DEFENCES,
    SELECTOR,
    defence_names,
    defence_rows,
    defend,
)
from fraud_core.poisoning.defences.selection import VETO, choose_defence
from tests.conftest import ROOT

pytestmark = pytest.mark.xdist_group("poisoning")
OWN = [name for name in defence_names() if name != "provenance"]


@pytest.mark.parametrize("name", OWN)
def test_defences_are_seeded_and_never_touch_a_trusted_row(name, attacked):
    _, seen, context = attacked("fraud_to_legit", 0.5)
    first, again = (defend(name, seen, context, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.flagged, again.flagged)
    assert not (first.flagged & seen.is_validation).any()
    assert first.rows.is_validation.sum() == seen.is_validation.sum()
    np.testing.assert_array_equal(first.rows.X, seen.X[first.kept_index])


@pytest.mark.parametrize("name", ["confident_learning", "micro_models", "out_of_fold"])
def test_cleaning_removes_hidden_frauds_more_often_than_honest_rows(name, attacked):
    poisoned, seen, context = attacked("fraud_to_legit", 0.5)
    flagged = defend(name, seen, context, seed=3).flagged
    changed = np.isin(np.arange(len(seen.y_observed)), poisoned.changed) & ~seen.is_validation
    assert flagged[changed].mean() > 10 * flagged[~changed & ~seen.is_validation].mean()


def test_out_of_fold_cleaning_leaves_clean_rows_alone(attacked):
    _, seen, context = attacked("clean", 0.0)
    assert not defend("out_of_fold", seen, context, seed=3).flagged.any()


def test_out_of_fold_cleaning_undoes_nearly_all_false_frauds(attacked):
    poisoned, seen, context = attacked("legit_to_fraud", 0.2)
    flagged = defend("out_of_fold", seen, context, seed=3).flagged
    changed = np.isin(np.arange(len(seen.y_observed)), poisoned.changed) & ~seen.is_validation
    assert flagged[changed].mean() > 0.9


@pytest.mark.parametrize("mode", MODES)
def test_modes_of_micro_models(mode, attacked):
    _, seen, context = attacked("legit_to_fraud", 0.2)
    found = drop_outvoted(seen, context, 3, mode)
    if mode == "relabel":
        assert len(found.rows.y_observed) == len(seen.y_observed)
        np.testing.assert_array_equal(
            found.rows.y_observed[found.flagged], 1 - seen.y_observed[found.flagged]
        )
    else:
        assert len(found.rows.y_observed) == len(seen.y_observed) - found.flagged.sum()
    if mode == "positive_unlabelled":
        assert (seen.y_observed[found.flagged] == 0).all()


def test_provenance_drops_the_source_that_lies(attacked):
    _, seen, context = attacked("clean", 0.0)
    source = np.where(np.arange(len(seen.y_observed)) % 3 == 0, "a", "b")
    y = seen.y_observed.copy()
    lying = (source == "b") & ~seen.is_validation
    y[lying] = 1 - y[lying]
    lied = seen.with_labels(y)
    told = DefenceContext(context.scores, context.scan, context.quantised, source=source)
    np.testing.assert_array_equal(defend("provenance", lied, told, seed=1).flagged, lying)
    assert not defend("provenance", seen, told, seed=1).flagged.any()


def test_missing_context_and_unknown_names_are_refused(attacked):
    _, seen, context = attacked("clean", 0.0)
    with pytest.raises(ParameterError, match="provenance: expected a source for each row"):
        defend("provenance", seen, context, seed=1)
    with pytest.raises(ParameterError, match="knn: expected the nearest neighbours"):
        defend("knn", seen, DefenceContext(context.scores, context.scan, context.quantised), seed=1)
    with pytest.raises(ParameterError, match="defence: expected one of none"):
        defend("prayer", seen, context, seed=1)
    with pytest.raises(ParameterError, match="call choose_defence"):
        defend("policy", seen, context, seed=1)
    with pytest.raises(ParameterError, match="mode: expected one of filter"):
        drop_outvoted(seen, context, 1, "guess")


def test_trusted_labels_must_fit_the_trusted_rows(versions):
    rows = versions.training_rows
    with pytest.raises(ParameterError, match="must not overlap"):
        with_trusted_labels(rows, rows.y_observed)


def test_policy_cleans_only_what_the_scan_found_and_the_trusted_rows_allow(attacked):
    clean, poisoned = attacked("clean", 0.0)[2].scan, attacked("fraud_to_legit", 0.5)[2].scan
    assert choose_defence(clean, {"none": 0.1, "out_of_fold": 0.9})[0] == "none"
    assert choose_defence(poisoned, {"none": 0.7, "out_of_fold": 0.7})[0] == "out_of_fold"
    chosen, reason = choose_defence(poisoned, {"none": 0.7, "out_of_fold": 0.7 - 2 * VETO})
    assert chosen == "none"
    assert "worse by 0.100" in reason


def test_parameters_allow_every_defence_and_the_selector():
    assert set(get_args(study_params.Defence)) == {*defence_names(), SELECTOR}


def test_table_of_the_documentation_is_that_of_the_list():
    page = (ROOT / "docs" / "poisoning.md").read_text(encoding="utf-8")
    assert markdown_table(defence_rows()) in page, (
        "replace the table of docs/poisoning.md by that of `defence_rows`"
    )


@pytest.mark.parametrize("entry", DEFENCES, ids=lambda entry: entry.name)
def test_defence_is_refused_without_what_it_needs(entry, attacked):
    _, seen, context = attacked("clean", 0.0)
    bare = DefenceContext(context.scores, context.scan, context.quantised)
    for part in entry.needs:
        assert not bare.has(part)
        with pytest.raises(ParameterError, match=f"in `context.{part}`, got none"):
            defend(entry.name, seen, bare, seed=1)
