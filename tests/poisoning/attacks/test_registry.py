from typing import get_args

import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.pipeline import study_params
from fraud_core.pipeline.reporting.results import markdown_table
from fraud_core.poisoning.attacks.definition import ThreatModel, Trigger
from fraud_core.poisoning.attacks.registry import ATTACKS, attack, attack_names, attack_rows
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def rows(versions):
    return versions.training_rows


@pytest.fixture(scope="module")
def known(rows):
    n = len(rows.y_observed)
    return ThreatModel(
        log_odds=np.linspace(-5, 5, n),
        source=np.arange(n) % 3 == 0,
        group=np.where(np.arange(n) % 3 == 0, "a", "b"),
    )


def run(name, rows, rate, known=None, seed=0):
    return attack(name, rows, rate, rng=np.random.default_rng(seed), knowledge=known)


@pytest.mark.parametrize("name", attack_names())
def test_every_attack_is_seeded_and_leaves_its_input_alone(name, rows, known):
    before = rows.X.copy(), rows.y_observed.copy()
    first, again = (run(name, rows, 0.2, known) for _ in range(2))
    np.testing.assert_array_equal(first.y_observed, again.y_observed)
    np.testing.assert_array_equal(first.rows.X, again.rows.X)
    np.testing.assert_array_equal(rows.X, before[0])
    np.testing.assert_array_equal(rows.y_observed, before[1])


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


@pytest.mark.parametrize(
    "name",
    [
        "margin_based",
        "subpopulation",
        "backdoor",
        "mislabelled_injection",
        "group",
        "compromised_annotator",
    ],
)
def test_budget_is_a_share_of_the_frauds(name, rows, known):
    assert len(run(name, rows, 0.2, known).changed) == round(0.2 * rows.y_observed.sum())


def test_boundary_takes_the_frauds_nearest_to_the_boundary(rows):
    frauds = np.flatnonzero(rows.y_observed == 1)
    log_odds = np.zeros(len(rows.y_observed))
    log_odds[frauds] = np.arange(len(frauds)) - 2.2
    found = run("margin_based", rows, 3 / len(frauds), ThreatModel(log_odds=log_odds))
    np.testing.assert_array_equal(found.changed, frauds[[1, 2, 3]])


def test_subpopulation_of_amounts_is_a_band(rows):
    found = run("subpopulation", rows, 0.3, ThreatModel(mode="amount"))
    hidden = rows.amount_eur[found.changed]
    rest = rows.amount_eur[(rows.y_observed == 1) & (found.y_observed == 1)]
    assert not np.any((rest > hidden.min()) & (rest < hidden.max()))


def test_targeted_cluster_is_tighter_than_a_random_draw(rows):
    def spread(found):
        return rows.X[found.changed].std(axis=0).mean()

    assert spread(run("subpopulation", rows, 0.3)) < spread(run("fraud_to_legit", rows, 0.3))


def test_backdoor_stamps_its_trigger_and_nothing_else_carries_it(rows):
    found = run("backdoor", rows, 0.3)
    carries = (found.rows.X[:, found.trigger.columns] == found.trigger.values).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(carries), found.changed)
    assert not rows.is_validation[found.changed].any()


def test_injection_changes_no_label_that_was_there_and_adds_possible_values(rows):
    found = run("mislabelled_injection", rows, 0.5)
    n = len(rows.y_observed)
    np.testing.assert_array_equal(found.y_observed[:n], rows.y_observed)
    added = found.rows.X[n:]
    assert (added >= rows.X.min(axis=0)).all()
    assert (added <= rows.X.max(axis=0)).all()


def test_source_hides_the_last_frauds_of_one_source(rows, known):
    found = run("compromised_annotator", rows, 0.2, known)
    name = known.source[found.changed]
    assert len(np.unique(name)) == 1
    own = np.flatnonzero((rows.y_observed == 1) & (known.source == name[0]))
    np.testing.assert_array_equal(found.changed, own[-len(found.changed) :])


def test_stamp_leaves_its_input_alone():
    features = np.zeros((2, 3), "f4")
    stamped = Trigger(np.array([0, 2]), np.array([1.0, 2.0], "f4")).stamp(features)
    np.testing.assert_array_equal(stamped, [[1, 0, 2], [1, 0, 2]])
    assert not features.any()


@pytest.mark.parametrize(
    ("name", "rate", "message"),
    [
        ("sideways", 0.1, "attack: expected one of legit_to_fraud"),
        ("fraud_to_legit", 1.2, r"expected a rate in \[0, 1\], got 1.2"),
        ("fraud_to_legit", -0.1, r"expected a rate in \[0, 1\]"),
        ("compromised_annotator", 0.1, "expected a source for each row"),
        ("group", 0.1, "expected a group for each row"),
        ("margin_based", 0.1, "expected the log-odds of a clean model"),
    ],
)
def test_impossible_attacks_are_refused_by_name(rows, name, rate, message):
    with pytest.raises(ParameterError, match=message):
        run(name, rows, rate)


def test_budget_larger_than_what_can_be_attacked_is_refused(rows, known):
    with pytest.raises(ParameterError, match="source: expected a budget of at most"):
        run("compromised_annotator", rows, 0.9, known)
    with pytest.raises(ParameterError, match="backdoor: expected a budget of at most"):
        run("backdoor", rows, 1.0)


def test_attack_on_an_empty_class_is_refused(rows):
    from dataclasses import replace

    with pytest.raises(ParameterError, match="expected rows of class 1 to attack, found none"):
        run("subpopulation", replace(rows, y_observed=np.zeros_like(rows.y_observed)), 0.1)


def test_parameters_allow_every_attack_that_the_payments_can_bear():
    assert set(get_args(study_params.Attack)) == set(attack_names()) - {"group"}


def test_table_of_the_documentation_is_that_of_the_list():
    page = (ROOT / "docs" / "poisoning.md").read_text(encoding="utf-8")
    assert markdown_table(attack_rows()) in page, (
        "replace the table of docs/poisoning.md by that of `attack_rows`"
    )


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
