"""Out-of-fold scores on doubtful labels: the one computation that most defences and the scan share.

A row is scored by models that did not see its label. Fraud is rare, so each model takes every fraud
label and a sample of the legitimate ones; the trusted rows, whose labels were copied before any
attack, weigh more, the more the doubtful labels are worth less than they.
"""

from dataclasses import dataclass

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.model.estimators import FittedEstimator
from fraud_core.poisoning.detection.quantised_pool import Quantised, quantise

N_FOLDS = 5
SAMPLED_LEGITIMATE = 40_000
# Fewer and larger steps than the champion's, chosen for speed on draws of v0 that no study takes
# (docs/decisions/0042).
DETECTOR = {
    "iterations": 100,
    "learning_rate": 0.15,
    "depth": 6,
    "rsm": 0.5,
    "random_strength": 3.0,
}
# Under many false fraud labels there is enough to learn from, and less regularisation finds small
# clusters of fraud.
NOISY_DETECTOR = {"iterations": 100, "learning_rate": 0.1, "depth": 6}
SMALL_DETECTOR = {"iterations": 80, "learning_rate": 0.2, "depth": 4, "rsm": 0.5}
TRUSTED_WEIGHT = 4.0
LARGEST_WEIGHT = 40.0
NOISY = 0.01


@dataclass(frozen=True)
class OutOfFold:
    """What models that never saw a row's label say about it.

    Attributes
    ----------
    log_odds
        Shape (n_samples,), log-odds that the *seen* label is fraud, corrected for the sampling of
        the models.
    fold
        Shape (n_samples,), fold of each row; exact duplicates share one.
    """

    log_odds: np.ndarray
    fold: np.ndarray

    @property
    def probability(self) -> np.ndarray:
        """Probability that the seen label is fraud, shape (n_samples,)."""
        return 1.0 / (1.0 + np.exp(-np.clip(self.log_odds, -700, 700)))


def excess_fraud_rate(y_observed: np.ndarray, trusted: np.ndarray) -> float:
    """Share of the doubtful rows called fraud beyond the
    share among trusted rows; 0 when it is not larger.

    Examples
    --------
    >>> y = np.array([1, 1, 0, 0, 0, 0, 0, 0])
    >>> excess_fraud_rate(y, np.arange(8) >= 4)
    0.5
    """
    if trusted.all() or not trusted.any():
        raise ParameterError(
            f"trusted rows: expected some of the {len(trusted)} rows and not all, got "
            f"{int(trusted.sum())}; mark the rows whose labels were verified"
        )
    return max(0.0, float(y_observed[~trusted].mean() - y_observed[trusted].mean()))


def trusted_weight(noise_rate: float) -> float:
    """Weight of a trusted label against a doubtful one: at
    noise rate e a label holds (1 − 2e)² of its information.

    References
    ----------
    D. Angluin and P. Laird (1988), Learning from noisy examples, section 2: sample sizes grow with
    1/(1 − 2e)².

    Examples
    --------
    >>> trusted_weight(0.0), round(trusted_weight(0.2), 1)
    (4.0, 11.1)
    """
    return min(LARGEST_WEIGHT, TRUSTED_WEIGHT / max(1e-3, 1.0 - 2.0 * noise_rate) ** 2)


