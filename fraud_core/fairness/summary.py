"""The figures of an audit under their names in
metrics.json, each with the attribute that it speaks of.
"""

from typing import Any

import numpy as np

from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness.study import RATES, AuditStudy


def audit_metrics(table: str, study: AuditStudy) -> dict[str, Any]:
    """Differences, ratios and verdicts under
    ``<table>.<attribute>.<kind>_difference``, ready for metrics.json.
    """
    flat: dict[str, Any] = {f"{table}.verdict": study.verdict, f"{table}.reason": study.reason}
    flat |= _attribute_metrics(table, study)
    for attribute, by_rate in study.differences.items():
        for rate, found in by_rate.items():
            name = f"{table}.{attribute.replace(' ', '_')}.{RATES[rate]}"
            if np.isfinite(found.value):
                flat[f"{name}_difference"] = found
            flat[f"{name}_verdict"] = found.verdict
            ratio = study.ratios[attribute].get(rate)
            if ratio and np.isfinite(ratio.value):
                flat[f"{name}_ratio"] = ratio
            if ratio:
                flat[f"{name}_ratio_verdict"] = ratio.verdict
    return flat


def _attribute_metrics(table: str, study: AuditStudy) -> dict[str, Any]:
    """The verdicts by attribute, which attributes fail
    and pass, and the most unequal one, each in words too.

    Where nothing was audited the words say why, so that a page that names them stays true.
    """
    judged = study.by_attribute()
    if not judged:
        return {f"{table}.{name}": study.verdict for name in ("failing", "passing", "worst_words")}
    flat: dict[str, Any] = {f"{table}.attributes": len(judged)}
    for attribute, (differences, ratios) in judged.items():
        name = f"{table}.{attribute.replace(' ', '_')}"
        flat |= {f"{name}.verdict": differences, f"{name}.ratio_verdict": ratios}
    failing = [attribute for attribute, verdicts in judged.items() if Verdict.FAIL in verdicts]
    passing = [
        attribute for attribute, (differences, _) in judged.items() if differences == Verdict.PASS
    ]
    flat |= {
        f"{table}.failing": ", ".join(failing) or "none",
        f"{table}.passing": ", ".join(passing) or "none",
    }
    return flat | _worst_metrics(table, study)


def _worst_metrics(table: str, study: AuditStudy) -> dict[str, Any]:
    worst = study.most_unequal
    if worst is None:
        return {f"{table}.worst_words": "no attribute with enough rows"}
    odds, n_groups = study.differences[worst]["equalised odds"], len(study.rates[worst]["recall"])
    words = (
        f"{odds.value:.3f} ({odds.ci_low:.3f} to {odds.ci_high:.3f}) between the {n_groups} groups "
        f"of {worst}"
    )
    return {
        f"{table}.worst_attribute": worst,
        f"{table}.worst_attribute_groups": n_groups,
        f"{table}.worst_words": words,
    }
