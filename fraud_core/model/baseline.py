"""The baseline study: three estimators trained on v0
and scored on v1, and the comparisons that mislead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate, ModelScores, bootstrap
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.estimators import EstimatorConfig
from fraud_core.model.parameters import ModelParameters
from fraud_core.model.training import CalibratedClassifier, train

RANDOM_TEST_SHARE = 0.2


def train_all(
    rows: Transactions,
    *,
    estimators: Mapping[str, EstimatorConfig],
    alert_budget: float,
    review_cost_eur: float,
    progress: Callable[[str, int, int], None] = lambda *step: None,
) -> dict[str, CalibratedClassifier]:
    """Train estimators on the same rows.

    Parameters
    ----------
    rows
        All of v0.
    estimators
        What to train, by name.
    alert_budget, review_cost_eur
        As in `fraud_core.model.training.train`.
    progress
        Called with (what, done, total).
    """
    models = {}
    for number, (name, estimator) in enumerate(estimators.items()):
        models[name] = train(
            estimator, rows, alert_budget=alert_budget, review_cost_eur=review_cost_eur
        )
        progress("training estimators", number + 1, len(estimators))
    return models


@dataclass(frozen=True)
class Spread:
    """Average precision on the holdout over fits that nothing in v0 tells apart.

    Attributes
    ----------
    values
        Shape (n_fits,).
    """

    values: np.ndarray

    def metrics(self, prefix: str) -> dict[str, float | int]:
        """Mean, standard deviation, ends and number of fits, under ``prefix.``."""
        named: dict[str, float | int] = {"mean": float(self.values.mean()), "n": len(self.values)}
        if len(self.values) > 1:
            named["sd"] = float(self.values.std(ddof=1))
        named |= {"minimum": float(self.values.min()), "maximum": float(self.values.max())}
        return {f"{prefix}.{name}": value for name, value in named.items()}


def spread(
    rows: Transactions,
    holdout: Transactions,
    fits: Sequence[EstimatorConfig],
    *,
    progress: Callable[[str, int, int], None] = lambda *step: None,
    what: str = "fits",
) -> Spread:
    """Average precision on the holdout over several settings
    or seeds of an estimator, each fitted on all of v0.

    Parameters
    ----------
    rows, holdout
        v0 and v1.
    fits
        What to fit, at least one.
    progress, what
        Called with (`what`, done, total).

    Examples
    --------
    >>> y = np.arange(200) % 2
    >>> X = np.random.default_rng(0).normal(3.0 * y[:, None], 1.0, (200, 2)).astype(np.float32)
    >>> rows = Transactions(X, y, np.ones(200), is_validation=np.arange(200) > 150)
    >>> later = Transactions(X, y, np.ones(200))
    >>> fits = [EstimatorConfig("logistic_regression", {"C": C}) for C in (1.0, 0.1)]
    >>> len(spread(rows, later, fits).values)
    2
    """
    values = []
    for number, estimator in enumerate(fits):
        fitted = estimator.fit(rows.X, rows.y_observed)
        values.append(average_precision(holdout.y_observed, fitted.decision_function(holdout.X)))
        progress(what, number + 1, len(fits))
    return Spread(np.array(values))


def spread_metrics(
    rows: Transactions,
    holdout: Transactions,
    alternatives: Mapping[str, Sequence[Mapping[str, Any]]],
    model: ModelParameters,
    *,
    n_seeds: int,
    progress: Callable[[str, int, int], None] = lambda *step: None,
) -> dict[str, float | int]:
    """What one fit may hide: one estimator under other
    seeds, and all of them under settings as good inside v0.

    Parameters
    ----------
    rows, holdout
        v0 and v1.
    alternatives
        Settings by estimator; an estimator without any has no figure.
    model
        The estimators; the first candidate for serving is fitted with other seeds.
    n_seeds
        How often.
    progress
        Called with (what, done, total).

    Returns
    -------
    dict
        ``<candidate>.seeds.<figure>`` and ``<estimator>.alternatives.<figure>``, as of
        `Spread.metrics`.
    """
    candidate = model.candidates[0]
    own = model.config(candidate)
    seeds = [own.with_seed(own.seed + k) for k in range(n_seeds)]
    metrics = spread(rows, holdout, seeds, what="seeds", progress=progress).metrics(
        f"{candidate}.seeds"
    )
    for name, tried in alternatives.items():
        fits = [model.config(name).with_settings(settings) for settings in tried]
        if fits:
            what = f"settings of {name.replace('_', ' ')}"
            metrics |= spread(rows, holdout, fits, what=what, progress=progress).metrics(
                f"{name}.alternatives"
            )
    return metrics


def random_split_average_precision(
    rows: Transactions,
    *,
    estimator: EstimatorConfig,
    n_splits: int,
    n_replicates: int,
    rng: np.random.Generator,
) -> Estimate:
    """Average precision of an estimator when train and
    test rows are drawn at random: the labelled wrong way.

    Rows of the same minutes are then on both sides, and the training rows come from both days.
    Equal rows stay on one side.

    Returns
    -------
    Estimate
        Mean over the splits; the interval pools the resamples of all of them.
    """
    _, twin = np.unique(np.column_stack([rows.time_s, rows.X]), axis=0, return_inverse=True)
    twin = twin.ravel()
    splits = []
    for _ in range(n_splits):
        test = rng.random(twin.max() + 1)[twin] < RANDOM_TEST_SHARE
        fitted = estimator.fit(rows.X[~test], rows.y_observed[~test])
        scored = {"model": ModelScores(fitted.decision_function(rows.X[test]), 0.0)}
        splits.append(
            bootstrap(
                rows.y_observed[test],
                scored,
                rows.amount_eur[test],
                n_alerts=1,
                review_cost_eur=0.0,
                n_replicates=n_replicates,
                rng=rng,
            )["model"]["average_precision"]
        )
    low, high = np.quantile(np.concatenate([values[1:] for values in splits]), [0.025, 0.975])
    return Estimate(float(np.mean([values[0] for values in splits])), float(low), float(high))
