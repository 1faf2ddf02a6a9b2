"""The promotion gate: criteria that pass, fail or lack evidence, and the decision that follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fraud_core.model.intervals import Interval, clopper_pearson

Outcome = Literal["pass", "fail", "insufficient evidence"]


@dataclass(frozen=True)
class Criterion:
    """One question the gate asks.

    Attributes
    ----------
    name
        Short, stable.
    outcome
        What the evidence says.
    evidence
        The figures, in words a risk officer understands.
    required
        A required criterion must pass; another one is reported only.
    """

    name: str
    outcome: Outcome
    evidence: str
    required: bool = True


@dataclass(frozen=True)
class GateDecision:
    """Whether the candidate is promoted, and every criterion behind it."""

    promoted: bool
    criteria: tuple[Criterion, ...]

    @property
    def refusals(self) -> list[str]:
        """The evidence of each required criterion that did not pass."""
        return [c.evidence for c in self.criteria if c.required and c.outcome != "pass"]


def judge_average_precision(found: Interval, *, minimum: float, maximum: float) -> tuple[Criterion, Criterion]:
    """Whether a candidate is good enough on the holdout, and not too good to be true.

    Parameters
    ----------
    found
        Average precision on the sealed holdout.
    minimum
        The lower end of the interval must reach this.
    maximum
        A time-ordered average precision above this is taken as a leak.

    Examples
    --------
    >>> good, plausible = judge_average_precision(Interval(0.78, 0.72, 0.83), minimum=0.5, maximum=0.95)
    >>> good.outcome, plausible.outcome
    ('pass', 'pass')
    """
    figures = f"{found.value:.3f} (95% interval {found.low:.3f} to {found.high:.3f})"
    if found.low >= minimum:
        good: Outcome = "pass"
    elif found.high < minimum:
        good = "fail"
    else:
        good = "insufficient evidence"
    return (
        Criterion(
            "average precision", good, f"average precision on the holdout is {figures}; at least {minimum:g} asked"
        ),
        Criterion(
            "plausible",
            "pass" if found.value <= maximum else "fail",
            f"average precision on the holdout is {found.value:.3f}; above {maximum:g} a leak is suspected",
        ),
    )


def judge_alert_budget(n_alerted: int, n_rows: int, *, alert_budget: float, tolerance: float) -> Criterion:
    """Whether the threshold, chosen on the validation hours, keeps to the review capacity on the holdout.

    Parameters
    ----------
    n_alerted, n_rows
        Alerts and rows of the holdout; their share gets an exact interval.
    alert_budget
        Share that can be reviewed.
    tolerance
        How many times the budget is still tolerated.

    Examples
    --------
    >>> judge_alert_budget(140, 140_000, alert_budget=0.002, tolerance=1.5).outcome
    'pass'
    """
    low, high = clopper_pearson(n_alerted, n_rows)
    most = tolerance * alert_budget
    outcome: Outcome = "pass" if high <= most else "fail" if low > most else "insufficient evidence"
    return Criterion(
        "alert budget",
        outcome,
        f"{n_alerted / n_rows:.3%} of the holdout is alerted (95% interval {low:.3%} to {high:.3%}); the review "
        f"capacity is {alert_budget:.3%}, tolerated up to {tolerance:g} times that",
    )


def judge_data(trained_on: Mapping[str, str], present: Mapping[str, str]) -> Criterion:
    """Whether the candidate was trained on the v0 that is here, and judged on the v1 that it names.

    Parameters
    ----------
    trained_on, present
        Content digests by version, ``v0`` and ``v1``.

    Examples
    --------
    >>> judge_data({"v0": "a", "v1": "b"}, {"v0": "x", "v1": "b"}).evidence
    'the candidate names other data than those that are here: v0'
    """
    other = [name for name in ("v0", "v1") if trained_on.get(name) != present.get(name)]
    if other:
        return Criterion("data", "fail", f"the candidate names other data than those that are here: {', '.join(other)}")
    return Criterion("data", "pass", "the candidate was trained on this v0 and is judged on the sealed v1 it names")


def judge_cost(saving_eur: Interval) -> Criterion:
    """Whether the candidate is cheaper than having no model at all.

    Parameters
    ----------
    saving_eur
        Cost without a model less cost with the candidate, paired on the same rows, in euros.

    Examples
    --------
    >>> judge_cost(Interval(100.0, -20.0, 220.0)).outcome
    'insufficient evidence'
    """
    outcome: Outcome = "insufficient evidence"
    if saving_eur.excludes(0.0):
        outcome = "pass" if saving_eur.value > 0 else "fail"
    figures = f"{saving_eur.value:,.0f} euros (95% interval {saving_eur.low:,.0f} to {saving_eur.high:,.0f})"
    return Criterion("cost", outcome, f"against having no model the candidate saves {figures} on the holdout")


def judge_scan(found: Sequence[str]) -> Criterion:
    """Whether the labels that the candidate was trained on look poisoned.

    Parameters
    ----------
    found
        What the scan found, a sentence each; none when the labels look clean.

    Examples
    --------
    >>> judge_scan(["120 payments called legitimate rank with known frauds"]).outcome
    'fail'
    """
    if found:
        return Criterion("poisoning scan", "fail", f"the training labels look poisoned: {'; '.join(found)}")
    return Criterion("poisoning scan", "pass", "the scan of the training labels found no sign of poisoning")


def judge_champion(saving_eur: Interval, *, floor_eur: float) -> Criterion:
    """Whether the candidate is cheaper than the champion by more than luck.

    Parameters
    ----------
    saving_eur
        Cost with the champion less cost with the candidate, paired on the same rows, in euros, with its 95% interval.
    floor_eur
        How far the cost moves between equally good trainings (the placebo of the poisoning study), in euros.

    Notes
    -----
    The lower end must clear the floor, so that an equally good candidate is promoted in at most 2.5% of trials by the
    sampling of the day, and the luck of a fit is no merit.

    Examples
    --------
    >>> judge_champion(Interval(500.0, 100.0, 900.0), floor_eur=300.0).outcome
    'insufficient evidence'
    """
    outcome: Outcome = "insufficient evidence"
    if saving_eur.low > floor_eur:
        outcome = "pass"
    elif saving_eur.high < -floor_eur:
        outcome = "fail"
    figures = f"{saving_eur.value:,.0f} euros (95% interval {saving_eur.low:,.0f} to {saving_eur.high:,.0f})"
    return Criterion(
        "champion",
        outcome,
        f"against the champion the candidate saves {figures}; equally good trainings differ by up to {floor_eur:,.0f}",
    )


def report_breaking_budget(verdict: str) -> Criterion:
    """The smallest attack that would cost more than is tolerated; reported, never required.

    Examples
    --------
    >>> report_breaking_budget("not reached up to 50% of the frauds").required
    False
    """
    return Criterion("breaking budget", "pass", f"smallest breaking attack: {verdict}", required=False)


def report_verdict(name: str, verdict: str | None) -> Criterion:
    """The verdict of another study on this candidate's data; reported, never required.

    Examples
    --------
    >>> report_verdict("fairness", "not assessable").outcome
    'insufficient evidence'
    """
    outcome: Outcome = "insufficient evidence"
    if verdict in ("pass", "none", "no difference", "gain"):
        outcome = "pass"
    elif verdict in ("fail", "harm", "difference"):
        outcome = "fail"
    return Criterion(name, outcome, f"{name}: {verdict or 'not studied'}", required=False)


def decide(*criteria: Criterion) -> GateDecision:
    """Promote when every required criterion passes; lack of evidence is no pass.

    Examples
    --------
    >>> decide(Criterion("a", "pass", ""), Criterion("b", "insufficient evidence", "")).promoted
    False
    """
    if not criteria:
        raise ValueError("expected at least one criterion; a gate without questions would let everything through")
    return GateDecision(all(c.outcome == "pass" for c in criteria if c.required), criteria)
