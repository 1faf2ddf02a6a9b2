"""Conclusion of the gate, in one line, in metrics and
in a table; required and advisory criteria never mixed.
"""

from collections.abc import Mapping
from typing import Any

from fraud_core.errors import ResultError
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.promotion.gate import Criterion, GateDecision, decide

# What an advisory criterion is said to be when it does not pass.
SAID = {
    Verdict.FAIL: "fails",
    Verdict.INSUFFICIENT: "insufficient evidence",
    Verdict.NOT_ASSESSABLE: "not assessable",
}


def conclude(gate: GateDecision) -> str:
    """The decision in one line: the required criteria first, the advisory ones apart from them.

    Examples
    --------
    >>> from fraud_core.promotion.gate import Criterion, decide
    >>> passed = Criterion("cost", Verdict.PASS, "it saves")
    >>> fell = Criterion("drift", Verdict.FAIL, "drift: fell", required=False)
    >>> conclude(decide(passed, fell))
    'all 1 required criteria passed; advisory: 1 fails'
    >>> conclude(decide(Criterion("cost", Verdict.FAIL, "it is dear")))
    '1 of 1 required criteria did not pass: it is dear'
    """
    n_required, missed = len(gate.required), gate.refusals
    words = f"all {n_required} required criteria passed"
    if missed:
        words = f"{len(missed)} of {n_required} required criteria did not pass: {'; '.join(missed)}"
    given = [c.outcome for c in gate.advisory]
    open_ones = [
        f"{given.count(outcome)} {word}" for outcome, word in SAID.items() if outcome in given
    ]
    if not given:
        return words
    return f"{words}; advisory: {', '.join(open_ones) or f'all {len(given)} pass'}"


def gate_metrics(gate: GateDecision, *, prefix: str = "gate") -> dict[str, bool | int | str]:
    """The decision for metrics.json: its words, counts, and
    each criterion under what it is, required or advisory.

    Examples
    --------
    >>> from fraud_core.promotion.gate import Criterion, decide
    >>> gate_metrics(decide(Criterion("alert budget", Verdict.PASS, "few")))[
    ...     "gate.required.alert_budget"
    ... ]
    'pass'
    """
    n_required = len(gate.required)
    flat: dict[str, bool | int | str] = {
        f"{prefix}.promoted": gate.promoted,
        f"{prefix}.reasons": conclude(gate),
        f"{prefix}.n_required": n_required,
        f"{prefix}.n_required_passed": n_required - len(gate.refusals),
        f"{prefix}.n_advisory": len(gate.advisory),
    }
    for kind, criteria in (("required", gate.required), ("advisory", gate.advisory)):
        for criterion in criteria:
            name = f"{prefix}.{kind}.{criterion.name.replace(' ', '_')}"
            flat |= {name: criterion.outcome.value, f"{name}_evidence": criterion.evidence}
    return flat


def recorded_gate(figures: Mapping[str, Any], *, prefix: str = "gate") -> GateDecision:
    """The decision that metrics hold, from its criteria; the inverse of `gate_metrics`.

    Raises
    ------
    ResultError
        When no required criterion is there, one is missing, an outcome is no verdict, or the
        recorded conclusion contradicts them.

    Examples
    --------
    >>> from fraud_core.promotion.gate import Criterion, decide
    >>> recorded_gate(
    ...     gate_metrics(decide(Criterion("alert budget", Verdict.FAIL, "many")))
    ... ).promoted
    False
    """
    criteria = []
    for kind in ("required", "advisory"):
        for name, outcome in figures.items():
            if not name.startswith(f"{prefix}.{kind}.") or name.endswith("_evidence"):
                continue
            if outcome not in list(Verdict):
                raise ResultError(
                    f"{name}: expected one of {', '.join(Verdict)}, got {outcome!r}; judge it again"
                )
            words = name.removeprefix(f"{prefix}.{kind}.").replace("_", " ")
            evidence = str(figures.get(f"{name}_evidence", "no evidence recorded"))
            criteria.append(
                Criterion(words, Verdict(outcome), evidence, required=kind == "required")
            )
    if not any(criterion.required for criterion in criteria):
        raise ResultError(
            f"{prefix}: expected the outcome of each required criterion, found none; judge it again"
        )
    gate = decide(*criteria)
    recomputed = gate_metrics(gate, prefix=prefix)
    for name in (f"{prefix}.n_required", f"{prefix}.n_advisory"):
        if figures.get(name) != recomputed[name]:
            raise ResultError(
                f"{name}: expected {recomputed[name]}, the criteria that are recorded, got "
                f"{figures.get(name)!r}; judge it again"
            )
    if figures.get(f"{prefix}.promoted") is not gate.promoted:
        raise ResultError(
            f"{prefix}.promoted: expected {gate.promoted}, as its required criteria say, got "
            f"{figures.get(f'{prefix}.promoted')!r}; judge it again"
        )
    return gate


def criteria_rows(gate: GateDecision) -> list[dict[str, str]]:
    """A row for each criterion, the required ones first, for a table of the report."""
    return [
        {
            "criterion": c.name,
            "counts": "required" if c.required else "advisory",
            "outcome": c.outcome.value,
            "evidence": c.evidence,
        }
        for c in (*gate.required, *gate.advisory)
    ]
