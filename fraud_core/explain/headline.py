"""Rows and headline metrics of the explanation study: contributions
of the features, additivity, reasons and stability.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fraud_core.evaluation.headline import Headline, headline_metrics
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.explain.alert_reasons import CODES
from fraud_core.explain.contributions import Importance, additivity_error
from fraud_core.explain.stability import Agreement, mean_importance, stability_headline
from fraud_core.explain.tree_shap import Explained, Explainer

IMPORTANCE = "mean_absolute_contribution"
NAMES = {
    "additivity.max_error": Headline("additivity_max_error"),
    "additivity.rows": Headline("additivity_rows", kind=int),
    "shap.max_difference": Headline("shap_max_difference"),
    "shap.base_difference": Headline("shap_base_difference"),
    "shap.same_ranking": Headline("shap_same_ranking", kind=bool),
    "rows.explained": Headline("rows_explained", kind=int),
    "rows.frauds": Headline("frauds_explained", kind=int),
    "reasons.decisions": Headline("decisions", kind=int),
    "reasons.single_feature_counterfactual": Headline("single_feature_counterfactual_share"),
    **{f"reasons.code.{code}": Headline("reason_share", code) for code in CODES},
}


def importance_rows(ranked: Sequence[Importance]) -> Iterator[Measurement]:
    """Mean absolute contribution of each feature, in log-odds, the largest first."""
    for importance in ranked:
        yield Measurement.of(IMPORTANCE, importance.interval, group=importance.feature)


def check_rows(
    explainer: Explainer,
    features: np.ndarray,
    explained: Explained,
    expected: tuple[np.ndarray, float],
    y_true: np.ndarray,
) -> Iterator[Measurement]:
    """Rows explained, their additivity error, and the
    difference from the values of another library.

    Parameters
    ----------
    features
        Shape (n_samples, n_features), the rows explained.
    expected
        Contributions of shape (n_samples, n_features) and base, by shap.TreeExplainer.
    y_true
        Shape (n_samples,).
    """
    values, base = expected
    served = additivity_error(explained.values, explained.base, explainer.trees.log_odds(features))
    own, other = (
        np.argsort(-mean_importance(contributions)) for contributions in (explained.values, values)
    )
    metrics = {
        "additivity_max_error": max(explained.additivity_errors.max(), served),
        "additivity_rows": len(features),
        "shap_max_difference": np.abs(explained.values - values).max(),
        "shap_base_difference": abs(explained.base - base),
        "shap_same_ranking": np.array_equal(own, other),
        "rows_explained": len(features),
        "frauds_explained": y_true.sum(),
    }
    for metric, value in metrics.items():
        yield Measurement(metric, float(value))


def headline(table: StudyTable, agreements: Sequence[Agreement]) -> dict[str, Any]:
    """The metrics of metrics.json by name, with the two features that contribute most.

    Parameters
    ----------
    table
        Of the study.
    agreements
        Of the other models, for the words on stability.
    """
    ranked = sorted(table.where(metric=IMPORTANCE), key=lambda row: -row.value)
    named = zip(("first.feature", "second.feature"), ranked, strict=False)
    features = {name: row.group for name, row in named}
    return headline_metrics(table, NAMES) | features | stability_headline(agreements)
