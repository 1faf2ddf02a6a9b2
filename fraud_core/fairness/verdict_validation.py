"""Is the audit's verdict right? Draws whose gap is known,
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
from fraud_core.fairness.audit import audit_difference, minimum_count
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
class TrialCell:
    """Verdicts over draws of one gap and size.

    Attributes
    ----------
    size
        Frauds of each of the two groups.
    expected
        The verdict that must be given, None where the size allows a verdict now and then only.
    """

    gap: float
    size: int
    expected: Verdict | None
    verdicts: tuple[Verdict, ...]
    covered: int

    @property
    def right(self) -> int:
        """Number of draws with the expected verdict."""
        return sum(verdict == self.expected for verdict in self.verdicts)


def try_verdicts(
    *,
    gaps: Sequence[float],
    sizes: Sequence[int],
    n_draws: int,
    recall: float,
    limit: float,
    detectable_gap: float,
    rng: np.random.Generator,
) -> list[TrialCell]:
    """Audit draws of two groups whose recalls differ by a known gap.

    Parameters
    ----------
    gaps
        Injected differences of recall, 0 or above `limit`.
    sizes
        Frauds of each group.
    recall
        Of the better group.
    limit, detectable_gap
        Largest tolerable difference; gap from which the minimum count follows.

    Examples
    --------
    >>> cells = try_verdicts(
    ...     gaps=[0.3],
    ...     sizes=[2000],
    ...     n_draws=5,
    ...     recall=0.8,
    ...     limit=0.05,
    ...     detectable_gap=0.1,
    ...     rng=np.random.default_rng(0),
    ... )
    >>> cells[0].expected, cells[0].right
    ('fail', 5)
    """
    minimum = minimum_count(detectable_gap, base_rate=recall)
    cells = []
    for gap in gaps:
        for size in sizes:
            group = np.repeat(["a", "b"], size)
            audits = []
            for _ in range(n_draws):
                caught = rng.random(2 * size) < np.repeat([recall, recall - gap], size)
                everyone = np.ones(2 * size, dtype=bool)
                audits.append(
                    audit_difference(caught, everyone, group, limit=limit, minimum=minimum)
                )
            expected = expected_verdict(gap, size, recall=recall, limit=limit, minimum=minimum)
            covered = sum(audit.ci_low <= gap <= audit.ci_high for audit in audits)
            cells.append(
                TrialCell(gap, size, expected, tuple(audit.verdict for audit in audits), covered)
            )
    return cells


def expected_verdict(
    gap: float, size: int, *, recall: float, limit: float, minimum: int
) -> Verdict | None:
    """The verdict that a size must lead to: none below the
    minimum, the true one where it comes nearly always.

    Examples
    --------
    >>> expected_verdict(0.1, 60, recall=0.8, limit=0.05, minimum=293)
    'insufficient evidence'
    """
    if size < minimum:
        return Verdict.INSUFFICIENT
    low = recall - gap
    error = np.sqrt((recall * (1 - recall) + low * (1 - low)) / size)
    quantile = norm.ppf(0.975)
    if gap > limit:
        return Verdict.FAIL if norm.cdf((gap - limit) / error - quantile) >= SURE else None
    return Verdict.PASS if 2 * norm.cdf((limit - gap) / error - quantile) - 1 >= SURE else None


def trial_measurements(cells: Sequence[TrialCell]) -> Iterator[Measurement]:
    """Share of right verdicts where one is demanded, of
    fails without a gap, and of intervals that hold the gap.
    """
    demanded = [cell for cell in cells if cell.expected is not None]
    even = [cell for cell in cells if cell.gap == 0]
    draws = [verdict for cell in even for verdict in cell.verdicts]
    n_demanded = sum(len(cell.verdicts) for cell in demanded)
    n_draws = sum(len(cell.verdicts) for cell in cells)
    shares = {
        "verdict_accuracy": proportion_ci(sum(cell.right for cell in demanded), n_demanded),
        "false_fail_rate": proportion_ci(draws.count(Verdict.FAIL), len(draws)),
        "gap_coverage": proportion_ci(sum(cell.covered for cell in cells), n_draws),
    }
    for metric, figure in shares.items():
        yield Measurement.of(metric, figure)


@dataclass(frozen=True)
class StreamFound:
    """The audit of simulated streams of one bias.

    Attributes
    ----------
    difference
        In recall of frauds on compromised customers, between the groups.
    injected
        What the bias took of the recall of group ``b``: recall of the same frauds by the same model
        at the same threshold, were they not made to look like genuine payments, less the recall
        that they have; 0 without a bias.
    """

    difference: Disparity
    injected: float


def stream_measurements(even: StreamFound, biased: StreamFound) -> Iterator[Measurement]:
    """Difference with its verdict and the gap that the bias made, without and with the bias."""
    for group, audit in ((EVEN, even), (BIASED, biased)):
        difference = audit.difference
        if np.isfinite(difference.value):
            yield Measurement.of(
                "recall_difference", difference, group=group, verdict=difference.verdict
            )
            yield Measurement("recall_taken", audit.injected, group=group)


def stream_rows(bias: float, even: StreamFound, biased: StreamFound) -> list[dict[str, Any]]:
    """The audits without and with the bias, for a table of the report."""
    return [
        {
            "injected bias": given,
            "recall it took": audit.injected,
            "difference": f"{audit.difference.value:.3f}",
            "interval": f"{audit.difference.ci_low:.3f} to {audit.difference.ci_high:.3f}",
            "verdict": audit.difference.verdict,
            "reason": audit.difference.reason,
        }
        for given, audit in ((0.0, even), (bias, biased))
    ]


def trial_rows(cells: Sequence[TrialCell]) -> list[dict[str, Any]]:
    """A row for each cell, for a table of the report."""
    return [
        {
            "injected gap": cell.gap,
            "frauds of each group": cell.size,
            "demanded": cell.expected or "none",
        }
        | {name: cell.verdicts.count(name) for name in ("pass", "fail", "insufficient evidence")}
        for cell in cells
    ]


def audit_streams(
    settings: Mapping[str, Any],
    bias: float,
    *,
    n_streams: int,
    estimator: EstimatorConfig,
    limit: float,
    alert_share: float,
    detectable_gap: float,
    seed: int,
) -> StreamFound:
    """The gap in recall of frauds on compromised customers
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
    Frauds on one customer are alike, so the audit counts what they are worth.
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
        limit=limit,
        minimum=minimum_count(detectable_gap),
    )
    in_b = group == "b"
    unhurt = np.concatenate([stream.caught_unhurt for stream in decided])
    taken = float(np.mean(unhurt[in_b]) - np.mean(caught[in_b])) if bias > 0 and in_b.any() else 0.0
    return StreamFound(difference, taken)


@dataclass(frozen=True)
class _Decided:
    """Alerts on the later frauds on compromised customers
    of one stream, and what they were without the bias.
    """

    caught: np.ndarray
    caught_unhurt: np.ndarray
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
    unhurt = caught
    if bias > 0:
        # the same seed gives the same payments without the bias, but for these amounts
        even = _features_of(_simulated(settings, 0.0, seed))[late][compromised]
        unhurt = fitted.decision_function(even) >= threshold
    group, customer = (
        stream[name].to_numpy()[late][compromised] for name in ("group", "customer_id")
    )
    return _Decided(caught, unhurt, group, customer)


def _simulated(settings: Mapping[str, Any], bias: float, seed: int) -> pl.DataFrame:
    return add_features(simulate_stream(StreamSettings(**settings, bias=bias), seed=seed))


def _features_of(stream: pl.DataFrame) -> np.ndarray:
    return stream.select(pl.col(FEATURES).cast(pl.Float32).fill_null(float("nan"))).to_numpy()
