import importlib
import pkgutil
from typing import get_args

import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.pipeline import study_params
from fraud_core.pipeline.reporting.results import markdown_table
from fraud_core.poisoning import defences
from fraud_core.poisoning.defences.definition import Defence, DefenceContext
from fraud_core.poisoning.defences.registry import (
    DEFENCES,
    SELECTOR,
    defence_names,
    defence_rows,
    defend,
)
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


def test_missing_context_and_unknown_names_are_refused(attacked):
    _, seen, context = attacked("clean", 0.0)
    with pytest.raises(ParameterError, match="knn: expected the nearest neighbours"):
        defend("knn", seen, DefenceContext(context.scores, context.scan, context.quantised), seed=1)
    with pytest.raises(ParameterError, match="defence: expected one of none"):
        defend("prayer", seen, context, seed=1)
    with pytest.raises(ParameterError, match="call choose_defence"):
        defend("policy", seen, context, seed=1)


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


def test_every_defence_that_a_module_defines_is_in_the_list():
    found = [
        value
        for module in pkgutil.iter_modules(defences.__path__, f"{defences.__name__}.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, Defence)
    ]
    lacking = {entry.name for entry in found} - {entry.name for entry in DEFENCES}
    assert not lacking, f"{lacking}: add the import and the line to DEFENCES of registry.py"
