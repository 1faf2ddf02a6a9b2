"""The baseline study: three estimators trained on v0 and scored on v1, and the comparisons that mislead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Interval, Scored, bootstrap
from fraud_core.evaluation.metrics import average_precision
from fraud_core.model.estimators import NAMES, fit_estimator
from fraud_core.model.training import DecidingModel, train

RANDOM_TEST_SHARE = 0.2


def train_all(
    rows: Transactions,
    *,
    model: Mapping[str, Any],
    decision: Mapping[str, float],
    names: Sequence[str] = NAMES,
    progress: Callable[[str, int, int], None] = lambda *step: None,
) -> dict[str, DecidingModel]:
    """Train estimators on the same rows with the settings of the model section.

    Parameters
    ----------
    rows
        All of v0.
    model
        Keys ``seed``, ``n_threads``, ``calibration`` by estimator, and one settings dict for each estimator.
    decision
        Keys ``alert_budget`` and ``review_cost_eur``.
    names
        The estimators; all of them unless told.
    progress
        Called with (what, done, total).
    """
    models = {}
    for number, name in enumerate(names):
        models[name] = train(
            name, rows, settings=model[name], seed=model["seed"], n_threads=model["n_threads"],
            calibration=model["calibration"][name], **decision,
        )  # fmt: skip
        progress("training estimators", number + 1, len(names))
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

    def figures(self, prefix: str) -> dict[str, float | int]:
        """Mean, standard deviation, ends and number of fits, under ``prefix.``."""
        found: dict[str, float | int] = {"mean": float(self.values.mean()), "n": len(self.values)}
        if len(self.values) > 1:
            found["sd"] = float(self.values.std(ddof=1))
        found |= {"minimum": float(self.values.min()), "maximum": float(self.values.max())}
        return {f"{prefix}.{name}": value for name, value in found.items()}


def spread(
    name: str,
    rows: Transactions,
    holdout: Transactions,
    fits: Sequence[tuple[Mapping[str, Any], int]],
    *,
    n_threads: int,
    progress: Callable[[str, int, int], None] = lambda *step: None,
    what: str = "fits",
) -> Spread:
    """Average precision on the holdout of one estimator under several settings or seeds, each fitted on all of v0.

    Parameters
    ----------
    name
        An estimator of `fraud_core.model.estimators.NAMES`.
    rows, holdout
        v0 and v1.
    fits
        Settings and seed of each fit, at least one.
    n_threads, progress, what
        Threads of a fit; called with (`what`, done, total).

    Examples
    --------
    >>> y = np.arange(200) % 2
    >>> X = np.random.default_rng(0).normal(3.0 * y[:, None], 1.0, (200, 2)).astype(np.float32)
    >>> rows = Transactions(X, y, np.ones(200), is_validation=np.arange(200) > 150)
    >>> later = Transactions(X, y, np.ones(200))
    >>> len(spread("logistic_regression", rows, later, [({"C": 1.0}, 1), ({"C": 0.1}, 1)], n_threads=1).values)
    2
    """
    values = []
    for number, (settings, seed) in enumerate(fits):
        fitted = fit_estimator(name, rows.X, rows.y_observed, settings=settings, seed=seed, n_threads=n_threads)
        values.append(average_precision(holdout.y_observed, fitted.margin(holdout.X)))
        progress(what, number + 1, len(fits))
    return Spread(np.array(values))


def spread_figures(
    rows: Transactions,
    holdout: Transactions,
    alternatives: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    model: Mapping[str, Any],
    n_seeds: int,
    progress: Callable[[str, int, int], None] = lambda *step: None,
) -> dict[str, float | int]:
    """What one fit may hide: CatBoost under other seeds, and every estimator under settings that are as good inside v0.

    Parameters
    ----------
    rows, holdout
        v0 and v1.
    alternatives
        Settings by estimator; an estimator without any has no figure.
    model
        As in `train_all`.
    n_seeds
        Fits of CatBoost.
    progress
        Called with (what, done, total).

    Returns
    -------
    dict
        ``catboost.seeds.<figure>`` and ``<estimator>.alternatives.<figure>`` of `Spread.figures`.
    """
    seeds = [(model["catboost"], model["seed"] + k) for k in range(n_seeds)]
    shown = {"n_threads": model["n_threads"], "progress": progress}
    found = spread("catboost", rows, holdout, seeds, what="seeds", **shown).figures("catboost.seeds")
    for name, tried in alternatives.items():
        fits = [(settings, model["seed"]) for settings in tried]
        if fits:
            what = f"settings of {name.replace('_', ' ')}"
            found |= spread(name, rows, holdout, fits, what=what, **shown).figures(f"{name}.alternatives")
    return found


def random_split_average_precision(
    rows: Transactions, *, model: Mapping[str, Any], n_splits: int, n_replicates: int, rng: np.random.Generator
) -> Interval:
    """Average precision of CatBoost when train and test rows are drawn at random: the labelled wrong way.

    Rows of the same minutes are then on both sides, and the training rows come from both days. Equal rows stay on one
    side.

    Returns
    -------
    Interval
        Mean over the splits; the interval pools the resamples of all of them.
    """
    _, twin = np.unique(np.column_stack([rows.time_s, rows.X]), axis=0, return_inverse=True)
    twin = twin.ravel()
    found = []
    for _ in range(n_splits):
        test = rng.random(twin.max() + 1)[twin] < RANDOM_TEST_SHARE
        fitted = fit_estimator(
            "catboost", rows.X[~test], rows.y_observed[~test],
            settings=model["catboost"], seed=model["seed"], n_threads=model["n_threads"],
        )  # fmt: skip
        scored = {"catboost": Scored(fitted.margin(rows.X[test]), 0.0)}
        found.append(
            bootstrap(
                rows.y_observed[test], scored, rows.amount_eur[test],
                n_alerts=1, review_cost_eur=0.0, n_replicates=n_replicates, rng=rng,
            )["catboost"]["average_precision"]
        )  # fmt: skip
    low, high = np.quantile(np.concatenate([values[1:] for values in found]), [0.025, 0.975])
    return Interval(float(np.mean([values[0] for values in found])), float(low), float(high))
