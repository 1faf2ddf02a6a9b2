"""The metrics of an audit as rows of the study's table,
each with the attribute that it speaks of, and its words.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fraud_core.evaluation.study_table import Measurement
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness.study import RATES, WORDS, AuditStudy


def audit_measurements(study: AuditStudy) -> Iterator[Measurement]:
    """Differences and ratios with their verdicts by attribute,
    the verdicts on all of them, and how many groups there are.
    """
    verdicts_by_attribute = study.by_attribute()
    yield Measurement("attributes", len(verdicts_by_attribute), verdict=WORDS[study.verdict])
    for attribute, (differences, ratios) in verdicts_by_attribute.items():
        by_rate = study.differences[attribute]
        for rate, difference in by_rate.items():
            for kind, disparity in (
                ("difference", difference),
                ("ratio", study.ratios[attribute].get(rate)),
            ):
                if disparity is not None and np.isfinite(disparity.value):
                    yield Measurement.of(
                        f"{RATES[rate]}_{kind}",
                        disparity,
                        group=attribute,
                        verdict=disparity.verdict,
                    )
        n_groups = len(study.rates[attribute]["recall"])
        yield Measurement("groups", n_groups, group=attribute)
        for kind, by_name, verdict in (
            ("differences", by_rate, differences),
            ("ratios", study.ratios[attribute], ratios),
        ):
            failing = sum(by_name[rate].verdict == Verdict.FAIL for rate in by_name)
            yield Measurement(f"{kind}_failing", failing, group=attribute, verdict=verdict)


def audit_words(study: AuditStudy) -> dict[str, Any]:
    """The verdict with its reason, which attributes fail and pass, and the most unequal one.

    Where nothing was audited the words say why, so that a page that names them stays true.
    """
    said: dict[str, Any] = {"verdict": study.verdict, "reason": study.reason}
    verdicts_by_attribute = study.by_attribute()
    if not verdicts_by_attribute:
        return said | dict.fromkeys(("failing", "passing", "worst_words"), study.verdict)
    failing = [
        attribute
        for attribute, verdicts in verdicts_by_attribute.items()
        if Verdict.FAIL in verdicts
    ]
    passing = [
        attribute
        for attribute, (differences, _) in verdicts_by_attribute.items()
        if differences == Verdict.PASS
    ]
    said |= {"failing": ", ".join(failing) or "none", "passing": ", ".join(passing) or "none"}
    return said | _worst(study)


def _worst(study: AuditStudy) -> dict[str, Any]:
    worst = study.most_unequal
    if worst is None:
        return {"worst_words": "no attribute with enough rows"}
    odds, n_groups = study.differences[worst]["equalised odds"], len(study.rates[worst]["recall"])
    words = (
        f"{odds.value:.3f} ({odds.ci_low:.3f} to {odds.ci_high:.3f}) between the {n_groups} groups "
        f"of {worst}"
    )
    return {"worst_attribute": worst, "worst_attribute_groups": n_groups, "worst_words": words}
