import numpy as np
import pytest

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.evaluation.metrics import average_precision
from fraud_core.poisoning.detection.label_scan import detect, fraud_floor
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores

pytestmark = pytest.mark.xdist_group("poisoning")


def kinds(evidence):
    return [finding.kind for finding in evidence.scan.findings]


def test_clean_batch_gives_no_alarm_and_suspects_nothing(attacked):
    _, _, evidence = attacked("clean", 0.0)
    assert kinds(evidence) == []
    assert not evidence.scan.suspicious.any()


def test_hidden_frauds_are_found_and_ranked_first(attacked):
    poisoned, seen, evidence = attacked("fraud_to_legit", 0.5)
    assert kinds(evidence) == ["hidden frauds"]
    doubtful = ~seen.is_validation & (seen.y_observed == 0)
    changed = np.isin(np.arange(len(seen.y_observed)), poisoned.changed)
    assert (
        average_precision(changed[doubtful].astype(int), evidence.scan.label_noise_score[doubtful])
        > 0.6
    )


def test_false_frauds_are_found_at_their_rate(attacked):
    poisoned, _, evidence = attacked("legit_to_fraud", 0.2)
    assert kinds(evidence) == ["false frauds"]
    assert evidence.scan.false_fraud_rate == pytest.approx(0.2, abs=0.03)
    suspicious = evidence.scan.suspicious
    assert np.mean(np.isin(np.flatnonzero(suspicious), poisoned.changed)) > 0.9


def test_trigger_is_named(attacked):
    poisoned, _, evidence = attacked("backdoor", 0.5)
    trigger = evidence.scan.trigger
    assert trigger is not None
    assert trigger.column in poisoned.trigger.columns
    assert set(poisoned.changed) <= set(np.flatnonzero(trigger.rows))


def test_no_trusted_row_is_ever_suspicious(attacked):
    for name, rate in (("fraud_to_legit", 0.5), ("legit_to_fraud", 0.2), ("backdoor", 0.5)):
        _, seen, evidence = attacked(name, rate)
        assert not (evidence.scan.suspicious & seen.is_validation).any()


def test_bad_source_is_named(versions):
    rows = versions.training_rows
    source = np.where(np.arange(len(rows.y_observed)) % 3 != 0, "reviewer a", "reviewer b")
    y = rows.y_observed.copy()
    y[(source == "reviewer a") & ~rows.is_validation] = 0
    seen = Transactions(rows.X, y, rows.amount_eur, is_validation=rows.is_validation)
    found = detect(seen, out_of_fold_scores(seen, seed=1), source=source, triggers=False)
    named = [finding.words for finding in found.findings if finding.kind == "source"]
    assert len(named) == 1
    assert named[0].startswith("source reviewer a:")


def test_too_few_trusted_frauds_are_refused_with_their_count(versions):
    rows = versions.training_rows
    none = Transactions(
        rows.X,
        rows.y_observed,
        rows.amount_eur,
        is_validation=np.zeros(len(rows.y_observed), dtype=bool),
    )
    with pytest.raises(
        ParameterError, match=r"expected at least 10 frauds among them.*found 0 frauds"
    ):
        detect(none, out_of_fold_scores(rows, seed=1))


def test_flips_are_found_even_when_the_trusted_rows_are_flipped_too(versions, rng):
    rows = versions.training_rows
    y = np.where(rng.random(len(rows.y_observed)) < 0.2, 1, rows.y_observed)
    seen = Transactions(rows.X, y, rows.amount_eur, is_validation=rows.is_validation)
    found = detect(seen, out_of_fold_scores(seen, seed=1), seed=1)
    assert [finding.kind for finding in found.findings] == ["false frauds"]


def test_floor_by_hand():
    log_odds = np.arange(2000.0)
    y = np.zeros(2000, dtype=int)
    y[:5] = 1
    assert fraud_floor(y, log_odds) is None
    y[:40] = 1
    found = fraud_floor(y, log_odds)
    assert found is not None
    assert found.n_rows == 40
