"""Stability of explanations: after another fit, another
day, or an attack on the training labels.

Two questions: does the ranking of the features stay (rank correlation of mean absolute
contributions over a sample), and do the reasons of the same alerts stay (share of the three
strongest that both models give)? Fits that differ by their seed alone are the null band.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate, interval
from fraud_core.evaluation.study_table import Measurement
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.explain.comparison import Comparison
from fraud_core.explain.tree_shap import Explainer, build_explainer
from fraud_core.model.estimators import EstimatorConfig

Kind = Literal["seed", "other day", "attack"]
MINIMUM_SEEDS = 3
KIND_SUFFIXES: dict[Kind, str] = {"seed": "seeds", "other day": "v0_v1", "attack": "poisoned"}
METRICS = {name: attrgetter(name) for name in ("rank_correlation", "top3_overlap")}
# The words of `verdict`, and what they say of the question whether explanations stay as another
# seed leaves them.
WORDS = {
    "as another seed": Verdict.PASS,
    "ranking moved": Verdict.FAIL,
    "reasons moved": Verdict.FAIL,
    "ranking and reasons moved": Verdict.FAIL,
    "insufficient evidence": Verdict.INSUFFICIENT,
}


@dataclass(frozen=True)
class Agreement:
    """Agreement of the explanations of another model with those of the first one.

    Attributes
    ----------
    name, kind
        What makes the other model another one.
    rank_correlation
        Of mean absolute contributions, Spearman's, in [-1, 1]; 1 is the same ranking.
    top3_overlap
        Mean share of the three strongest reasons of the alerts that the other model gives too, in
        [0, 1].
    """

    name: str
    kind: Kind
    rank_correlation: Estimate
    top3_overlap: Estimate


def mean_importance(values: np.ndarray) -> np.ndarray:
    """Mean absolute contribution of each feature, shape (n_features,), in log-odds.

    Examples
    --------
    >>> mean_importance(np.array([[1.0, -3.0], [-1.0, 3.0]])).tolist()
    [1.0, 3.0]
    """
    return np.abs(values).mean(axis=0)


def study_stability(
    explainer: Explainer,
    rows: Transactions,
    others: Mapping[str, tuple[Kind, Sequence[Transactions]]],
    features: np.ndarray,
    alerts: np.ndarray,
    *,
    estimator: EstimatorConfig,
    n_seeds: int,
    rng: np.random.Generator,
) -> list[Agreement]:
    """Fit again with other seeds and on other rows, and compare the explanations of the same rows.

    Parameters
    ----------
    explainer
        Of the model that is compared with, fitted on `rows` with its own seed.
    others
        By name what the rows are, and one set of training rows for each draw.
    features, alerts
        Shape (n_samples, n_features); the ranking is compared on the first, the reasons on the
        second.
    estimator
        What is fitted again.
    n_seeds
        Fits on `rows` with another seed. Each draw of the others takes another seed too, as they
        do.

    Examples
    --------
    >>> from fraud_core.pipeline.storage.dataset_versions import open_versions
    >>> rows = open_versions("toy").training_rows
    >>> estimator = EstimatorConfig("catboost", {"iterations": 5})
    >>> fitted = estimator.fit(rows.X, rows.y_observed)
    >>> agreements = study_stability(
    ...     build_explainer(fitted),
    ...     rows,
    ...     {},
    ...     rows.X[:50],
    ...     rows.X[:5],
    ...     estimator=estimator,
    ...     n_seeds=1,
    ...     rng=np.random.default_rng(0),
    ... )
    >>> agreements[0].name, agreements[0].rank_correlation.value > 0
    ('seed 2', True)
    """
    comparison = Comparison(explainer, features, alerts, rng)

    def compared(name: str, kind: Kind, fits: Iterable[tuple[Transactions, int]]) -> Agreement:
        draws = [
            comparison.against(_fit(training_rows, seed, estimator)) for training_rows, seed in fits
        ]
        return Agreement(
            name,
            kind,
            _over_draws([d.rank_correlation for d in draws], rng),
            _over_draws([d.top3_overlap for d in draws], rng),
        )

    seeds = range(estimator.seed + 1, estimator.seed + 1 + n_seeds)
    agreements = [compared(f"seed {seed}", "seed", [(rows, seed)]) for seed in seeds]
    for name, (kind, draws) in others.items():
        fits = [(draw, estimator.seed + 1 + number) for number, draw in enumerate(draws)]
        agreements.append(compared(name, kind, fits))
    return agreements


def _fit(rows: Transactions, seed: int, estimator: EstimatorConfig) -> Explainer:
    return build_explainer(estimator.with_seed(seed).fit(rows.X, rows.y_observed))


def _over_draws(draws: Sequence[np.ndarray], rng: np.random.Generator) -> Estimate:
    """The mean over draws; each resample of the rows takes draws again as well."""
    values = np.stack(draws)
    taken = rng.integers(len(values), size=(len(values), values.shape[1]))
    taken[:, 0] = np.arange(len(values))
    return interval(np.take_along_axis(values, taken, axis=0).mean(axis=0))


def null_band_of(values: Sequence[float]) -> float | None:
    """What a fit with one more seed would hardly fall
    below: mean − t·s·√(1 + 1/n); None below three seeds.

    Examples
    --------
    >>> round(null_band_of([0.9, 0.92, 0.94]), 3), null_band_of([0.9, 0.92])
    (0.821, None)
    """
    from scipy.stats import t

    n = len(values)
    if n < MINIMUM_SEEDS:
        return None
    return float(
        np.mean(values) - t.ppf(0.975, n - 1) * np.std(values, ddof=1) * np.sqrt(1 + 1 / n)
    )


def verdict(agreement: Agreement, agreements: Sequence[Agreement]) -> str:
    """A verdict on the question whether an agreement is lower than another seed would make it.

    Returns
    -------
    str
        ``ranking and reasons moved``, ``ranking moved``, ``reasons moved``, ``as another seed``, or
        ``insufficient evidence`` with fewer than three seeds.

    Examples
    --------
    >>> same, low = Estimate(0.9, 0.9, 0.9), Estimate(0.1, 0.1, 0.1)
    >>> seeds = [Agreement(f"seed {k}", "seed", same, same) for k in (2, 3, 4)]
    >>> verdict(Agreement("flips", "attack", same, low), seeds)
    'reasons moved'
    """
    null_bands = null_bands_of(agreements)
    if null_bands is None:
        return "insufficient evidence"
    words = {"rank_correlation": "ranking", "top3_overlap": "reasons"}
    moved = [
        words[name]
        for (name, metric), null_band in zip(METRICS.items(), null_bands, strict=True)
        if metric(agreement).ci_high < null_band
    ]
    return f"{' and '.join(moved)} moved" if moved else "as another seed"


def null_bands_of(agreements: Sequence[Agreement]) -> tuple[float, float] | None:
    """Null bands of rank correlation and overlap from
    the fits that differ by their seed; None below three.

    Examples
    --------
    >>> null_bands_of([]) is None
    True
    """
    seeds = [agreement for agreement in agreements if agreement.kind == "seed"]
    ranks, overlaps = (
        null_band_of([metric(agreement).value for agreement in seeds])
        for metric in METRICS.values()
    )
    return None if ranks is None or overlaps is None else (ranks, overlaps)


def stability_rows(
    agreements: Sequence[Agreement], rates: Mapping[str, float]
) -> Iterator[Measurement]:
    """Both metrics of every other model, each with its verdict
    against the null band of seeds, and that band where it is known.

    Parameters
    ----------
    rates
        Share of the attacked class, in [0, 1], by attack.
    """
    null_bands = null_bands_of(agreements)
    for place, (name, metric) in enumerate(METRICS.items()):
        null_band = null_bands[place] if null_bands else None
        if null_band is not None:
            yield Measurement(f"{name}_null_band", null_band)
        for agreement in agreements:
            attacked = agreement.kind == "attack"
            yield Measurement.of(
                name,
                metric(agreement),
                attack=agreement.name if attacked else None,
                poison_rate=rates.get(agreement.name) if attacked else None,
                model=None if attacked else agreement.name,
                verdict=None
                if agreement.kind == "seed"
                else _verdict(metric(agreement), null_band),
            )


def _verdict(agreement: Estimate, null_band: float | None) -> Verdict:
    if null_band is None:
        return Verdict.INSUFFICIENT
    return Verdict.FAIL if agreement.ci_high < null_band else Verdict.PASS


def minimum_agreement(
    agreements: Sequence[Agreement], kind: Kind, metric: Callable[[Agreement], Estimate]
) -> Agreement | None:
    """The model of a kind that agrees least, None without any."""
    own = (agreement for agreement in agreements if agreement.kind == kind)
    return min(own, key=lambda agreement: metric(agreement).value, default=None)


def stability_headline(agreements: Sequence[Agreement]) -> dict[str, Estimate | float | str]:
    """The metrics of stability of metrics.json, under names that no attack changes.

    Returns
    -------
    dict
        For each metric: ``stability.METRIC_seeds`` and ``stability.METRIC_poisoned`` of the seed
        and of the attack that agree least, the attack's name under ``..._poisoned_worst``,
        ``stability.METRIC_v0_v1``, and ``stability.METRIC_null_band`` when there are seeds enough;
        ``stability.verdict.NAME`` of the fit on another day.
    """
    null_bands = null_bands_of(agreements)
    named: dict[str, Estimate | float | str] = {}
    for place, (name, metric) in enumerate(METRICS.items()):
        minimum: dict[Kind, Agreement | None] = {
            kind: minimum_agreement(agreements, kind, metric) for kind in KIND_SUFFIXES
        }
        named |= {
            f"stability.{name}_{KIND_SUFFIXES[kind]}": metric(agreement)
            for kind, agreement in minimum.items()
            if agreement
        }
        worst = minimum["attack"]
        if worst:
            named[f"stability.{name}_poisoned_worst"] = worst.name
        if null_bands:
            named[f"stability.{name}_null_band"] = null_bands[place]
    return named | {
        f"stability.verdict.{key_of(agreement.name)}": verdict(agreement, agreements)
        for agreement in agreements
        if agreement.kind == "other day"
    }


def key_of(name: str) -> str:
    """A name as part of a key.

    Examples
    --------
    >>> key_of("fit on v1")
    'fit_on_v1'
    """
    return name.replace(" ", "_")
