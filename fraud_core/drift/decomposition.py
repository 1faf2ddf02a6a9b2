"""How much of a change of loss comes from other rows, and how much from another meaning of the same rows.

The two windows are compared on the rows that both could hold: a classifier between the windows weighs each row by how
well it would fit the other window. What changes on these shared rows is conditional (the label given the features);
what changes between a window and the shared rows is covariate.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fraud_core.drift.multivariate import discriminant_terms
from fraud_core.model.intervals import Interval, interval

PENALTY = 1.0
N_RESAMPLES = 300


@dataclass(frozen=True)
class Decomposition:
    """A change of mean loss in three parts that add up.

    Attributes
    ----------
    before, after
        Mean loss in each window.
    change
        After less before.
    leaving
        Covariate: from the old window to the shared rows.
    conditional
        The same rows, another label: the change of loss on the shared rows.
    arriving
        Covariate: from the shared rows to the new window.
    shared_rows
        Effective number of rows that the smaller of the two shared samples rests on; few mean that the windows hardly
        overlap, and the conditional part speaks for a corner of the data.
    """

    before: float
    after: float
    change: Interval
    leaving: Interval
    conditional: Interval
    arriving: Interval
    shared_rows: float

    @property
    def covariate(self) -> float:
        """The two covariate parts together."""
        return self.leaving.value + self.arriving.value


def decompose(
    reference: np.ndarray,
    current: np.ndarray,
    losses: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    rng: np.random.Generator,
) -> dict[str, Decomposition]:
    """Split the change of mean losses between two windows into covariate and conditional parts.

    Parameters
    ----------
    reference, current
        Features, shapes (n, n_features) and (m, n_features).
    losses
        By name, a loss of one and the same model on each row of both windows, shapes (n,) and (m,).
    rng
        Deals the folds of the classifier and resamples rows; the classifier is fitted again on each resample, so that
        its own uncertainty is in the intervals.

    Notes
    -----
    With balanced windows of densities p and q the shared density is proportional to pq/(p + q). A logistic regression
    on normal scores and their squares, cross-fitted, gives π = q/(p + q); rows of the old window weigh π, rows of the
    new one 1 − π.

    References
    ----------
    T. Cai, H. Namkoong and S. Yadlowsky (2023), Diagnosing model performance under distribution shift, section 2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(3000, 2)), rng.normal(size=(3000, 2))
    >>> found = decompose(a, b, {"loss": (np.zeros(3000), np.ones(3000))}, rng=rng)["loss"]  # other labels, same rows
    >>> round(found.conditional.value, 6), abs(found.covariate) < 1e-9
    (1.0, True)
    """
    domain, n_before = _Domain(reference, current, rng), len(reference)
    everyone = np.ones(n_before + len(current))
    first = domain.probability(everyone)
    parts = {name: np.empty((1 + N_RESAMPLES, 4)) for name in losses}
    for k in range(1 + N_RESAMPLES):
        # the first line holds the windows themselves; Poisson weights stand for drawing rows with replacement
        drawn = everyone if k == 0 else rng.poisson(1.0, len(everyone)).astype(float)
        in_current = first if k == 0 else domain.probability(drawn)
        n, m = drawn[:n_before], drawn[n_before:]
        shared_n, shared_m = n * in_current[:n_before], m * (1 - in_current[n_before:])
        for name, (loss_before, loss_after) in losses.items():
            before, after = n @ loss_before / n.sum(), m @ loss_after / m.sum()
            shared_before = shared_n @ loss_before / shared_n.sum()
            shared_after = shared_m @ loss_after / shared_m.sum()
            parts[name][k] = after - before, shared_before - before, shared_after - shared_before, after - shared_after
    shared_rows = min(_effective(first[:n_before]), _effective(1 - first[n_before:]))
    return {
        name: Decomposition(
            float(losses[name][0].mean()), float(losses[name][1].mean()), *(interval(part[:, k]) for k in range(4)),
            shared_rows=shared_rows,
        )
        for name, part in parts.items()
    }  # fmt: skip


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
    """A logistic classifier between the windows, cross-fitted in two halves, that is fitted again on resampled rows.

    A new fit is one Newton step from the first, which is as good to first order and costs two products.
    """

    def __init__(self, reference: np.ndarray, current: np.ndarray, rng: np.random.Generator) -> None:
        terms = discriminant_terms(reference, np.concatenate([reference, current])).astype(np.float64)
        is_current = np.arange(len(terms)) >= len(reference)
        balance = np.where(is_current, len(terms) / (2 * len(current)), len(terms) / (2 * len(reference)))
        order = rng.permutation(len(terms))
        self._halves = order[: len(order) // 2], order[len(order) // 2 :]
        self._terms = [np.column_stack([terms[half], np.ones(len(half))]) for half in self._halves]
        self._fits = [_fit(x, is_current[h], balance[h]) for x, h in zip(self._terms, self._halves, strict=True)]

    def probability(self, weight: np.ndarray) -> np.ndarray:
        """Out-of-half probability of the current window, when each row counts so often, shape (n + m,)."""
        out = np.empty(len(weight))
        for seen, held in ((0, 1), (1, 0)):
            start, inverse, residual = self._fits[seen]
            step = inverse @ (((weight[self._halves[seen]] - 1) * residual) @ self._terms[seen])
            out[self._halves[held]] = self._terms[held] @ (start + step)
        return 1 / (1 + np.exp(-np.clip(out, -700, 700)))


def _fit(x: np.ndarray, is_current: np.ndarray, balance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients with the intercept last, the inverse curvature there, and the weighted residual of each row."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=PENALTY, max_iter=200).fit(x[:, :-1], is_current, sample_weight=balance)
    p = fitted.predict_proba(x[:, :-1])[:, 1]
    penalty = np.append(np.full(x.shape[1] - 1, 1 / PENALTY), 1e-9)
    curvature = (x * (balance * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
    coefficients = np.append(fitted.coef_[0], fitted.intercept_)
    return coefficients, np.linalg.inv(curvature), balance * (is_current - p)


def _effective(weight: np.ndarray) -> float:
    return float(weight.sum() ** 2 / np.sum(weight**2))
