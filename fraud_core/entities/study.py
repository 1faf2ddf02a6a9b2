"""Does the history of customer and terminal find more
fraud? Prequential, with raw columns and with features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fraud_core.errors import ParameterError
from fraud_core.evaluation.bootstrap import Estimate, interval
from fraud_core.evaluation.prequential import (
    LEFT_OUT,
    Fold,
    card_precision_at_k,
    left_out_share,
    prequential_folds,
)
from fraud_core.features.offline import DAY_SECONDS
from fraud_core.model.estimators import EstimatorConfig

RAW = ("amount_eur", "hour")
FEATURES = ("count", "mean_amount", "risk", "seconds_since_last", "night", "weekend")
METRICS = ("roc_auc", "average_precision", "card_precision")


@dataclass(frozen=True)
class Events:
    """A featured stream as arrays, each by row.

    Attributes
    ----------
    day, customer, y_true
        Day, customer, 1 for fraud.
    known_fraud_day
        Day of the report, -1 without one.
    columns
        By name, float32, NaN where there is nothing to know.
    """

    day: np.ndarray
    customer: np.ndarray
    y_true: np.ndarray
    known_fraud_day: np.ndarray
    columns: Mapping[str, np.ndarray]

    def matrix(self, names: Sequence[str]) -> np.ndarray:
        """Columns side by side, shape (n_rows, n_names)."""
        return np.column_stack([self.columns[name] for name in names])


def to_events(featured: pl.DataFrame) -> Events:
    """The arrays of a featured stream in order of time."""
    day = pl.col("time") // DAY_SECONDS
    table = featured.with_columns(
        hour=pl.col("time") % DAY_SECONDS // 3600,
        day=day,
        known=(pl.col("reported_at") // DAY_SECONDS).fill_null(-1),
    )
    names = [*RAW, *(name for name in featured.columns if any(part in name for part in FEATURES))]
    # NaN is how the estimator is told that nothing is known; no value is put in its place
    columns = {
        name: table[name].cast(pl.Float32).fill_null(float("nan")).to_numpy() for name in names
    }
    return Events(
        table["day"].to_numpy(),
        table["customer_id"].to_numpy(),
        table["label"].to_numpy(),
        table["known"].to_numpy(),
        columns,
    )


def known_labels(events: Events, fold: Fold) -> np.ndarray:
    """Labels of the training rows as of the day on which
    the test begins: a fraud that was not reported yet is 0.
    """
    reported = events.known_fraud_day[fold.train]
    return ((reported >= 0) & (reported < fold.day)).astype(np.int8)


def score_fold(
    events: Events,
    names: Sequence[str],
    fold: Fold,
    y_train: np.ndarray,
    *,
    estimator: EstimatorConfig,
) -> np.ndarray:
    """Log-odds of the test rows by an estimator of the training rows, shape (n_test,).

    Raises
    ------
    ParameterError
        When training or test rows hold one class alone.
    """
    for part, labels in (("training", y_train), ("test", events.y_true[fold.test])):
        if len(np.unique(labels)) < 2:
            raise ParameterError(
                f"entities.folds: the {part} rows of the step that is tested from day {fold.day} "
                f"hold {len(labels)} "
                "payments of one class; take longer periods"
            )
    features = events.matrix(names)
    fitted = estimator.fit(features[fold.train], y_train)
    return fitted.decision_function(features[fold.test])


def random_fold(events: Events, folds: Sequence[Fold], rng: np.random.Generator) -> Fold:
    """The wrong way: the test rows of the folds, half of them drawn by lot for training."""
    rows = np.concatenate([fold.test for fold in folds])
    taken = rng.random(len(rows)) < 0.5
    return Fold(np.sort(rows[taken]), np.sort(rows[~taken]), folds[0].day)


@dataclass(frozen=True)
class Ranked:
    """Test rows of one fold from the highest score down, so that weights of days need no new sort.

    Attributes
    ----------
    day, y_true
        Of each row, in the order of scores.
    last
        Last row of each distinct score.
    days, cards
        The days of the fold in order, and the card precision of each.
    """

    day: np.ndarray
    y_true: np.ndarray
    last: np.ndarray
    days: np.ndarray
    cards: np.ndarray


def rank_fold(events: Events, rows: np.ndarray, score: np.ndarray, k: int) -> Ranked:
    """Order the test rows of a fold by their scores; `k` cards can be investigated in a day."""
    order = np.argsort(-score, kind="stable")
    ranked, day, y_true = score[order], events.day[rows], events.y_true[rows]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    cards = card_precision_at_k(day, events.customer[rows], y_true, score, k)
    return Ranked(day[order], y_true[order], last, np.unique(day), cards)


def measure(folds: Sequence[Ranked], day_weight: np.ndarray | None = None) -> dict[str, float]:
    """The metrics, each averaged over the folds.

    Parameters
    ----------
    day_weight
        How often each day counts, by day; once unless given. A fold whose weighted days hold one
        class is left out.

    Raises
    ------
    ParameterError
        When no fold is left.

    Examples
    --------
    >>> fold = Ranked(
    ...     np.zeros(3, int), np.array([1, 0, 0]), np.arange(3), np.zeros(1, int), np.ones(1)
    ... )
    >>> measure([fold])
    {'roc_auc': 1.0, 'average_precision': 1.0, 'card_precision': 1.0}
    """
    by_fold = []
    for fold in folds:
        weight = np.ones(len(fold.day)) if day_weight is None else day_weight[fold.day]
        hits = np.cumsum(weight * fold.y_true)[fold.last]
        seen = np.cumsum(weight)[fold.last]
        if not 0 < hits[-1] < seen[-1]:
            continue
        recall, false = (
            np.append(0, hits / hits[-1]),
            np.append(0, (seen - hits) / (seen[-1] - hits[-1])),
        )
        precision = np.divide(hits, seen, out=np.zeros(len(hits)), where=seen > 0)
        days = None if day_weight is None else day_weight[fold.days]
        by_fold.append(
            (
                np.trapezoid(recall, false),
                np.diff(recall) @ precision,
                float(np.average(fold.cards, weights=days)),
            )
        )
    if not by_fold:
        raise ParameterError(
            "entities.folds: no step whose days hold both fraud and genuine payments; take longer "
            "test periods"
        )
    return dict(zip(METRICS, np.mean(by_fold, axis=0).tolist(), strict=True))


def compare(
    ways: Mapping[str, Sequence[Ranked]], *, n_replicates: int, rng: np.random.Generator
) -> dict[str, Estimate]:
    """Metrics of each way and their differences from the first, with intervals over resampled days.

    Returns
    -------
    dict
        ``way.metric`` and ``way.gain.metric``; the days are the same for all ways in each
        replicate.
    """
    replicates: dict[str, list[float]] = {}
    first = next(iter(ways))
    for number in range(n_replicates + 1):
        weight = None if number == 0 else resampled_days(ways[first], rng)
        values = {way: measure(folds, weight) for way, folds in ways.items()}
        for way, metrics in values.items():
            for metric, value in metrics.items():
                replicates.setdefault(f"{way}.{metric}", []).append(value)
                if way != first:
                    replicates.setdefault(f"{way}.gain.{metric}", []).append(
                        value - values[first][metric]
                    )
    return {name: interval(np.asarray(each)) for name, each in replicates.items()}


def resampled_days(folds: Sequence[Ranked], rng: np.random.Generator) -> np.ndarray:
    """How often each day is drawn when the test days of each fold are drawn again, by day."""
    weight = np.zeros(max(int(fold.days.max()) for fold in folds) + 1)
    for fold in folds:
        weight += np.bincount(rng.choice(fold.days, len(fold.days)), minlength=len(weight))
    return weight


def cards_in_a_day(featured: pl.DataFrame, folds: Mapping[str, Any]) -> float:
    """Cards that pay in a day of the tests and are not known to be compromised, mean over the days.

    Where it does not exceed the number that can be investigated, every model gives all of them.
    """
    events, cards = to_events(featured), []
    for fold in prequential_folds(events.day, events.customer, events.known_fraud_day, **folds):
        paid = np.unique(
            np.column_stack([events.day[fold.test], events.customer[fold.test]]), axis=0
        )
        cards += np.unique(paid[:, 0], return_counts=True)[1].tolist()
    return float(np.mean(cards))


def left_out_figures(featured: pl.DataFrame, folds: Mapping[str, Any]) -> dict[str, float | str]:
    """Which customers the tests leave out, and the share
    of the test days' payments that each rule leaves out.

    Returns
    -------
    dict
        ``folds.known`` and ``folds.left_out``: the rule and its words;
        ``folds.left_out.RULE.first`` and ``.last``: the share by either rule in the first and the
        last step, in [0, 1].
    """
    events = to_events(featured)
    used = folds.get("known", next(iter(LEFT_OUT)))
    shares: dict[str, float | str] = {"folds.known": used, "folds.left_out": LEFT_OUT[used]}
    for rule in LEFT_OUT:
        steps = list(
            prequential_folds(
                events.day, events.customer, events.known_fraud_day, **{**folds, "known": rule}
            )
        )
        for place, step in (("first", steps[0]), ("last", steps[-1])):
            share = left_out_share(events.day, step, test_days=folds["test_days"])
            shares[f"folds.left_out.{rule}.{place}"] = share
    return shares


def study_entities(
    featured: pl.DataFrame,
    *,
    estimator: EstimatorConfig,
    folds: Mapping[str, Any],
    k: int,
    n_replicates: int,
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """Raw columns against features, and features on a random split, the labelled wrong way.

    Returns
    -------
    dict
        Intervals by ``raw``, ``features`` and ``random_split``, and the gain of the features.
    """
    events = to_events(featured)
    steps = list(prequential_folds(events.day, events.customer, events.known_fraud_day, **folds))
    names = tuple(events.columns)
    ways: dict[str, list[Ranked]] = {"raw": [], "features": []}
    for way, columns in (("raw", RAW), ("features", names)):
        for fold in steps:
            score = score_fold(
                events, columns, fold, known_labels(events, fold), estimator=estimator
            )
            ways[way].append(rank_fold(events, fold.test, score, k))
    wrong = random_fold(events, steps, rng)
    score = score_fold(events, names, wrong, events.y_true[wrong.train], estimator=estimator)
    ways_wrong = {"random_split": [rank_fold(events, wrong.test, score, k)]}
    estimates = compare(ways, n_replicates=n_replicates, rng=rng)
    return estimates | compare(ways_wrong, n_replicates=n_replicates, rng=rng)
