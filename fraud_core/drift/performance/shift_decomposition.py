"""Decomposition of a change of loss into X-shift (other
rows) and Y|X-shift (another meaning of the same rows).

The two windows are compared on their overlap, the rows that both could hold: a classifier between
the windows weighs each row by how well it would fit the other window. What changes on the overlap
is Y|X-shift (the label given the features); what changes between a window and the overlap is
X-shift.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fraud_core.drift.two_sample.multivariate import discriminant_terms
from fraud_core.evaluation.bootstrap import Estimate, interval

PENALTY = 1.0
N_RESAMPLES = 300
AT_ONCE = 20  # resamples whose classifiers are fitted in one product of matrices


@dataclass(frozen=True)
class Decomposition:
    """A change of mean loss in three parts that add up.

    Attributes
    ----------
    before, after
        Mean loss in each window.
    change
        After less before.
    x_shift_reference
        X-shift: from the reference to the overlap.
    y_given_x_shift
        Y|X-shift: the change of loss on the overlap, where the rows are the same.
    x_shift_current
        X-shift: from the overlap to the current window.
    overlap_rows
        Effective number of rows that the smaller of the two overlap samples rests on; few mean that
        the windows hardly overlap, and the Y|X-shift speaks for a corner of the data.
    """

    before: float
    after: float
    change: Estimate
    x_shift_reference: Estimate
    y_given_x_shift: Estimate
    x_shift_current: Estimate
    overlap_rows: float

    @property
    def x_shift(self) -> float:
        """The two X-shifts together."""
        return self.x_shift_reference.value + self.x_shift_current.value


def decompose(
    reference: np.ndarray,
    current: np.ndarray,
    losses: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> dict[str, Decomposition]:
    """Split the change of mean losses between two windows into X-shift and Y|X-shift.

    Parameters
    ----------
    reference, current
        Features, shapes (n, n_features) and (m, n_features).
    losses
        By name, a loss of one and the same model on each row of both windows, shapes (n,) and (m,).
    rng
        Deals the folds of the classifier and resamples rows; the classifier is fitted again on each
        resample, so that its own uncertainty is in the intervals.
    n_resamples
        How often.

    Notes
    -----
    With balanced windows of densities p and q the density of the overlap is proportional to
    pq/(p + q). A logistic regression on normal scores and their squares, cross-fitted, gives
    π = q/(p + q); rows of the reference weigh π, rows of the current window 1 − π.

    References
    ----------
    T. Cai, H. Namkoong and S. Yadlowsky (2023), Diagnosing model performance under distribution
    shift, section 2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(3000, 2)), rng.normal(size=(3000, 2))
    >>> parts = decompose(a, b, {"loss": (np.zeros(3000), np.ones(3000))}, rng=rng)[
    ...     "loss"
    ... ]  # other labels, same rows
    >>> round(parts.y_given_x_shift.value, 6), abs(parts.x_shift) < 1e-9
    (1.0, True)
    """
    domain, n_before = _Domain(reference, current, rng), len(reference)
    everyone = np.ones((1, n_before + len(current)))
    first = domain.probability(everyone)
    # the first line holds the windows themselves; Poisson weights stand for drawing rows with
    # replacement
    parts = {name: [row] for name, row in _parts(everyone, first, losses, n_before).items()}
    for start in range(0, n_resamples, AT_ONCE):
        n_drawn = min(AT_ONCE, n_resamples - start)
        drawn = np.stack([rng.poisson(1.0, everyone.shape[1]) for _ in range(n_drawn)]).astype(
            float
        )
        for name, rows in _parts(drawn, domain.probability(drawn), losses, n_before).items():
            parts[name].append(rows)
    first = first[0]
    overlap_rows = min(_effective(first[:n_before]), _effective(1 - first[n_before:]))
    return {
        name: Decomposition(
            float(losses[name][0].mean()),
            float(losses[name][1].mean()),
            *(interval(part) for part in np.concatenate(rows).T),
            overlap_rows=overlap_rows,
        )
        for name, rows in parts.items()
    }


def _parts(
    drawn: np.ndarray,
    in_current: np.ndarray,
    losses: Mapping[str, tuple[np.ndarray, np.ndarray]],
    n_before: int,
) -> dict[str, np.ndarray]:
    """Change, X-shift, Y|X-shift, X-shift by loss,
    (n_resamples, 4), of weights of shape (n_resamples, n + m).
    """
    n, m = drawn[:, :n_before], drawn[:, n_before:]
    overlap_n, overlap_m = n * in_current[:, :n_before], m * (1 - in_current[:, n_before:])
    parts = {}
    for name, (loss_before, loss_after) in losses.items():
        before, overlap_before = (
            weight @ loss_before / weight.sum(axis=1) for weight in (n, overlap_n)
        )
        after, overlap_after = (
            weight @ loss_after / weight.sum(axis=1) for weight in (m, overlap_m)
        )
        rows = (
            after - before,
            overlap_before - before,
            overlap_after - overlap_before,
            after - overlap_after,
        )
        parts[name] = np.column_stack(rows)
    return parts


def log_loss(y_true: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """−ln of the probability given to what happened, shape (n_samples,); at least 0, 0 is perfect.

    Examples
    --------
    >>> log_loss(np.array([1]), np.array([0.5])).round(3)
    array([0.693])
    """
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    return -np.where(y_true == 1, np.log(clipped), np.log1p(-clipped))


class _Domain:
    """A logistic classifier between the windows, cross-fitted
    in two halves, that is fitted again on resampled rows.

    A new fit is one Newton step from the first, which is as good to first order and costs two
    products.
    """

    def __init__(
        self, reference: np.ndarray, current: np.ndarray, rng: np.random.Generator
    ) -> None:
        terms = discriminant_terms(reference, np.concatenate([reference, current])).astype(
            np.float64
        )
        is_current = np.arange(len(terms)) >= len(reference)
        balance = np.where(
            is_current, len(terms) / (2 * len(current)), len(terms) / (2 * len(reference))
        )
        order = rng.permutation(len(terms))
        self._halves = order[: len(order) // 2], order[len(order) // 2 :]
        self._terms = [np.column_stack([terms[half], np.ones(len(half))]) for half in self._halves]
        self._fits = [
            _fit(x, is_current[h], balance[h])
            for x, h in zip(self._terms, self._halves, strict=True)
        ]

    def probability(self, weight: np.ndarray) -> np.ndarray:
        """Out-of-half probability of the current window, when
        each row counts so often, shape (n_resamples, n + m).
        """
        out = np.empty(weight.shape)
        for seen, held in ((0, 1), (1, 0)):
            start, inverse, residual = self._fits[seen]
            step = ((weight[:, self._halves[seen]] - 1) * residual) @ self._terms[seen] @ inverse
            out[:, self._halves[held]] = (start + step) @ self._terms[held].T
        return 1 / (1 + np.exp(-np.clip(out, -700, 700)))


def _fit(
    x: np.ndarray, is_current: np.ndarray, balance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients with the intercept last, the inverse
    curvature there, and the weighted residual of each row.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=PENALTY, max_iter=200).fit(
        x[:, :-1], is_current, sample_weight=balance
    )
    p = fitted.predict_proba(x[:, :-1])[:, 1]
    penalty = np.append(np.full(x.shape[1] - 1, 1 / PENALTY), 1e-9)
    curvature = (x * (balance * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
    coefficients = np.append(fitted.coef_[0], fitted.intercept_)
    return coefficients, np.linalg.inv(curvature), balance * (is_current - p)


def _effective(weight: np.ndarray) -> float:
    return float(weight.sum() ** 2 / np.sum(weight**2))
