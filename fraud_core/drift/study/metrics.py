"""The figures of the drift study as rows of its table: by
feature, window, cause, stream and way of retraining.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from fraud_core.drift.attribution.attributor import INCONCLUSIVE
from fraud_core.drift.performance.cbpe import CbpeResult
from fraud_core.drift.performance.comparison import WORDS, verdict
from fraud_core.drift.performance.shift_decomposition import Decomposition
from fraud_core.drift.study.attribution import AttributionScores, AttributionStudy
from fraud_core.drift.study.error_rates import Calibration
from fraud_core.drift.two_sample.binned import State
from fraud_core.drift.two_sample.windows import WindowDrift
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.evaluation.verdicts import Verdict

STUDY, SIMULATED = "drift", "simulated"
# Whether a feature stayed below the practical-significance threshold, by its state.
STATES: Mapping[State, Verdict] = {
    "stable": Verdict.PASS,
    "significant": Verdict.PASS,
    "material": Verdict.FAIL,
    "insufficient_data": Verdict.INSUFFICIENT,
}
PARTS = ("change", "x_shift_reference", "y_given_x_shift", "x_shift_current")
DECIDING = "average_precision"


def drift_table(
    rows: Iterable[Measurement], streams: Iterable[Measurement], *, table: str
) -> StudyTable:
    """The figures of the study.

    Parameters
    ----------
    rows, streams
        Of the two versions, and of the simulated streams.
    table
        Name of the data of the two versions.

    Examples
    --------
    >>> drift_table([], [Measurement("payments", 9)], table="ulb").only("payments").value
    9.0
    """
    return StudyTable.joined(
        StudyTable.from_measurements(rows, table=table, study=STUDY),
        StudyTable.from_measurements(streams, table=SIMULATED, study=STUDY),
    )


def window_rows(window: WindowDrift) -> Iterator[Measurement]:
    """Each feature with its verdict, the tests of the whole
    window where it is known, and counts over the features.
    """
    drifts = window.features
    for drift in drifts:
        yield Measurement(
            "population_stability_index",
            drift.population_stability_index,
            drift.ci_low,
            drift.ci_high,
            group=drift.feature,
            verdict=STATES[drift.state],
        )
        for name, value in (*drift.distances.items(), ("p_value", drift.p_value)):
            if np.isfinite(value):
                yield Measurement(name, value, group=drift.feature)
    yield Measurement("features_compared", len(drifts))
    yield Measurement("features_material", sum(drift.state == "material" for drift in drifts))
    significant = sum(drift.state in ("significant", "material") for drift in drifts)
    yield Measurement("features_significant", significant)
    whole = {"domain_area": window.domain, "reconstruction_error_change": window.reconstruction}
    for name, test in whole.items():
        if test is not None:
            yield Measurement.of(name, test.effect)


def calibration_rows(rates: Calibration) -> Iterator[Measurement]:
    """False alarms over all windows and by their rows, power by change, night and day."""
    yield Measurement.of("false_alarm_rate", rates.false_alarm_rate)
    for n_rows, rate in rates.by_rows.items():
        yield Measurement.of("false_alarm_rate", rate, group=f"{n_rows} rows")
    for change, rate in rates.power.items():
        yield Measurement.of("power", rate, group=change)
    for (hours, reference), rate in rates.by_hours.items():
        yield Measurement.of(f"alarm_rate_against_{reference}", rate, group=hours)


def performance_rows(
    before: Mapping[str, Estimate],
    after: Mapping[str, Estimate],
    change: Mapping[str, Estimate],
    parts: Mapping[str, Decomposition],
    *,
    margin: float,
) -> Iterator[Measurement]:
    """One model on both windows, the change with its verdict, and the parts of a change of loss.

    Parameters
    ----------
    margin
        Change of average precision that does not matter in practice.
    """
    for version, figures in (("v0", before), ("v1", after)):
        for name, value in figures.items():
            yield Measurement.of(name, value, group=version)
    for name, value in change.items():
        outcome = WORDS[verdict(value, margin=margin)] if name == DECIDING else None
        yield Measurement.of(f"{name}_change", value, group="v1", verdict=outcome)
    for loss, decomposition in parts.items():
        for part in PARTS:
            yield Measurement.of(f"decomposition_{loss}_{part}", getattr(decomposition, part))
        yield Measurement(f"decomposition_{loss}_overlap_rows", decomposition.overlap_rows)


def cbpe_rows(on_v1: CbpeResult, on_v0: CbpeResult, broken: CbpeResult) -> Iterator[Measurement]:
    """Estimated and realised performance on v1, and the errors of all three."""
    for name in ("estimated", "realised", "estimated_frauds", "realised_frauds"):
        yield Measurement.of(f"cbpe_{name}", getattr(on_v1, name), group="v1")
    for group, result in (("v1", on_v1), ("v0", on_v0), ("new_pattern", broken)):
        yield Measurement.of("cbpe_average_precision_error", result.error, group=group)


def attribution_rows(attribution: AttributionStudy) -> Iterator[Measurement]:
    """Accuracy and false attacks where it was scores, what
    features alone could say, and the confusion matrix.
    """
    held_out, blind = attribution.held_out, {"model": "features_only"}
    yield from _held_out_rows(held_out)
    yield Measurement.of("attribution_accuracy", attribution.features_only.accuracy, **blind)
    yield Measurement.of("attribution_attacks_named", attribution.features_only.attacks, **blind)
    yield Measurement.of("attribution_attacks_unseen", attribution.silent, **blind)
    for group, scores in (
        ("strong_background", attribution.strong),
        ("other_day", attribution.other_day),
    ):
        yield Measurement.of("attribution_accuracy", scores.accuracy, group=group)
        yield Measurement.of("attribution_false_attack_rate", scores.false_attack_rate, group=group)
    for cause, verdicts in held_out.confusion.items():
        for named, count in verdicts.items():
            if count:
                name = named if named == INCONCLUSIVE else f"called_{named}"
                yield Measurement(f"attribution_{name}", count, group=cause)


def _held_out_rows(held_out: AttributionScores) -> Iterator[Measurement]:
    """What the attribution did on severities that it has not
    seen, and how its confidence compares with being right.
    """
    decided = held_out.reliability
    n_decided = max(1, sum(n for *_, n in decided))
    error = sum(n * abs(c - r) for c, r, n in decided) / n_decided
    excess = sum(n * (c - r) for c, r, n in decided) / n_decided
    n_scenarios = sum(sum(row.values()) for row in held_out.confusion.values())
    yield Measurement("attribution_scenarios", n_scenarios)
    yield Measurement.of("attribution_accuracy", held_out.accuracy)
    yield Measurement.of("attribution_accuracy", held_out.with_cause, group="with_cause")
    yield Measurement.of("attribution_false_attack_rate", held_out.false_attack_rate)
    yield Measurement.of("attribution_attacks_named", held_out.attacks)
    yield Measurement("attribution_confidence_error", error)
    yield Measurement("attribution_confidence_excess", excess)
