"""The promotion gate: criteria that pass, fail or lack evidence, and the decision that follows.

Required criteria decide; advisory ones are reported beside them and decide nothing. What is said of
the one never counts the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fraud_core.errors import ParameterError
from fraud_core.evaluation.bootstrap import Estimate, clopper_pearson
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.poisoning.detection.scan_words import LIMITS_FROM


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
        A required criterion must pass; an advisory one is reported only.
    """

    name: str
    outcome: Verdict
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
        return [c.evidence for c in self.criteria if c.required and c.outcome != Verdict.PASS]

    @property
    def required(self) -> tuple[Criterion, ...]:
        """The criteria that decide."""
        return tuple(c for c in self.criteria if c.required)

    @property
    def advisory(self) -> tuple[Criterion, ...]:
        """The criteria that are reported and decide nothing."""
        return tuple(c for c in self.criteria if not c.required)


def check_average_precision(
    ranking: Estimate, *, chance: float, minimum_lift: float, maximum: float
) -> tuple[Criterion, Criterion]:
    """Whether a candidate ranks better than chance on the holdout, and not too well to be true.

    Parameters
    ----------
    ranking
        Average precision on the sealed holdout.
    chance
        Share of frauds in the holdout: the average precision of a random ranking.
    minimum_lift
        How many times chance the lower end of the interval must reach. It refuses a ranking that is
        of no use on any table; how good is good enough follows from the costs and from the
        champion.
    maximum
        A time-ordered average precision above this is taken as a leak.

    Raises
    ------
    ParameterError
        When no ranking could reach so many times chance.

    Examples
    --------
    >>> good, plausible = check_average_precision(
    ...     Estimate(0.78, 0.72, 0.83), chance=0.0015, minimum_lift=5.0, maximum=0.95
    ... )
    >>> good.outcome, plausible.outcome
    ('pass', 'pass')
    """
    minimum = minimum_lift * chance
    if minimum >= 1:
        raise ParameterError(
            f"minimum_lift: expected less than {1 / chance:.3g}, since {chance:.1%} of the "
            "holdout are frauds, got "
            f"{minimum_lift:g}; lower it in params.yaml"
        )
    figures = f"{ranking.value:.3f} (95% interval {ranking.ci_low:.3f} to {ranking.ci_high:.3f})"
    good = Verdict.INSUFFICIENT
    if ranking.ci_low >= minimum:
        good = Verdict.PASS
    elif ranking.ci_high < minimum:
        good = Verdict.FAIL
    asked = f"at least {minimum:.2g} asked, {minimum_lift:g} times the share of frauds"
    return (
        Criterion(
            "average precision", good, f"average precision on the holdout is {figures}; {asked}"
        ),
        Criterion(
            "plausible",
            Verdict.PASS if ranking.value <= maximum else Verdict.FAIL,
            f"average precision on the holdout is {ranking.value:.3f}; above {maximum:g} a leak is "
            "suspected",
        ),
    )


def check_alert_budget(
    n_alerted: int, n_rows: int, *, alert_budget: float, tolerance: float
) -> Criterion:
    """Whether the threshold, chosen on the validation
    hours, keeps to the review capacity on the holdout.

    Parameters
    ----------
    n_alerted, n_rows
        Alerts and rows of the holdout; their share gets a Clopper–Pearson interval.
    alert_budget
        Share that can be reviewed.
    tolerance
        How many times the budget is still tolerated.

    Examples
    --------
    >>> check_alert_budget(140, 140_000, alert_budget=0.002, tolerance=1.5).outcome
    'pass'
    """
    low, high = clopper_pearson(n_alerted, n_rows)
    maximum = tolerance * alert_budget
    outcome = (
        Verdict.PASS if high <= maximum else Verdict.FAIL if low > maximum else Verdict.INSUFFICIENT
    )
    return Criterion(
        "alert budget",
        outcome,
        f"{n_alerted / n_rows:.3%} of the holdout is alerted (95% interval {low:.3%} to "
        f"{high:.3%}); the review "
        f"capacity is {alert_budget:.3%}, tolerated up to {tolerance:g} times that",
    )


def check_data(trained_on: Mapping[str, str], present: Mapping[str, str]) -> Criterion:
    """Whether the candidate was trained on the v0 that is here, and judged on the v1 that it names.

    Parameters
    ----------
    trained_on, present
        Content digests by version, ``v0`` and ``v1``.

    Examples
    --------
    >>> check_data({"v0": "a", "v1": "b"}, {"v0": "x", "v1": "b"}).evidence
    'the candidate names other data than those that are here: v0'
    """
    other = [name for name in ("v0", "v1") if trained_on.get(name) != present.get(name)]
    if other:
        return Criterion(
            "data",
            Verdict.FAIL,
            f"the candidate names other data than those that are here: {', '.join(other)}",
        )
    return Criterion(
        "data",
        Verdict.PASS,
        "the candidate was trained on this v0 and is judged on the sealed v1 it names",
    )


