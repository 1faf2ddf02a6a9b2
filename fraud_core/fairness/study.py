"""The fairness study: a model that never sees a sensitive
column, audited by group at its operating threshold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness.audit import (
    GroupRate,
    audit_difference,
    equalized_odds,
    minimum_group_size,
    rates_by_group,
)
from fraud_core.fairness.audited_decisions import Audited, decide_and_join, decide_payments
from fraud_core.fairness.disparity import Disparity
from fraud_core.fairness.ratios import audit_ratio
from fraud_core.fairness.threshold_curves import AtThreshold, audit_thresholds
from fraud_core.model.estimators import EstimatorConfig

if TYPE_CHECKING:
    from fairlearn.metrics import MetricFrame

# Rates of an audit, by the names under which their differences stand in metrics.json.
RATES = {
    "selection rate": "demographic_parity",
    "recall": "equal_opportunity",
    "false-positive rate": "predictive_equality",
    "equalised odds": "equalized_odds",
}
NOT_RUN = "not run: the table was not fetched"
# The words of a study's verdict, and what they say of the question whether groups are at parity.
WORDS = {verdict.value: verdict for verdict in Verdict} | {NOT_RUN: Verdict.NOT_ASSESSABLE}


@dataclass(frozen=True)
class Tolerances:
    """What is tolerated, and which groups get a verdict.

    Attributes
    ----------
    difference, ratio
        Largest tolerable difference and smallest tolerable ratio between two groups.
    detectable_disparity
        A group gets a verdict when it is large enough for this difference to be seen.
    """

    difference: float
    ratio: float
    detectable_disparity: float

    @property
    def minimum_group_size(self) -> int:
        """Effective sample size from which on a group gets a verdict."""
        return minimum_group_size(self.detectable_disparity)


@dataclass(frozen=True)
class AuditStudy:
    """An audit of one table; all but verdict and reason is empty when there was nothing to audit.

    Attributes
    ----------
    verdict
        ``fail`` when a difference of any attribute fails, ``pass`` when all of all attributes pass,
        else ``insufficient evidence``; or why there is none. Which attribute it is stands in
        `reason` and in `by_attribute`.
    rates, differences, ratios
        By attribute, then by the names of `RATES`; equalised odds is a difference only.
    by_group
        Rates by group as Fairlearn gives them.
    """

    verdict: str
    reason: str
    decided: Audited | None
    rates: dict[str, dict[str, list[GroupRate]]]
    differences: dict[str, dict[str, Disparity]]
    ratios: dict[str, dict[str, Disparity]]
    by_group: list[dict[str, Any]]

    @property
    def most_unequal(self) -> str | None:
        """The attribute whose difference in recall or false-positive
        rate is the largest for sure, None without any.

        For sure is the lower end of the interval: with many small groups the value itself is mostly
        noise.
        """
        sure = {
            attribute: max(by_rate[rate].ci_low for rate in ("recall", "false-positive rate"))
            for attribute, by_rate in self.differences.items()
            if all(np.isfinite(by_rate[rate].value) for rate in ("recall", "false-positive rate"))
        }
        return max(sure, key=lambda attribute: sure[attribute]) if sure else None

    def by_attribute(self) -> dict[str, tuple[Verdict, Verdict]]:
        """Verdict on the differences and on the ratios of each
        attribute; equalised odds follows from the others.
        """
        return {
            attribute: (_of_rates(by_rate), _of_rates(self.ratios[attribute]))
            for attribute, by_rate in self.differences.items()
        }

    def rows(self) -> list[dict[str, Any]]:
        """One row for each attribute and rate, for a table of the report."""
        table = []
        for attribute, by_rate in self.differences.items():
            for rate, difference in by_rate.items():
                ratio = self.ratios[attribute].get(rate)
                table.append(
                    {
                        "attribute": attribute,
                        "rate": rate,
                        "largest difference": _shown(difference),
                        "verdict": difference.verdict,
                        "smallest ratio": _shown(ratio) if ratio else "",
                        "verdict on the ratio": ratio.verdict if ratio else "",
                        "reason": difference.reason,
                    }
                )
        return table


def _shown(disparity: Disparity) -> str:
    return (
        f"{disparity.value:.3f} ({disparity.ci_low:.3f} to {disparity.ci_high:.3f})"
        if np.isfinite(disparity.value)
        else "undefined"
    )


def nothing_audited(verdict: str, reason: str) -> AuditStudy:
    """A study without a figure."""
    return AuditStudy(verdict, reason, None, {}, {}, {}, [])


def assessability(card: DatasetCard) -> tuple[str, str]:
    """A verdict on the question whether a table can be audited at all, and its reason.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card
    >>> assessability(toy_card())[0]
    'not assessable'
    """
    sensitive = card.names("sensitive")
    if not sensitive:
        reason = (
            f"table {card.name} has no sensitive column, so no group can be compared with another"
        )
        return Verdict.NOT_ASSESSABLE, reason
    return "assessable", f"table {card.name} has the sensitive columns {', '.join(sensitive)}"


def audit_table(
    table: tuple[pl.DataFrame, DatasetCard] | None,
    *,
    estimator: EstimatorConfig,
    tolerances: Tolerances,
    seed: int,
    **split: Any,
) -> AuditStudy:
    """Fit, decide and audit one table without a time; a table that was not fetched gives no figure.

    Parameters
    ----------
    table
        Rows and card, or None.
    estimator
        What to fit.
    seed
        Of the folds.
    split
        ``n_folds``, ``selection_rate`` and ``age_bands``, as in `decide_and_join`.
    """
    if table is None:
        return nothing_audited(NOT_RUN, "the table was not fetched")
    return audit(
        decide_and_join(*table, estimator=estimator, rng=np.random.default_rng(seed), **split),
        tolerances,
    )


def audit_payments(
    v0: pl.DataFrame, v1: pl.DataFrame, card: DatasetCard, *, tolerances: Tolerances, **decided: Any
) -> AuditStudy:
    """Fit on v0, alert on v1 and audit it; a card without sensitive columns is not assessable.

    Parameters
    ----------
    decided
        ``estimator``, ``alert_budget`` and ``age_bands``, as in `decide_payments`.

    Examples
    --------
    >>> from fraud_core.data.splits import split_by_time
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> v0, v1 = split_by_time(toy_transactions(400, seed=0), toy_card())
    >>> audit_payments(v0, v1, toy_card(), tolerances=Tolerances(0.1, 0.8, 0.1)).reason
    'table toy has no sensitive column, so no group can be compared with another'
    """
    verdict, reason = assessability(card)
    if verdict == Verdict.NOT_ASSESSABLE:
        return nothing_audited(verdict, reason)
    return audit(decide_payments(v0, v1, card, **decided), tolerances)


def audit(decided: Audited, tolerances: Tolerances) -> AuditStudy:
    """Rates, differences and ratios of every attribute, and one verdict on all of them."""
    denominators = {
        "selection rate": np.ones(len(decided.y_true), dtype=bool),
        "recall": decided.y_true == 1,
        "false-positive rate": decided.y_true == 0,
    }
    rates, differences, ratios = {}, {}, {}
    minimum_size = tolerances.minimum_group_size
    for attribute, group in decided.sensitive.items():
        counts = {
            name: (decided.y_alert, rows, group, decided.clusters)
            for name, rows in denominators.items()
        }
        rates[attribute] = {name: rates_by_group(*count) for name, count in counts.items()}
        ratios[attribute] = {
            name: audit_ratio(*count, tolerance=tolerances.ratio, minimum_size=minimum_size)
            for name, count in counts.items()
        }
        by_rate = {
            name: audit_difference(
                *count, tolerance=tolerances.difference, minimum_size=minimum_size
            )
            for name, count in counts.items()
        }
        odds = equalized_odds(by_rate["recall"], by_rate["false-positive rate"])
        differences[attribute] = by_rate | {"equalised odds": odds}
    verdict, reason = _overall(differences)
    return AuditStudy(
        verdict, reason, decided, rates, differences, ratios, _fairlearn_rows(decided)
    )


def _overall(differences: Mapping[str, Mapping[str, Disparity]]) -> tuple[str, str]:
    verdicts = [
        (difference.verdict, f"{rate} by {attribute}: {difference.reason}")
        for attribute, by_rate in differences.items()
        for rate, difference in by_rate.items()
        if rate != "equalised odds"
    ]
    worst = _worst({verdict for verdict, _ in verdicts})
    reasons = [reason for verdict, reason in verdicts if verdict == worst]
    return worst, "; ".join(reasons if worst == Verdict.FAIL else reasons[:1])


def _of_rates(by_rate: Mapping[str, Disparity]) -> Verdict:
    return _worst({by_rate[rate].verdict for rate in by_rate if rate != "equalised odds"})


def _worst(given: set[Verdict]) -> Verdict:
    """One verdict for many: what cannot be assessed beside what can is a lack of evidence."""
    if given == {Verdict.NOT_ASSESSABLE}:
        return Verdict.NOT_ASSESSABLE
    if Verdict.FAIL in given:
        return Verdict.FAIL
    return Verdict.PASS if given == {Verdict.PASS} else Verdict.INSUFFICIENT


def fairlearn_frame(decided: Audited, attribute: str) -> "MetricFrame":
    """The same rates by Fairlearn's MetricFrame, for comparison and for its own tools."""
    from fairlearn import metrics

    return metrics.MetricFrame(
        metrics={
            "selection rate": metrics.selection_rate,
            "recall": metrics.true_positive_rate,
            "false-positive rate": metrics.false_positive_rate,
        },
        y_true=decided.y_true,
        y_pred=decided.y_alert.astype(int),
        sensitive_features=decided.sensitive[attribute],
    )


def _fairlearn_rows(decided: Audited) -> list[dict[str, Any]]:
    return [
        {"attribute": attribute, "group": str(group)}
        | {str(name): float(value) for name, value in row.items()}
        for attribute in decided.sensitive
        for group, row in fairlearn_frame(decided, attribute).by_group.iterrows()
    ]


def audit_over_thresholds(
    study: AuditStudy, selection_rates: list[float], tolerances: Tolerances
) -> dict[str, list[AtThreshold]]:
    """The audit of each attribute at thresholds that
    select other shares; empty when nothing was audited.
    """
    if study.decided is None:
        return {}
    decided = study.decided
    return {
        attribute: audit_thresholds(
            decided.y_true,
            decided.log_odds,
            group,
            selection_rates,
            decided.clusters,
            tolerance=tolerances.difference,
            ratio_tolerance=tolerances.ratio,
            minimum_size=tolerances.minimum_group_size,
        )
        for attribute, group in decided.sensitive.items()
    }
