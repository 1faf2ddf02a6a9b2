"""Table and headline metrics of the fairness study: of the
payments, of the audited clients, and of what is simulated.
"""

from collections.abc import Iterable
from typing import Any

from fraud_core.evaluation.headline import Headline, headline_metrics
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.fairness.group_label_suppression import (
    CHANGES,
    SuppressionEffect,
    at_rate,
    first_visible,
)
from fraud_core.fairness.mitigation.pareto_front import EvaluatedMethod
from fraud_core.fairness.report_metrics import (
    SUPPRESSED_POSITIVES,
    change_metric,
    method_name,
    recommended,
    residual_disparity_verdict,
)
from fraud_core.fairness.study import AuditStudy
from fraud_core.fairness.summary import audit_words
from fraud_core.fairness.verdict_validation import BIASED, EVEN, StreamAudit

STUDY, CLIENTS, SIMULATED = "fairness", "uci_default", "simulated"
SEX = "sex"  # the attribute whose ratio is read out wherever it was audited
NAMES = {
    **{
        f"stream.{name}": Headline(name, table=SIMULATED)
        for name in ("verdict_accuracy", "false_fail_rate", "disparity_coverage")
    },
    **{
        f"stream.{group}.{name}": Headline(metric, group, table=SIMULATED)
        for group in (EVEN, BIASED)
        for name, metric in {
            "recall_difference": "recall_difference",
            "injected_recall_difference": "injected_recall_difference",
        }.items()
    },
    f"{CLIENTS}.attributes": Headline("attributes", kind=int, table=CLIENTS),
    **{
        f"{CLIENTS}.{SEX}.{name}": Headline(name, SEX, table=CLIENTS)
        for name in ("equal_opportunity_difference", "predictive_equality_ratio")
    },
}


def fairness_table(
    payments: Iterable[Measurement],
    clients: Iterable[Measurement],
    simulated: Iterable[Measurement],
    *,
    table: str,
) -> StudyTable:
    """The figures of the study.

    Parameters
    ----------
    payments, clients, simulated
        Of the payments, of the audited clients, and of draws and streams whose disparity is known.
    table
        Name of the data of the payments.

    Examples
    --------
    >>> rows = [Measurement("attributes", 5)]
    >>> fairness_table(rows, rows, [], table="ulb").only("attributes", table="ulb").value
    5.0
    """
    parts = {table: payments, CLIENTS: clients, SIMULATED: simulated}
    return StudyTable.joined(
        *(StudyTable.from_measurements(rows, table=n, study=STUDY) for n, rows in parts.items())
    )


def headline(
    table: StudyTable,
    clients: AuditStudy,
    front: list[EvaluatedMethod],
    suppression: list[SuppressionEffect],
    *,
    tolerance: float,
    selection_rate: float,
) -> dict[str, Any]:
    """The figures of metrics.json by name.

    Parameters
    ----------
    table
        Of the study; a figure that it does not hold has no name.
    clients, front, suppression
        What was audited, the mitigation methods, and what suppressed positives do.
    tolerance, selection_rate
        Of the method that was named beforehand, and of the effect that is read out.
    """
    return (
        _of_audits(table)
        | _of_mitigation(table, front, clients.most_unequal, tolerance)
        | _of_suppression(table, suppression, selection_rate)
    )


def _of_audits(table: StudyTable) -> dict[str, Any]:
    flat = headline_metrics(table, NAMES)
    ratio = Headline("predictive_equality_ratio", SEX, table=CLIENTS)
    if table.has(**ratio.columns):
        verdict = table.only(**ratio.columns).verdict
        flat[f"{CLIENTS}.{SEX}.{ratio.metric}_verdict"] = verdict
    return flat


def words(
    payments: AuditStudy, clients: AuditStudy, even: StreamAudit, biased: StreamAudit
) -> dict[str, Any]:
    """What the audits of payments, clients and simulated streams say in words."""
    return {
        **{f"payments.{name}": said for name, said in audit_words(payments).items()},
        **{f"{CLIENTS}.{name}": said for name, said in audit_words(clients).items()},
        f"stream.{EVEN}.verdict": even.difference.verdict,
        f"stream.{BIASED}.verdict": biased.difference.verdict,
    }


def _of_mitigation(
    table: StudyTable, front: list[EvaluatedMethod], attribute: str | None, tolerance: float
) -> dict[str, Any]:
    """The difference on held-out clients, and what the method that
    was named beforehand leaves of it; empty without a front.
    """
    if not front:
        return {}
    first, method = front[0], recommended(front, tolerance)
    odds = "heldout_equalized_odds_difference"
    shown = {f"{CLIENTS}.equalized_odds_difference": Headline(odds, attribute, method_name(first))}
    shown |= {
        f"{CLIENTS}.mitigated.{name}": Headline(metric, attribute, method_name(method))
        for name, metric in {
            "equalized_odds_difference": odds,
            "cost_ratio": "cost_ratio",
            "residual_disparity_ratio": "residual_disparity_ratio",
            "half_splits_halved": "half_splits_halved_share",
        }.items()
    }
    return headline_metrics(table, shown) | {
        f"{CLIENTS}.mitigated.method": method_name(method),
        f"{CLIENTS}.mitigated.halved": method.residual_disparity_ratio.value <= 0.5,
        f"{CLIENTS}.mitigated.verdict": residual_disparity_verdict(method.residual_disparity_ratio),
    }


def _of_suppression(
    table: StudyTable, suppression: list[SuppressionEffect], selection_rate: float
) -> dict[str, Any]:
    """The changes when the largest share of a group's positives
    is suppressed, and the first share that shows, in words.
    """
    flat: dict[str, Any] = {}
    effects = at_rate(suppression, selection_rate)
    for name in CHANGES if effects else ():
        metric = change_metric(name)
        changes = table.where(metric=metric, attack=SUPPRESSED_POSITIVES)
        largest = list(changes)[-1]
        first = f"{CLIENTS}.poisoning.first_visible.{metric.removesuffix('_change')}"
        flat |= {
            f"{CLIENTS}.poisoning.{metric}": largest.estimate,
            first: first_visible(effects, name),
        }
    return flat
