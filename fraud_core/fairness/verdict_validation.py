"""Validation of the audit's verdicts: draws whose disparity is known,
by size, and simulated streams whose bias is known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import norm

from fraud_core.data.simulator import CUSTOMER, SCENARIOS, StreamSettings, simulate_stream
from fraud_core.evaluation.bootstrap import proportion_ci
from fraud_core.evaluation.study_table import Measurement
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.fairness.audit import audit_difference, minimum_group_size
from fraud_core.fairness.disparity import Disparity
from fraud_core.features.offline import DAY_SECONDS, add_features
from fraud_core.model.estimators import EstimatorConfig

COMPROMISED = SCENARIOS[CUSTOMER]
EVEN, BIASED = "even", "biased"
SURE = 0.98  # a verdict is demanded where it comes this often in theory
FEATURES = (
    "amount_eur",
    "customer_count_7d",
    "customer_mean_amount_30d",
    "seconds_since_last",
    "terminal_count_7d",
    "terminal_risk_30d",
    "night",
)


@dataclass(frozen=True)
class ValidationRun:
    """Verdicts over draws of one disparity and size.

    Attributes
    ----------
    size
        Frauds of each of the two groups.
    expected
        The verdict that must be given, None where the size allows a verdict now and then only.
    """

    disparity: float
    size: int
    expected: Verdict | None
    verdicts: tuple[Verdict, ...]
    covered: int

    @property
    def right(self) -> int:
        """Number of draws with the expected verdict."""
        return sum(verdict == self.expected for verdict in self.verdicts)


def validate_verdicts(
    *,
    disparities: Sequence[float],
    sizes: Sequence[int],
    n_draws: int,
    recall: float,
    tolerance: float,
    detectable_disparity: float,
    rng: np.random.Generator,
) -> list[ValidationRun]:
    """Audit draws of two groups whose recalls differ by a known disparity.

    Parameters
    ----------
    disparities
        Injected differences of recall, 0 or above `tolerance`.
    sizes
        Frauds of each group.
    recall
        Of the better group.
    tolerance, detectable_disparity
        Largest tolerable difference; the one from which the minimum group size follows.

    Examples
    --------
    >>> runs = validate_verdicts(
    ...     disparities=[0.3], sizes=[2000], n_draws=5, recall=0.8,
    ...     tolerance=0.05, detectable_disparity=0.1, rng=np.random.default_rng(0),
    ... )  # fmt: skip
    >>> runs[0].expected, runs[0].right
    ('fail', 5)
    """
    minimum_size = minimum_group_size(detectable_disparity, base_rate=recall)
    audited: dict[str, Any] = {"tolerance": tolerance, "minimum_size": minimum_size}
    runs = []
    for disparity in disparities:
        for size in sizes:
            group, everyone = np.repeat(["a", "b"], size), np.ones(2 * size, dtype=bool)
            chance = np.repeat([recall, recall - disparity], size)
            draws = [rng.random(2 * size) < chance for _ in range(n_draws)]
            audits = [audit_difference(caught, everyone, group, **audited) for caught in draws]
            expected = expected_verdict(disparity, size, recall=recall, **audited)
            covered = sum(audit.ci_low <= disparity <= audit.ci_high for audit in audits)
            verdicts = tuple(audit.verdict for audit in audits)
            runs.append(ValidationRun(disparity, size, expected, verdicts, covered))
    return runs


def expected_verdict(
    disparity: float, size: int, *, recall: float, tolerance: float, minimum_size: int
) -> Verdict | None:
    """The verdict that a size must lead to: none below the
    minimum, the true one where it comes nearly always.

    Examples
    --------
    >>> expected_verdict(0.1, 60, recall=0.8, tolerance=0.05, minimum_size=293)
    'insufficient evidence'
    """
    if size < minimum_size:
        return Verdict.INSUFFICIENT
    low = recall - disparity
    error = np.sqrt((recall * (1 - recall) + low * (1 - low)) / size)
    quantile = norm.ppf(0.975)
    if disparity > tolerance:
        return (
            Verdict.FAIL if norm.cdf((disparity - tolerance) / error - quantile) >= SURE else None
        )
    return (
        Verdict.PASS
        if 2 * norm.cdf((tolerance - disparity) / error - quantile) - 1 >= SURE
        else None
    )


def validation_measurements(runs: Sequence[ValidationRun]) -> Iterator[Measurement]:
    """Share of right verdicts where one is demanded, of
    fails at parity, and of intervals that hold the disparity.
    """
    demanded = [run for run in runs if run.expected is not None]
    even = [run for run in runs if run.disparity == 0]
    draws = [verdict for run in even for verdict in run.verdicts]
    n_demanded = sum(len(run.verdicts) for run in demanded)
    n_draws = sum(len(run.verdicts) for run in runs)
    shares = {
        "verdict_accuracy": proportion_ci(sum(run.right for run in demanded), n_demanded),
        "false_fail_rate": proportion_ci(draws.count(Verdict.FAIL), len(draws)),
        "disparity_coverage": proportion_ci(sum(run.covered for run in runs), n_draws),
    }
    for metric, figure in shares.items():
        yield Measurement.of(metric, figure)


@dataclass(frozen=True)
class StreamAudit:
    """The audit of simulated streams of one bias.

    Attributes
    ----------
    difference
        In recall of frauds on compromised customers, between the groups.
    injected_difference
        What the bias cost of the recall of group ``b``: recall of the same frauds by the same model
        at the same threshold, were they not made to look like genuine payments, less the recall
        that they have; 0 without a bias.
    """

    difference: Disparity
    injected_difference: float


def stream_measurements(even: StreamAudit, biased: StreamAudit) -> Iterator[Measurement]:
    """Difference with its verdict and the one that the bias made, without and with the bias."""
    for group, audit in ((EVEN, even), (BIASED, biased)):
        difference = audit.difference
        if np.isfinite(difference.value):
            yield Measurement.of(
                "recall_difference", difference, group=group, verdict=difference.verdict
            )
            yield Measurement("injected_recall_difference", audit.injected_difference, group=group)


def stream_rows(bias: float, even: StreamAudit, biased: StreamAudit) -> list[dict[str, Any]]:
    """The audits without and with the bias, for a table of the report."""
    return [
        {
            "injected bias": given,
            "recall it cost": audit.injected_difference,
            "difference": f"{audit.difference.value:.3f}",
            "interval": f"{audit.difference.ci_low:.3f} to {audit.difference.ci_high:.3f}",
            "verdict": audit.difference.verdict,
            "reason": audit.difference.reason,
        }
        for given, audit in ((0.0, even), (bias, biased))
    ]


def validation_rows(runs: Sequence[ValidationRun]) -> list[dict[str, Any]]:
    """A row for each disparity and size, for a table of the report."""
    return [
        {
            "injected disparity": run.disparity,
            "frauds of each group": run.size,
            "demanded": run.expected or "none",
        }
        | {name: run.verdicts.count(name) for name in ("pass", "fail", "insufficient evidence")}
        for run in runs
    ]


def audit_streams(
    settings: Mapping[str, Any],
    bias: float,
    *,
    n_streams: int,
    estimator: EstimatorConfig,
    tolerance: float,
    alert_share: float,
    detectable_disparity: float,
    seed: int,
) -> StreamAudit:
    """The disparity in recall of frauds on compromised customers
    between the groups of simulated streams, audited together.

    Parameters
    ----------
    settings
        Of `StreamSettings`, without the bias.
    bias
        As there: 0 leaves the groups alike.
    n_streams
        Streams of seeds `seed` and following, each with its own customers and model; one of them
        has so few compromised customers that chance makes one group's frauds easier than the
        other's.
    alert_share
        Share of the payments of the later half that is alerted.

    Notes
    -----
    The estimator learns the first half of the days with every label and never sees the group.
    Frauds on one customer are alike, so the audit takes their effective sample size.
    """
    decided = [
        _decide_stream(settings, bias, estimator=estimator, alert_share=alert_share, seed=seed + k)
        for k in range(n_streams)
    ]
    caught, group, customer = (
        np.concatenate([getattr(stream, name) for stream in decided])
        for name in ("caught", "group", "customer")
    )
    whose = (
        np.repeat(np.arange(n_streams), [len(stream.caught) for stream in decided])
        * settings["n_customers"]
        + customer
    )
    difference = audit_difference(
        caught,
        np.ones(len(caught), bool),
        group,
        whose,
        tolerance=tolerance,
        minimum_size=minimum_group_size(detectable_disparity),
    )
    in_b = group == "b"
    unbiased = np.concatenate([stream.caught_unbiased for stream in decided])
    hurt = bias > 0 and in_b.any()
    injected = float(np.mean(unbiased[in_b]) - np.mean(caught[in_b])) if hurt else 0.0
    return StreamAudit(difference, injected)


@dataclass(frozen=True)
class _Decided:
    """Alerts on the later frauds on compromised customers
    of one stream, and what they were without the bias.
    """

    caught: np.ndarray
    caught_unbiased: np.ndarray
    group: np.ndarray
    customer: np.ndarray


def _decide_stream(
    settings: Mapping[str, Any],
    bias: float,
    *,
    estimator: EstimatorConfig,
    alert_share: float,
    seed: int,
) -> _Decided:
    stream = _simulated(settings, bias, seed)
    late, y_true = (
        (stream["time"] >= settings["n_days"] // 2 * DAY_SECONDS).to_numpy(),
        stream["label"].to_numpy(),
    )
    features = _features_of(stream)
    fitted = estimator.fit(features[~late], y_true[~late])
    log_odds = fitted.decision_function(features[late])
    threshold = np.quantile(log_odds, 1 - alert_share)
    compromised = (stream["scenario"] == COMPROMISED).to_numpy()[late]
    caught = (log_odds >= threshold)[compromised]
    unbiased = caught
    if bias > 0:
        # the same seed gives the same payments without the bias, but for these amounts
        even = _features_of(_simulated(settings, 0.0, seed))[late][compromised]
        unbiased = fitted.decision_function(even) >= threshold
    group, customer = (
        stream[name].to_numpy()[late][compromised] for name in ("group", "customer_id")
    )
    return _Decided(caught, unbiased, group, customer)


def _simulated(settings: Mapping[str, Any], bias: float, seed: int) -> pl.DataFrame:
    return add_features(simulate_stream(StreamSettings(**settings, bias=bias), seed=seed))


def _features_of(stream: pl.DataFrame) -> np.ndarray:
    return stream.select(pl.col(FEATURES).cast(pl.Float32).fill_null(float("nan"))).to_numpy()