def out_of_fold_scores(
    rows: Transactions,
    *,
    seed: int,
    left_out: np.ndarray | None = None,
    quantised: Quantised | None = None,
) -> OutOfFold:
    """Score every row by models that saw neither its label nor that of an exact duplicate.

    Parameters
    ----------
    rows
        Labels as seen; ``rows.is_trusted`` marks the trusted rows, whose labels are true.
    seed
        Of folds, samples and fits.
    left_out
        Shape (n_samples,), True for rows that are scored but not learnt from, or None.
    quantised
        Of the features, when they are in bins already.

    Raises
    ------
    ValueError
        When a fold's training rows hold one class only.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(400, seed=0)
    >>> rows = Transactions(
    ...     toy.select("V1", "V2").to_numpy(),
    ...     toy["Class"].to_numpy(),
    ...     toy["Amount"].to_numpy(),
    ...     is_validation=np.arange(400) >= 300,
    ... )
    >>> out_of_fold_scores(rows, seed=0).log_odds.shape
    (400,)
    """
    rng = np.random.default_rng(seed)
    quantised = quantise(rows.X) if quantised is None else quantised
    fold = rng.integers(0, N_FOLDS, quantised.groups.max() + 1)[quantised.groups]
    y, trusted = rows.y_observed, rows.is_trusted
    noise = excess_fraud_rate(y, trusted)
    settings = NOISY_DETECTOR if noise > NOISY else DETECTOR
    weight = np.where(trusted & (y == 1), trusted_weight(noise), 1.0)
    learnt = np.ones(len(y), dtype=bool) if left_out is None else ~left_out
    log_odds = np.empty(len(y))
    for number in range(N_FOLDS):
        sample, offset = _sample(y, learnt & (fold != number), rng)
        model = quantised.fit(
            sample,
            y[sample],
            settings=settings,
            seed=seed * N_FOLDS + number,
            sample_weight=weight[sample],
        )
        scored = fold == number
        log_odds[scored] = model.decision_function(rows.X[scored]) + offset
    return OutOfFold(log_odds, fold)


def fit_sample(
    quantised: Quantised, learnt: np.ndarray, y: np.ndarray, *, seed: int
) -> FittedEstimator:
    """Fit the detector on a small set of rows, such as a slice or the trusted rows.

    Parameters
    ----------
    quantised
        Features in bins.
    learnt, y
        Shape (n_learnt,), row numbers and their labels; both classes present. Of the legitimate
        rows at most `SAMPLED_LEGITIMATE` are taken; the caller corrects the log-odds for that
        where it matters.
    seed
        Of the sample and the fit.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 50)
    >>> fit_sample(quantise(rng.normal(y[:, None], 1.0, (50, 2))), np.arange(50), y, seed=0).name
    'catboost'
    """
    sample, _ = _sample(y, np.ones(len(y), dtype=bool), np.random.default_rng(seed))
    return quantised.fit(learnt[sample], y[sample], settings=SMALL_DETECTOR, seed=seed)


def sample_loss(
    quantised: Quantised, y: np.ndarray, learnt: np.ndarray, scored: np.ndarray, *, seed: int
) -> np.ndarray:
    """Logistic loss of the labels of some rows under
    a detector fitted on others, shape (n_scored,).

    Parameters
    ----------
    quantised
        Features in bins.
    y
        Shape (n_samples,), labels as seen.
    learnt, scored
        Numbers of the rows to fit on and to score.
    seed
        As in `fit_sample`.

    Examples
    --------
    >>> y = np.array([0, 1] * 20)
    >>> found = sample_loss(quantise(y[:, None]), y, np.arange(20), np.arange(20, 40), seed=0)
    >>> bool(found.max() < 0.7)
    True
    """
    log_odds = fit_sample(quantised, learnt, y[learnt], seed=seed).decision_function(
        quantised.features[scored]
    )
    return np.logaddexp(0.0, np.where(y[scored] == 1, -log_odds, log_odds))


def _sample(
    y: np.ndarray, allowed: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Every allowed fraud and at most `SAMPLED_LEGITIMATE`
    others, with the log-odds that undo the sampling.
    """
    frauds, legitimate = np.flatnonzero(allowed & (y == 1)), np.flatnonzero(allowed & (y == 0))
    if not len(frauds) or not len(legitimate):
        raise ValueError(
            f"expected both classes outside each fold, found {len(frauds)} frauds and "
            f"{len(legitimate)}"
        )
    kept = rng.choice(legitimate, min(SAMPLED_LEGITIMATE, len(legitimate)), replace=False)
    return np.sort(np.concatenate([frauds, kept])), float(np.log(len(kept) / len(legitimate)))
