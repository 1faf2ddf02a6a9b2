"""The fairness study: a model that never sees a sensitive column, audited by group at its operating threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.fairness.audit import Difference, GroupRate, audit_difference, band, rates_by_group
from fraud_core.model.estimators import fit_estimator

RATES = {
    "selection rate": "demographic_parity",
    "recall": "equal_opportunity",
    "false-positive rate": "predictive_equality",
}


@dataclass(frozen=True)
class Audited:
    """Decisions on a test set, with the sensitive attributes joined for evaluation only."""

    y_true: np.ndarray
    y_alert: np.ndarray
    sensitive: dict[str, np.ndarray]


def decide_and_join(
    clients: pl.DataFrame,
    card: DatasetCard,
    *,
    model: Mapping[str, Any],
    test_share: float,
    selection_rate: float,
    age_bands: list[int],
    rng: np.random.Generator,
) -> Audited:
    """Fit on a random part of the clients, select the riskiest of the rest, and join sex and age band.

    Parameters
    ----------
    clients
        A table with the columns ``SEX`` (0 man, 1 woman) and ``AGE`` among its sensitive ones, and no time.
    test_share
        Share of the clients that is audited.
    selection_rate
        Share of the audited clients that is selected.
    age_bands
        Edges of the age bands, in years.
    rng
        Source of the split.
    """
    test = rng.random(clients.height) < test_share
    features = clients.select(card.names("feature")).to_numpy().astype(np.float32)
    y_true = clients[card.only("label")].to_numpy()
    fitted = fit_estimator(
        "catboost", features[~test], y_true[~test],
        settings=model["catboost"], seed=model["seed"], n_threads=model["n_threads"],
    )  # fmt: skip
    margin = fitted.margin(features[test])
    audited = clients.filter(test)
    return Audited(
        y_true=y_true[test],
        y_alert=margin >= np.quantile(margin, 1 - selection_rate),
        sensitive={
            "sex": np.where(audited["SEX"].to_numpy() == 1, "woman", "man"),
            "age band": band(audited["AGE"].to_numpy(), age_bands),
        },
    )


def audit(
    decided: Audited, *, limit: float
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
        attribute: {name: audit_difference(decided.y_alert, rows, group, limit=limit) for name, rows in counted.items()}
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
    from fraud_core.model.intervals import Interval

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
    rates: dict[str, dict[str, list[GroupRate]]]
    differences: dict[str, dict[str, Difference]]
    by_group: list[dict[str, Any]]

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
    seed
        Of the split.
    split
        ``test_share``, ``selection_rate`` and ``age_bands``, as in `decide_and_join`.
    """
    if table is None:
        return AuditStudy("not run: the table was not fetched", {}, {}, [])
    decided = decide_and_join(*table, model=model, rng=np.random.default_rng(seed), **split)
    rates, differences = audit(decided, limit=limit)
    worst = [found.verdict for by_rate in differences.values() for found in by_rate.values()]
    verdict = "fail" if "fail" in worst else "pass" if set(worst) == {"pass"} else "insufficient evidence"
    by_group = [
        {"attribute": attribute, "group": str(group)} | {name: float(value) for name, value in row.items()}
        for attribute in decided.sensitive
        for group, row in fairlearn_frame(decided, attribute).by_group.iterrows()
    ]
    return AuditStudy(verdict, rates, differences, by_group)
