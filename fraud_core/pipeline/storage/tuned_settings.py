"""Settings tuned on folds inside v0: `benchmarks/results/settings.json`, by
`benchmarks/settings.py`."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import Measurement
from fraud_core.pipeline.paths import within_project

FILE = "benchmarks/results/settings.json"
ELSEWHERE = "none: tuned on other data"


class TunedEstimator(msgspec.Struct, frozen=True):
    """One estimator on the folds.

    Attributes
    ----------
    chosen
        Name of the setting that is taken.
    mean
        Mean average precision of it over the folds.
    n_tried
        Settings tried.
    cpu_seconds
        Processor time of all fits.
    indistinct
        Settings that the folds cannot tell from the best, by name, the highest mean first.
    lead_of_winner
        Mean average precision of the winning estimator's best setting less that of this one's,
        paired.
    """

    chosen: str
    mean: float
    n_tried: int
    cpu_seconds: float
    indistinct: dict[str, dict[str, Any]]
    lead_of_winner: Estimate


class Tuning(msgspec.Struct, frozen=True):
    """The winner of the folds, and every estimator;
    none where the tuning was made on other data.
    """

    winner: str
    estimators: dict[str, TunedEstimator]

    def rows(self) -> Iterator[Measurement]:
        """What the folds found, by estimator, as rows of the study's table."""
        for name, tuned in self.estimators.items():
            figures: dict[str, Estimate | float] = {
                "folds_average_precision": tuned.mean,
                "folds_n_tried": tuned.n_tried,
                "folds_n_indistinct": len(tuned.indistinct),
                "folds_cpu_seconds": tuned.cpu_seconds,
                "folds_behind_winner": tuned.lead_of_winner,
            }
            for metric, figure in figures.items():
                yield Measurement.of(metric, figure, model=name)

    def words(self) -> dict[str, str]:
        """The winner and the settings that were chosen, for metrics.json, under ``folds.``."""
        chosen = {f"folds.{name}.setting": one.chosen for name, one in self.estimators.items()}
        said = {"folds.winner": self.winner} | chosen
        return {name: word.replace("_", " ") for name, word in said.items()}

    def mean(self, name: str) -> float | str:
        """Mean average precision of an estimator on the
        folds, or words where it was not tuned on these data.
        """
        return self.estimators[name].mean if name in self.estimators else ELSEWHERE

    def alternatives(self, n: int) -> dict[str, list[dict[str, Any]]]:
        """At most `n` settings of each estimator that the folds
        cannot tell from its best, the highest mean first.
        """
        return {
            name: list(tuned.indistinct.values())[:n] for name, tuned in self.estimators.items()
        }


def read_tuning(v0_sha256: str | None = None) -> Tuning:
    """The tuning that the settings in params.yaml come from.

    Parameters
    ----------
    v0_sha256
        Content digest of the data that are studied; the figures of the folds speak of the data they
        were made on, and of no others. Without it they are read whatever they speak of.

    Returns
    -------
    Tuning
        Without estimators when the tuning was made on other data: the settings are then those of
        another table.

    Examples
    --------
    >>> sorted(read_tuning().estimators)
    ['catboost', 'hist_gradient_boosting', 'logistic_regression']
    >>> read_tuning("digest of other data").winner
    'none: tuned on other data'
    """
    record = json.loads(within_project(FILE).read_bytes())
    if v0_sha256 is not None and record["v0_sha256"] != v0_sha256:
        return Tuning(ELSEWHERE, {})
    return Tuning(
        record["winner"],
        {name: _tuned(estimator) for name, estimator in record["estimators"].items()},
    )


def _tuned(record: dict[str, Any]) -> TunedEstimator:
    tried = record["settings"]
    ranked = sorted(tried, key=lambda label: -tried[label]["mean"])
    return TunedEstimator(
        chosen=record["chosen"],
        mean=record["mean"],
        n_tried=len(tried),
        cpu_seconds=sum(one["cpu_seconds"] for one in tried.values()),
        indistinct={
            label: tried[label]["settings"]
            for label in ranked
            if tried[label]["indistinct_from_best"]
        },
        lead_of_winner=Estimate(*record["behind_winner"]),
    )
