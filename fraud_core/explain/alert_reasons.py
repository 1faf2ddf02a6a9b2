"""The strongest alerts of a table and the reasons for them."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import msgspec
import numpy as np

from fraud_core.bundle.decider import N_REASONS, Code, Reason
from fraud_core.evaluation.bootstrap import proportion_ci
from fraud_core.evaluation.study_table import Measurement
from fraud_core.explain.reasons import (
    N_COUNTERFACTUALS,
    WordedReason,
    reason_code,
    render_reason,
    single_feature_counterfactual,
    value_cells,
)
from fraud_core.explain.tree_shap import Explainer
from fraud_core.scoring.oblivious_trees import Calibration
from fraud_core.scoring.row_scorer import RowScorer

REFERENCE_QUANTILES = (0.05, 0.95)
CODES = tuple(code for code in get_args(Code) if code != "OUTSIDE_TRAINING_RANGE")


@dataclass(frozen=True)
class ReferenceRange:
    """The 5% and the 95% quantile of each feature, shape (n_features,) each."""

    low: np.ndarray
    high: np.ndarray


def reference_range(features: np.ndarray) -> ReferenceRange:
    """The reference range of each feature among training rows, as a bundle's reference has it.

    Examples
    --------
    >>> reference = reference_range(np.arange(100.0)[:, None])
    >>> reference.low.tolist(), reference.high.tolist()
    ([4.0], [94.0])
    """
    return ReferenceRange(
        *np.quantile(
            features.astype(np.float64), REFERENCE_QUANTILES, axis=0, method="inverted_cdf"
        )
    )


def strongest_alerts(explainer: Explainer, features: np.ndarray, alert_budget: float) -> np.ndarray:
    """The rows with the highest log-odds, the highest first, at least one.

    Parameters
    ----------
    alert_budget
        Share of the rows, in (0, 1].

    Examples
    --------
    >>> from fraud_core.scoring.leaf_tables import build_leaf_tables
    >>> from fraud_core.scoring.oblivious_trees import ObliviousTrees
    >>> stump = ObliviousTrees(
    ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.0
    ... )
    >>> strongest_alerts(
    ...     Explainer(stump, build_leaf_tables(stump, np.ones((1, 2)))),
    ...     np.array([[0.0], [1.0]]),
    ...     0.5,
    ... )
    array([[1.]])
    """
    size = max(1, round(alert_budget * len(features)))
    return features[np.argsort(-explainer.trees.log_odds(features), kind="stable")[:size]]


def reason_codes(
    explainer: Explainer,
    rows: np.ndarray,
    names: Sequence[str],
    reference: ReferenceRange,
    *,
    threshold: float,
) -> list[tuple[WordedReason, ...]]:
    """The reasons of decisions by a threshold, with their single-feature counterfactuals.

    Parameters
    ----------
    rows
        Shape (n_samples, n_features).
    threshold
        Log-odds from which on a row is an alert.

    Returns
    -------
    list of tuple of WordedReason
        For each row at most three: of an alert what raises the score, else what lowers it, the
        strongest first. ``would_turn_at`` is looked for in the first two.

    Examples
    --------
    >>> from fraud_core.scoring.leaf_tables import build_leaf_tables
    >>> from fraud_core.scoring.oblivious_trees import ObliviousTrees
    >>> stump = ObliviousTrees(
    ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.0
    ... )
    >>> explainer = Explainer(stump, build_leaf_tables(stump, np.ones((1, 2))))
    >>> reference = ReferenceRange(np.array([0.0]), np.array([1.0]))
    >>> reason_codes(explainer, np.array([[2.0]]), ["Amount"], reference, threshold=0.0)[0][0].words
    'Amount is 2, above its usual range (0 to 1): +1.00 log-odds; 0.5 would turn it.'
    """
    scorer = RowScorer(explainer.trees, explainer.tables, Calibration(1.0, 0.0), rows.shape[1])
    alerts = explainer.trees.log_odds(rows) >= threshold
    decisions = []
    for row, values, alert in zip(
        rows, explainer.explain(rows).values, alerts.tolist(), strict=True
    ):
        order = np.argsort(-values if alert else values, kind="stable")
        ranked: list[int] = order[:N_REASONS].tolist()
        reasons = []
        for place, k in enumerate(k for k in ranked if (values[k] > 0 if alert else values[k] < 0)):
            own_range = (float(reference.low[k]), float(reference.high[k]))
            reason = Reason(
                reason_code(float(row[k]), *own_range),
                names[k],
                float(values[k]),
                float(row[k]),
                own_range,
            )
            counterfactual: float | msgspec.UnsetType | None = msgspec.UNSET
            if place < N_COUNTERFACTUALS and math.isfinite(row[k]):
                cells = value_cells(explainer.trees, k, *own_range)
                counterfactual = single_feature_counterfactual(
                    cells, float(row[k]), _crossing(scorer, row, k, threshold, alert)
                )
            reasons.append(render_reason(reason, counterfactual))
        decisions.append(tuple(reasons))
    return decisions


def _crossing(
    scorer: RowScorer, row: np.ndarray, feature: int, threshold: float, alert: bool
) -> Callable[[np.ndarray], np.ndarray]:
    return lambda others: (scorer.log_odds_with(row, feature, others) >= threshold) != alert


def reason_rows(decisions: Sequence[Sequence[WordedReason]]) -> Iterator[Measurement]:
    """How often each code is given, and how often a decision has a single-feature counterfactual.

    Yields
    ------
    Measurement
        ``decisions``, ``single_feature_counterfactual_share`` (of the decisions), and
        ``reason_share`` (of all reasons) for each code that can be given by a threshold, by
        `group`; each share with its Clopper–Pearson interval.

    Examples
    --------
    >>> one = render_reason(Reason("ABOVE_USUAL", "Amount", 1.0, 2.0, (0.0, 1.0)), 0.5)
    >>> {row.metric: row.value for row in reason_rows([[one]])}[
    ...     "single_feature_counterfactual_share"
    ... ]
    1.0
    """
    turned = sum(
        any(isinstance(reason.would_turn_at, float) for reason in reasons) for reasons in decisions
    )
    codes = Counter(reason.code for reasons in decisions for reason in reasons)
    yield Measurement("decisions", len(decisions))
    yield Measurement.of(
        "single_feature_counterfactual_share", proportion_ci(turned, len(decisions))
    )
    for code in CODES:
        share = proportion_ci(codes[code], max(1, codes.total()))
        yield Measurement.of("reason_share", share, group=code)
