import importlib
import pkgutil
from dataclasses import fields
from typing import get_args

import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.pipeline import study_params
from fraud_core.pipeline.reporting.results import markdown_table
from fraud_core.poisoning import attacks
from fraud_core.poisoning.attacks.definition import FRAUD, Attack
from fraud_core.poisoning.attacks.registry import ATTACKS, attack, attack_names, attack_rows
from tests.conftest import ROOT


def run(name, rows, rate, known=None, seed=0):
    return attack(name, rows, rate, rng=np.random.default_rng(seed), knowledge=known)


@pytest.mark.parametrize("name", attack_names())
def test_every_attack_is_seeded_and_leaves_its_input_alone(name, rows, known):
    arrays = [
        value
        for values in (rows, known)
        for field in fields(values)
        if isinstance(value := getattr(values, field.name), np.ndarray)
    ]
    before = [(values, values.copy()) for values in arrays]
    first, again = (run(name, rows, 0.2, known) for _ in range(2))
    np.testing.assert_array_equal(first.y_observed, again.y_observed)
    np.testing.assert_array_equal(first.rows.X, again.rows.X)
    for values, copy in before:
        changed = f"{name} changed its input: copy what it changes, as `relabelled` does"
        np.testing.assert_array_equal(values, copy, err_msg=changed)


@pytest.mark.parametrize("name", attack_names())
def test_changed_rows_are_those_whose_label_or_content_differs(name, rows, known):
    found = run(name, rows, 0.2, known)
    n = len(rows.y_observed)
    differs = found.y_observed != found.y_true
    differs[:n] |= (found.rows.X[:n] != rows.X).any(axis=1)
    differs[n:] = True
    np.testing.assert_array_equal(found.changed, np.flatnonzero(differs))
    assert len(found.changed) > 0


@pytest.mark.parametrize("name", attack_names())
def test_attack_without_a_budget_changes_nothing(name, rows, known):
    found = run(name, rows, 0.0, known)
    assert len(found.changed) == 0
    np.testing.assert_array_equal(found.y_observed, rows.y_observed)


@pytest.mark.parametrize("name", [entry.name for entry in ATTACKS if entry.attacked == (FRAUD,)])
def test_budget_is_a_share_of_the_frauds(name, rows, known):
    assert len(run(name, rows, 0.2, known).changed) == round(0.2 * rows.y_observed.sum())


@pytest.mark.parametrize(
    ("name", "rate", "message"),
    [
        ("sideways", 0.1, "attack: expected one of legit_to_fraud"),
        ("fraud_to_legit", 1.2, r"expected a rate in \[0, 1\], got 1.2"),
        ("fraud_to_legit", -0.1, r"expected a rate in \[0, 1\]"),
    ],
)
def test_impossible_attacks_are_refused_by_name(rows, name, rate, message):
    with pytest.raises(ParameterError, match=message):
        run(name, rows, rate)


def test_parameters_allow_every_attack_that_the_payments_can_bear():
    assert set(get_args(study_params.Attack)) == set(attack_names()) - {"group"}


def test_table_of_the_documentation_is_that_of_the_list():
    page = (ROOT / "docs" / "poisoning.md").read_text(encoding="utf-8")
    assert markdown_table(attack_rows()) in page, (
        "replace the table of docs/poisoning.md by what the command in CONTRIBUTING.md prints"
    )


def test_every_attack_that_a_module_defines_is_in_the_list():
    found = [
        value
        for module in pkgutil.iter_modules(attacks.__path__, f"{attacks.__name__}.")
        for value in vars(importlib.import_module(module.name)).values()
        if isinstance(value, Attack)
    ]
    lacking = {entry.name for entry in found} - {entry.name for entry in ATTACKS}
    assert not lacking, f"{lacking}: add the import and the line to ATTACKS of registry.py"


@pytest.mark.parametrize("entry", ATTACKS, ids=lambda entry: entry.name)
def test_attack_changes_rows_of_the_classes_that_it_names_only(entry, rows, known):
    poisoned = run(entry.name, rows, 0.2, known)
    assert set(poisoned.y_true[poisoned.changed]) == set(entry.attacked)
    assert (poisoned.trigger is not None) == entry.stamps_trigger


@pytest.mark.parametrize(
    "entry", [entry for entry in ATTACKS if entry.needs], ids=lambda entry: entry.name
)
def test_attack_is_refused_without_what_it_needs(entry, rows):
    with pytest.raises(ParameterError, match=f"in `knowledge.{entry.needs[0]}`, got none"):
        run(entry.name, rows, 0.1)
