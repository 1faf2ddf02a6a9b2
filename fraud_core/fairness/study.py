"""The fairness study: a model that never sees a sensitive column, audited by group at its operating threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.fairness.audit import Difference, GroupRate, audit_difference, minimum_count, rates_by_group
from fraud_core.fairness.groups import join_groups
from fraud_core.model.estimators import fit_estimator
from fraud_core.model.intervals import Interval

RATES = {
    "selection rate": "demographic_parity",
    "recall": "equal_opportunity",
    "false-positive rate": "predictive_equality",
}


@dataclass(frozen=True)
class Audited:
    """Decisions on clients, with the sensitive attributes joined for evaluation only.

    Attributes
    ----------
    y_true, y_alert
        Label and decision of each client, shape (n_clients,).
    margin, features
        Log-odds by a model of other clients, and what it saw.
    sensitive
        Group of each client, by attribute.
    """

    y_true: np.ndarray
    y_alert: np.ndarray
    margin: np.ndarray
    features: np.ndarray
    sensitive: dict[str, np.ndarray]


def decide_and_join(
    clients: pl.DataFrame,
    card: DatasetCard,
    *,
    model: Mapping[str, Any],
    n_folds: int,
    selection_rate: float,
    age_bands: list[int],
    rng: np.random.Generator,
) -> Audited:
    """Score each client by a model of the other folds, select the riskiest, and join the sensitive attributes.

    Parameters
    ----------
    clients
        A table with sensitive columns and no time.
    n_folds
        Folds, drawn at random; at least 2.
    selection_rate
        Share of the clients that is selected.
    age_bands
        Edges of the age bands, in years.
    rng
        Source of the folds.
    """
    fold = rng.integers(0, n_folds, clients.height)
    features = clients.select(card.names("feature")).to_numpy().astype(np.float32)
    y_true = clients[card.only("label")].to_numpy()
    margin = np.empty(clients.height)
    for number in range(n_folds):
        here = fold == number
        fitted = fit_estimator(
            "catboost", features[~here], y_true[~here],
            settings=model["catboost"], seed=model["seed"], n_threads=model["n_threads"],
        )  # fmt: skip
        margin[here] = fitted.margin(features[here])
    selected = margin >= np.quantile(margin, 1 - selection_rate)
    return Audited(y_true, selected, margin, features, join_groups(clients, card, age_bands=age_bands))


def audit(
    decided: Audited, *, limit: float, minimum: int = 1
) -> tuple[dict[str, dict[str, list[GroupRate]]], dict[str, dict[str, Difference]]]:
    """Rates and differences by attribute and rate.

    Returns
    -------
    rates, differences
        ``rates[attribute][rate]`` and ``differences[attribute][rate]`` with the names of `RATES`.
    """
    counted = {
        "selection rate": np.ones(len(decided.y_true), dtype=bool),
        "recall": decided.y_true == 1,
        "false-positive rate": decided.y_true == 0,
    }
    rates = {
        attribute: {name: rates_by_group(decided.y_alert, rows, group) for name, rows in counted.items()}
        for attribute, group in decided.sensitive.items()
    }
    differences = {
        attribute: {
            name: audit_difference(decided.y_alert, rows, group, limit=limit, minimum=minimum)
            for name, rows in counted.items()
        }
        for attribute, group in decided.sensitive.items()
    }
    return rates, differences


def fairlearn_frame(decided: Audited, attribute: str):
    """The same rates by Fairlearn's MetricFrame, for comparison and for its own tools."""
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

    return MetricFrame(
        metrics={
            "selection rate": selection_rate, "recall": true_positive_rate, "false-positive rate": false_positive_rate,
        },
        y_true=decided.y_true, y_pred=decided.y_alert.astype(int), sensitive_features=decided.sensitive[attribute],
    )  # fmt: skip


def audit_metrics(table: str, differences: Mapping[str, Mapping[str, Difference]]) -> dict[str, Any]:
    """Differences and verdicts under ``<table>.<attribute>.<kind>_difference``, ready for metrics.json."""
    flat: dict[str, Any] = {}
    for attribute, by_rate in differences.items():
        for rate, found in by_rate.items():
            name = f"{table}.{attribute.replace(' ', '_')}.{RATES[rate]}"
            if np.isfinite(found.value):
                flat[f"{name}_difference"] = Interval(found.value, found.low, found.high)
            flat[f"{name}_verdict"] = found.verdict
    return flat


def assessability(card: DatasetCard) -> tuple[str, str]:
    """Whether a table can be audited at all: a verdict and its reason.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card
    >>> assessability(toy_card())[0]
    'not assessable'
    """
    sensitive = card.names("sensitive")
    if not sensitive:
        return "not assessable", f"table {card.name} has no sensitive column, so no group can be compared with another"
    return "assessable", f"table {card.name} has the sensitive columns {', '.join(sensitive)}"


@dataclass(frozen=True)
class AuditStudy:
    """An audit of one table, with Fairlearn's rates by group; all of it is empty when the table is not there."""

    verdict: str
    decided: Audited | None
    rates: dict[str, dict[str, list[GroupRate]]]
    differences: dict[str, dict[str, Difference]]
    by_group: list[dict[str, Any]]

    @property
    def most_unequal(self) -> str | None:
        """The attribute whose difference in recall or false-positive rate is the largest for sure, None without any.

        For sure is the lower end of the interval: with many small groups the value itself is mostly noise.
        """
        sure = {
            attribute: max(by_rate[rate].low for rate in ("recall", "false-positive rate"))
            for attribute, by_rate in self.differences.items()
            if all(np.isfinite(by_rate[rate].value) for rate in ("recall", "false-positive rate"))
        }
        return max(sure, key=sure.get) if sure else None

    def rows(self) -> list[dict[str, Any]]:
        """One row for each attribute and rate, for a table of the report."""
        return [
            {"attribute": attribute, "rate": rate, "largest difference": _shown(found), "verdict": found.verdict,
             "reason": found.reason}
            for attribute, by_rate in self.differences.items()
            for rate, found in by_rate.items()
        ]  # fmt: skip


def _shown(found: Difference) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})" if np.isfinite(found.value) else "undefined"


def audit_table(
    table: tuple[pl.DataFrame, DatasetCard] | None,
    *,
    model: Mapping[str, Any],
    limit: float,
    detectable_gap: float,
    seed: int,
    **split: Any,
) -> AuditStudy:
    """Fit, decide and audit one table; a table that was not fetched gives the verdict "not run", never a figure.

    Parameters
    ----------
    table
        Rows and card, or None.
    model
        Keys ``seed``, ``n_threads`` and ``catboost``.
    limit
        As in `audit_difference`.
    detectable_gap
        A group is judged when it counts enough rows for this gap to be seen.
    seed
        Of the folds.
    split
        ``n_folds``, ``selection_rate`` and ``age_bands``, as in `decide_and_join`.
    """
    if table is None:
        return AuditStudy("not run: the table was not fetched", None, {}, {}, [])
    decided = decide_and_join(*table, model=model, rng=np.random.default_rng(seed), **split)
    rates, differences = audit(decided, limit=limit, minimum=minimum_count(detectable_gap))
    worst = [found.verdict for by_rate in differences.values() for found in by_rate.values()]
    verdict = "fail" if "fail" in worst else "pass" if set(worst) == {"pass"} else "insufficient evidence"
    by_group = [
        {"attribute": attribute, "group": str(group)} | {name: float(value) for name, value in row.items()}
        for attribute in decided.sensitive
        for group, row in fairlearn_frame(decided, attribute).by_group.iterrows()
    ]
    return AuditStudy(verdict, decided, rates, differences, by_group)
