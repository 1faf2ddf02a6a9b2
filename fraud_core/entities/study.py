"""Does the history of customer and terminal find more fraud? Prequential, with raw columns and with features."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

from fraud_core.data.features import DAY_SECONDS
from fraud_core.model.estimators import fit_estimator
from fraud_core.model.intervals import Interval, interval
from fraud_core.model.prequential import Fold, card_precision_at_k, prequential_folds

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


@dataclass(frozen=True)
class Scored:
    """One way of scoring, by test row over all folds."""

    fold: np.ndarray
    row: np.ndarray
    score: np.ndarray


def to_events(featured: pl.DataFrame) -> Events:
    """The arrays of a featured stream in order of time."""
    day = pl.col("time") // DAY_SECONDS
    table = featured.with_columns(
        hour=pl.col("time") % DAY_SECONDS // 3600, day=day,
        known=(pl.col("reported_at") // DAY_SECONDS).fill_null(-1),
    )  # fmt: skip
    names = [*RAW, *(name for name in featured.columns if any(part in name for part in FEATURES))]
    # NaN is how the estimator is told that nothing is known; no value is put in its place
    columns = {name: table[name].cast(pl.Float32).fill_null(float("nan")).to_numpy() for name in names}
    return Events(
        table["day"].to_numpy(), table["customer_id"].to_numpy(), table["label"].to_numpy(), table["known"].to_numpy(),
        columns,
    )  # fmt: skip


def score_folds(events: Events, names: Sequence[str], folds: Iterable[Fold], *, model: Mapping[str, Any]) -> Scored:
    """Fit on the training rows of each fold and score its test rows."""
    features, parts = events.matrix(names), []
    for number, fold in enumerate(folds):
        fitted = fit_estimator(
            "catboost", features[fold.train], events.y_true[fold.train], settings=model["catboost"],
            seed=model["seed"], n_threads=model["n_threads"],
        )  # fmt: skip
        parts.append((np.full(len(fold.test), number), fold.test, fitted.margin(features[fold.test])))
    return Scored(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def random_fold(events: Events, folds: Sequence[Fold], rng: np.random.Generator) -> list[Fold]:
    """The wrong way: the test rows of the folds and as many others of the same days, drawn by lot for training."""
    rows = np.concatenate([fold.test for fold in folds])
    taken = rng.random(len(rows)) < 0.5
    return [Fold(np.sort(rows[taken]), np.sort(rows[~taken]), folds[0].day)]


def measure(events: Events, scored: Scored, k: int, day_weight: np.ndarray | None = None) -> dict[str, float]:
    """The metrics, each averaged over the folds.

    Parameters
    ----------
    k
        Cards that can be looked at in a day.
    day_weight
        How often each day counts, by day; once unless given.
    """
    found = []
    for number in np.unique(scored.fold):
        here = scored.fold == number
        rows, score = scored.row[here], scored.score[here]
        day, y_true = events.day[rows], events.y_true[rows]
        weight = np.ones(len(rows)) if day_weight is None else day_weight[day]
        cards = card_precision_at_k(day, events.customer[rows], y_true, score, k)
        days = np.ones(len(cards)) if day_weight is None else day_weight[np.unique(day)]
        found.append((
            roc_auc_score(y_true, score, sample_weight=weight),
            average_precision_score(y_true, score, sample_weight=weight),
            float(np.average(cards, weights=days)),
        ))  # fmt: skip
    return dict(zip(METRICS, np.mean(found, axis=0).tolist(), strict=True))


def compare(
    events: Events, ways: Mapping[str, Scored], *, k: int, n_replicates: int, rng: np.random.Generator
) -> dict[str, Interval]:
    """Metrics of each way and their differences from the first, with intervals over resampled days.

    Returns
    -------
    dict
        ``way.metric`` and ``way.gain.metric``; the days are the same for all ways in each replicate.
    """
    replicates: dict[str, list[float]] = {}
    first = next(iter(ways))
    for number in range(n_replicates + 1):
        weight = None if number == 0 else resampled_days(events, ways[first], rng)
        values = {way: measure(events, scored, k, weight) for way, scored in ways.items()}
        for way, metrics in values.items():
            for metric, value in metrics.items():
                replicates.setdefault(f"{way}.{metric}", []).append(value)
                if way != first:
                    replicates.setdefault(f"{way}.gain.{metric}", []).append(value - values[first][metric])
    return {name: interval(np.asarray(each)) for name, each in replicates.items()}


def resampled_days(events: Events, scored: Scored, rng: np.random.Generator) -> np.ndarray:
    """How often each day is drawn when the test days of each fold are drawn anew, by day."""
    weight = np.zeros(events.day.max() + 1)
    for number in np.unique(scored.fold):
        days = np.unique(events.day[scored.row[scored.fold == number]])
        weight += np.bincount(rng.choice(days, len(days)), minlength=len(weight))
    return weight


def study_entities(
    featured: pl.DataFrame, *, model: Mapping[str, Any], folds: Mapping[str, int], k: int, n_replicates: int,
    rng: np.random.Generator,
) -> dict[str, Interval]:  # fmt: skip
    """Raw columns against features, and features on a random split, the labelled wrong way.

    Returns
    -------
    dict
        Intervals by ``raw``, ``features`` and ``random_split``, and the gain of the features.
    """
    events = to_events(featured)
    steps = list(prequential_folds(events.day, events.customer, events.known_fraud_day, **folds))
    names = tuple(events.columns)
    ways = {
        "raw": score_folds(events, RAW, steps, model=model), "features": score_folds(events, names, steps, model=model)
    }  # fmt: skip
    wrong = {"random_split": score_folds(events, names, random_fold(events, steps, rng), model=model)}
    found = compare(events, ways, k=k, n_replicates=n_replicates, rng=rng)
    return found | compare(events, wrong, k=k, n_replicates=n_replicates, rng=rng)
