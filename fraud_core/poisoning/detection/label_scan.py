"""The scan of a label batch before training: is it
poisoned, which rows, which source, which trigger.

Everything is judged against the trusted rows (labels copied before any attack) by exact tests, so
the scan needs no threshold from a clean copy of the batch. It alarms on three things: fraud labels
where models see no fraud, legitimate labels among rows that models rank with the trusted frauds,
and a value of a feature that switches fraud off. Fraud labels where no model sees fraud are also
held against an absolute limit, for trusted rows may be flipped too.
"""

from collections.abc import Sequence

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.detection.backdoor_triggers import find_trigger
from fraud_core.poisoning.detection.noisy_posterior import noise_corrected_posterior
from fraud_core.poisoning.detection.out_of_fold import NOISY, OutOfFold
from fraud_core.poisoning.detection.quantised_pool import Quantised
from fraud_core.poisoning.detection.scan_findings import Finding, Scan

ALPHA = 0.001
TRUSTED_FRAUD_QUANTILE = 0.25
FEWEST_TRUSTED_FRAUDS = 10
# Share of legitimate labels among the rows that rank with the trusted frauds in a clean batch:
# twice what clean v0 of the ULB data shows. A data set where more of them mix honestly shows it in
# its trusted rows, and that is taken.
CLEAN_SHARE = 0.08
# Share of fraud labels among the rows of lower score that a clean batch may have; clean v0 of the
# ULB data has 0.01%.
CLEAN_FLOOR = 0.005


def detect(
    rows: Transactions,
    scores: OutOfFold,
    *,
    source: np.ndarray | None = None,
    seed: int = 0,
    alpha: float = ALPHA,
    triggers: bool = True,
    quantised: Quantised | None = None,
    names: Sequence[str] | None = None,
) -> Scan:
    """Scan a batch of labels.

    Parameters
    ----------
    rows
        Labels as seen; ``rows.is_trusted`` marks the trusted rows.
    scores
        From `fraud_core.poisoning.detection.out_of_fold.out_of_fold_scores` on these rows.
    source
        Shape (n_samples,), who gave each label, or None.
    seed
        Of the fit that looks for triggers.
    alpha
        False-alarm rate of each test, in (0, 1).
    triggers
        Whether to look for triggers, which takes a fit on all rows.
    quantised
        Of the features, when they are in bins already; for triggers.
    names
        Of the columns of the features, for the words of a finding; None counts them from 1.

    Raises
    ------
    ParameterError
        When there are too few trusted frauds to judge by, or nothing but trusted rows.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores
    >>> toy = toy_transactions(1500, seed=0)
    >>> y = toy["Class"].to_numpy().copy()
    >>> y[:900][np.random.default_rng(0).random(900) < 0.3] = 1
    >>> rows = Transactions(
    ...     toy.select("V1", "V2").to_numpy(),
    ...     y,
    ...     toy["Amount"].to_numpy(),
    ...     is_validation=np.arange(1500) >= 900,
    ... )
    >>> detect(rows, out_of_fold_scores(rows, seed=0)).findings[0].kind
    'false frauds'
    """
    _check_trusted(rows)
    y, trusted, log_odds = rows.y_observed, rows.is_trusted, scores.log_odds
    false_rate, p_false = _false_frauds(y, trusted, log_odds)
    high = float(np.quantile(log_odds[trusted & (y == 1)], TRUSTED_FRAUD_QUANTILE))
    hidden_rate, p_hidden, hidden = _hidden_frauds(y, trusted, log_odds, high, false_rate)
    search = triggers and false_rate <= NOISY
    trigger = find_trigger(rows, high, seed=seed, quantised=quantised) if search else None
    false = np.zeros(len(y), dtype=bool)
    findings = []
    if p_false < alpha:
        false = _disbelieved_frauds(y, trusted, log_odds, false_rate, hidden_rate)
        findings.append(_say_false(p_false, false, false_rate))
    elif (floor := fraud_floor(y, log_odds, alpha=alpha)) is not None:
        findings.append(floor)
    if p_hidden < alpha:
        findings.append(_say_hidden(p_hidden, hidden, hidden_rate))
        findings += _sources(source, hidden, y, trusted, alpha)
    if trigger is not None:
        hidden = hidden | trigger.rows
        findings.append(
            Finding("trigger", trigger.p_value, int(trigger.rows.sum()), trigger.describe(names))
        )
    suspicious = false | (
        hidden if p_hidden < alpha or trigger is not None else np.zeros(len(y), dtype=bool)
    )
    label_noise_score = np.where(y == 1, -log_odds, log_odds)
    if trigger is not None:
        label_noise_score = np.where(
            trigger.rows, np.maximum(label_noise_score, log_odds.max()), label_noise_score
        )
    return Scan(label_noise_score, suspicious, false_rate, hidden_rate, trigger, tuple(findings))


def _check_trusted(rows: Transactions) -> None:
    n_frauds = int(rows.y_observed[rows.is_trusted].sum())
    if n_frauds < FEWEST_TRUSTED_FRAUDS or rows.is_trusted.all():
        raise ParameterError(
            f"trusted rows: expected at least {FEWEST_TRUSTED_FRAUDS} frauds among them and rows "
            "outside, found "
            f"{n_frauds} frauds and {int(np.sum(~rows.is_trusted))} rows; enlarge "
            "`split.validation_seconds` in the "
            "card"
        )