def check_cost(saving_eur: Estimate) -> Criterion:
    """Whether the candidate is cheaper than having no model at all.

    Parameters
    ----------
    saving_eur
        Cost without a model less cost with the candidate, paired on the same rows, in euros.

    Examples
    --------
    >>> check_cost(Estimate(100.0, -20.0, 220.0)).outcome
    'insufficient evidence'
    """
    outcome = Verdict.INSUFFICIENT
    if saving_eur.excludes(0.0):
        outcome = Verdict.PASS if saving_eur.value > 0 else Verdict.FAIL
    figures = (
        f"{saving_eur.value:,.0f} euros (95% interval {saving_eur.ci_low:,.0f} to "
        f"{saving_eur.ci_high:,.0f})"
    )
    return Criterion(
        "cost", outcome, f"against having no model the candidate saves {figures} on the holdout"
    )


def check_scan(findings: Sequence[str]) -> Criterion:
    """Whether the labels that the candidate was trained on look poisoned.

    Parameters
    ----------
    findings
        What the scan found, a sentence each; none when the labels look clean.

    Examples
    --------
    >>> check_scan(["120 payments called legitimate rank with known frauds"]).outcome
    'fail'
    """
    if findings:
        return Criterion(
            "poisoning scan",
            Verdict.FAIL,
            f"the training labels look poisoned: {'; '.join(findings)} ({LIMITS_FROM})",
        )
    return Criterion(
        "poisoning scan",
        Verdict.PASS,
        f"the scan of the training labels found no sign of poisoning ({LIMITS_FROM})",
    )


def check_champion(saving_eur: Estimate, *, null_band_eur: float) -> Criterion:
    """Whether the candidate is cheaper than the champion by more than the null band.

    Parameters
    ----------
    saving_eur
        Cost with the champion less cost with the candidate, paired on the same rows, in euros, with
        its 95% interval.
    null_band_eur
        How far the cost moves between equally good trainings (the null run of the poisoning study),
        in euros.

    Notes
    -----
    The lower end must clear the null band, so that an equally good candidate is promoted in at most
    2.5% of comparisons by the sampling of the day, and the seed variance of a fit is no merit.

    Examples
    --------
    >>> check_champion(Estimate(500.0, 100.0, 900.0), null_band_eur=300.0).outcome
    'insufficient evidence'
    """
    outcome = Verdict.INSUFFICIENT
    if saving_eur.ci_low > null_band_eur:
        outcome = Verdict.PASS
    elif saving_eur.ci_high < -null_band_eur:
        outcome = Verdict.FAIL
    figures = (
        f"{saving_eur.value:,.0f} euros (95% interval {saving_eur.ci_low:,.0f} to "
        f"{saving_eur.ci_high:,.0f})"
    )
    return Criterion(
        "champion",
        outcome,
        f"against the champion the candidate saves {figures}; equally good trainings differ by up "
        f"to {null_band_eur:,.0f}",
    )


def check_ranking(change: Estimate, *, null_band: float) -> Criterion:
    """Whether the candidate ranks no worse than the champion, but for the null band.

    Parameters
    ----------
    change
        Average precision of the candidate less that of the champion, paired on the same rows, with
        its 95% interval.
    null_band
        How far average precision moves between equally good trainings (the null run of the
        poisoning study).

    Examples
    --------
    >>> check_ranking(Estimate(-0.2, -0.25, -0.15), null_band=0.05).outcome
    'fail'
    """
    outcome = Verdict.INSUFFICIENT
    if change.ci_low > -null_band:
        outcome = Verdict.PASS
    elif change.ci_high < -null_band:
        outcome = Verdict.FAIL
    figures = f"{change.value:+.3f} (95% interval {change.ci_low:+.3f} to {change.ci_high:+.3f})"
    return Criterion(
        "champion's ranking",
        outcome,
        f"against the champion average precision changes by {figures}; equally good trainings "
        f"differ by {null_band:.3f}",
    )


def decide(*criteria: Criterion) -> GateDecision:
    """Promote when every required criterion passes; lack of evidence is no pass.

    Examples
    --------
    >>> decide(Criterion("a", "pass", ""), Criterion("b", "insufficient evidence", "")).promoted
    False
    """
    if not criteria:
        raise ValueError(
            "expected at least one criterion; a gate without questions would let everything through"
        )
    return GateDecision(all(c.outcome == Verdict.PASS for c in criteria if c.required), criteria)
