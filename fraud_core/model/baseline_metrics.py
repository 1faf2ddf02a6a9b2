"""Rows and headline metrics of the baseline study: estimators
by metric, their leads, and what one fit may hide.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.headline import Headline, headline_metrics
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.model.training import CalibratedClassifier

STUDIED, OTHERS = "catboost", ("logistic_regression", "hist_gradient_boosting")
AP, LEAD = "average_precision", "average_precision_lead"
RANDOM_SPLIT, WITHOUT_DUPLICATES = "random_split", "without_duplicates"
# What metrics.json says of every estimator: the name there, and the metric of the table.
OF_EACH = {
    AP: Headline(AP),
    "recall_at_precision_90": Headline("recall_at_precision_90"),
    "recall_at_budget": Headline("recall_at_budget"),
    "expected_cost_eur": Headline("expected_cost_eur"),
    "expected_over_observed": Headline("expected_over_observed"),
    "threshold": Headline("threshold"),
    "validation_average_precision": Headline("validation_average_precision"),
    "alternatives.minimum": Headline("average_precision_alternatives_minimum"),
    "alternatives.maximum": Headline("average_precision_alternatives_maximum"),
}
OF_FOLDS = {
    AP: Headline("folds_average_precision"),
    "n_tried": Headline("folds_n_tried", kind=int),
    "n_indistinct": Headline("folds_n_indistinct", kind=int),
    "behind_winner": Headline("folds_behind_winner"),
}
SPREAD = ("mean", "n", "sd", "minimum", "maximum")
SPREADS = ("seeds", "alternatives")


def _of_model(one: Headline, model: str) -> Headline:
    return Headline(one.metric, model=model, kind=one.kind)


NAMES = {
    **{
        f"{model}.{name}": _of_model(one, model)
        for model in (STUDIED, *OTHERS)
        for name, one in OF_EACH.items()
    },
    **{
        f"folds.{model}.{name}": _of_model(one, model)
        for model in (STUDIED, *OTHERS)
        for name, one in OF_FOLDS.items()
    },
    **{
        f"{STUDIED}.seeds.{name}": Headline(
            f"{AP}_seeds_{name}", model=STUDIED, kind=int if name == "n" else float
        )
        for name in SPREAD
    },
    **{f"{STUDIED}_over_{other}.{AP}": Headline(LEAD, model=other) for other in OTHERS},
    **{
        f"{group}.{AP}": Headline(AP, group, STUDIED)
        for group in (RANDOM_SPLIT, WITHOUT_DUPLICATES)
    },
    "holdout.rows": Headline("holdout_rows", kind=int),
    "holdout.frauds": Headline("holdout_frauds", kind=int),
}


def estimator_rows(
    models: Mapping[str, CalibratedClassifier],
    metrics: Mapping[str, Mapping[str, Estimate]],
    leads: Mapping[str, Estimate],
    holdout: Transactions,
) -> Iterator[Measurement]:
    """Every metric of every estimator on v1, its threshold, and
    by how much the studied one leads it, paired.

    Parameters
    ----------
    metrics
        Metrics by estimator.
    leads
        Average precision of the studied estimator less that of another one, by that one.
    holdout
        v1.
    """
    for model, trained in models.items():
        for metric, figure in metrics[model].items():
            yield Measurement.of(metric, figure, model=model)
        yield Measurement.of("threshold", trained.operating_point.threshold, model=model)
        validation = trained.validation_average_precision
        yield Measurement.of("validation_average_precision", validation, model=model)
    for other, lead in leads.items():
        yield Measurement.of(LEAD, lead, model=other)
    yield Measurement("holdout_rows", len(holdout.y_observed))
    yield Measurement("holdout_frauds", int(holdout.y_observed.sum()))


def spread_rows(
    models: Mapping[str, CalibratedClassifier], spreads: Mapping[str, float]
) -> Iterator[Measurement]:
    """Average precision under other seeds and under settings as good inside v0, by estimator.

    Parameters
    ----------
    spreads
        As `fraud_core.model.baseline.spread_metrics` gives them.
    """
    for model in models:
        for kind in SPREADS:
            for name in SPREAD:
                if f"{model}.{kind}.{name}" in spreads:
                    value = spreads[f"{model}.{kind}.{name}"]
                    yield Measurement.of(f"{AP}_{kind}_{name}", value, model=model)


def misleading_rows(random_split: Estimate, without_duplicates: Estimate) -> Iterator[Measurement]:
    """Average precision of the studied estimator where rows were split or chosen in another way."""
    groups = {RANDOM_SPLIT: random_split, WITHOUT_DUPLICATES: without_duplicates}
    for group, figure in groups.items():
        yield Measurement.of(AP, figure, model=STUDIED, group=group)


def headline(table: StudyTable) -> dict[str, Any]:
    """The figures of metrics.json by name; an estimator that was not trained has none.

    Examples
    --------
    >>> rows = [Measurement("folds_n_tried", 16, model="catboost")]
    >>> headline(StudyTable.from_measurements(rows, table="ulb", study="baseline"))
    {'folds.catboost.n_tried': 16}
    """
    return headline_metrics(table, NAMES)