def _false_frauds(y: np.ndarray, trusted: np.ndarray, log_odds: np.ndarray) -> tuple[float, float]:
    """Share of fraud labels in the half of lowest score,
    beyond the trusted share, and its exact p-value.

    Where no model sees fraud the noisy posterior has its floor, and the floor is the flip rate
    (Menon et al., 2015, Learning from corrupted binary labels, section 4).
    """
    low = log_odds < np.median(log_odds)
    found, expected = int(np.sum(y[low & ~trusted])), int(np.sum(y[low & trusted]))
    n_found, n_expected = int(np.sum(low & ~trusted)), int(np.sum(low & trusted))
    rate = max(0.0, found / max(1, n_found) - expected / max(1, n_expected))
    return rate, _more_often(found, n_found, expected, n_expected)


def _hidden_frauds(
    y: np.ndarray, trusted: np.ndarray, log_odds: np.ndarray, high: float, false_rate: float
) -> tuple[float, float, np.ndarray]:
    """Legitimate labels that rank with the trusted frauds: their share, exact p-value and the rows.

    Under many false fraud labels the rows must also be more likely fraud than not by their own
    labels.
    """
    from scipy.stats import binom

    above = log_odds > high
    if false_rate > NOISY:
        above &= log_odds > 0
    legitimate = y == 0
    found, known = (
        int(np.sum(above & legitimate & ~trusted)),
        int(np.sum(above & ~legitimate & ~trusted)),
    )
    mixed, frauds = (
        int(np.sum(above & legitimate & trusted)),
        int(np.sum(above & ~legitimate & trusted)),
    )
    clean = max(CLEAN_SHARE, mixed / max(1, mixed + frauds))
    p_value = float(binom.sf(found - 1, found + known, clean)) if found else 1.0
    return found / max(1, found + known), p_value, above & legitimate & ~trusted


def _more_often(found: int, n_found: int, expected: int, n_expected: int) -> float:
    """P-value that a count is larger than its exposure
    explains, given another count and its exposure.

    References
    ----------
    J. Przyborowski and H. Wilenski (1940), Homogeneity of results in testing samples from Poisson
    series.
    """
    from scipy.stats import binom

    if not found:
        return 1.0
    return float(binom.sf(found - 1, found + expected, n_found / max(1, n_found + n_expected)))


def _disbelieved_frauds(
    y: np.ndarray, trusted: np.ndarray, log_odds: np.ndarray, false_rate: float, hidden_rate: float
) -> np.ndarray:
    """Fraud labels that are more likely false than
    true by Bayes' rule, given the two flip rates.
    """
    return (
        (y == 1)
        & ~trusted
        & (noise_corrected_posterior(y, log_odds, false_rate, hidden_rate) < 0.5)
    )


def _sources(
    source: np.ndarray | None,
    hidden: np.ndarray,
    y: np.ndarray,
    trusted: np.ndarray,
    alpha: float,
) -> list[Finding]:
    """Sources with more hidden frauds than the others together explain."""
    if source is None:
        return []
    doubtful = (y == 0) & ~trusted
    found = []
    for name in np.unique(source[doubtful]):
        own = doubtful & (source == name)
        n_hidden, n_own = int(np.sum(hidden & own)), int(np.sum(own))
        rest, n_rest = int(np.sum(hidden & ~own)), int(np.sum(doubtful & ~own))
        p_value = _more_often(n_hidden, n_own, rest, n_rest)
        if p_value < alpha:
            words = (
                f"source {name}: {n_hidden} of the {n_hidden + rest} suspicious legitimate "
                "labels come from it"
            )
            found.append(Finding("source", p_value, n_hidden, words))
    return found


def _say_false(p_value: float, false: np.ndarray, rate: float) -> Finding:
    n_rows = int(false.sum())
    words = (
        f"about {rate:.1%} of the legitimate payments are called fraud ({n_rows:,} labels are "
        "not believed)"
    )
    return Finding("false frauds", p_value, n_rows, words)


def _say_hidden(p_value: float, hidden: np.ndarray, rate: float) -> Finding:
    n_rows = int(hidden.sum())
    words = (
        f"{n_rows:,} payments called legitimate rank with known frauds ({rate:.0%} of the "
        "payments ranked there)"
    )
    return Finding("hidden frauds", p_value, n_rows, words)


def fraud_floor(
    y_observed: np.ndarray,
    log_odds: np.ndarray,
    *,
    clean: float = CLEAN_FLOOR,
    alpha: float = ALPHA,
) -> Finding | None:
    """Whether more fraud labels lie in the half of lowest
    score than a clean batch has, by an exact test.

    Parameters
    ----------
    y_observed, log_odds
        Labels as seen, and out-of-fold log-odds of them, shape (n_samples,).
    clean
        Share of that half that clean labels may call fraud; at least a quarter of the share of all
        rows.
    alpha
        False-alarm rate, in (0, 1).

    Examples
    --------
    >>> fraud_floor(np.array([0] * 100), np.arange(100.0)) is None
    True
    """
    from scipy.stats import binom

    low = log_odds < np.median(log_odds)
    frauds, total = int(y_observed[low].sum()), int(low.sum())
    rate = max(clean, float(y_observed.mean()) / 4)
    p_value = float(binom.sf(frauds - 1, total, rate)) if frauds else 1.0
    if p_value >= alpha:
        return None
    words = (
        f"{frauds / total:.1%} of the payments that look least like fraud are called fraud "
        f"({frauds:,} labels)"
    )
    return Finding("false frauds", p_value, frauds, words)
