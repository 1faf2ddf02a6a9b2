"""The figures of the drift study as rows of its table: by
feature, window, cause, stream and way of retraining.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from fraud_core.drift.attribution.attributor import INCONCLUSIVE
from fraud_core.drift.performance.cbpe import LabelFree
from fraud_core.drift.performance.comparison import WORDS, verdict
from fraud_core.drift.performance.shift_decomposition import Decomposition
from fraud_core.drift.study.attribution import AttributionStudy, Judged
from fraud_core.drift.study.error_rates import Calibration
from fraud_core.drift.two_sample.binned import State
from fraud_core.drift.two_sample.windows import WindowDrift
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.evaluation.verdicts import Verdict

STUDY, SIMULATED = "drift", "simulated"
# What the state of a feature says of the question whether it stayed below the practical limit.
STATES: Mapping[State, Verdict] = {
    "stable": Verdict.PASS,
    "moved": Verdict.PASS,
    "drifted": Verdict.FAIL,
    "unknown": Verdict.INSUFFICIENT,
}
DISTANCES = ("kolmogorov_smirnov", "jensen_shannon", "wasserstein", "p_value")
PARTS = ("change", "leaving", "conditional", "arriving")
JUDGED = "average_precision"


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
    found = window.features
    for one in found:
        yield Measurement(
            "population_stability_index",
            one.population_stability_index,
            one.ci_low,
            one.ci_high,
            group=one.feature,
            verdict=STATES[one.state],
        )
        for name in DISTANCES:
            value = getattr(one, name)
            if np.isfinite(value):
                yield Measurement(name, value, group=one.feature)
    yield Measurement("features_compared", len(found))
    yield Measurement("features_drifted", sum(one.state == "drifted" for one in found))
    significant = sum(one.state in ("moved", "drifted") for one in found)
    yield Measurement("features_significant", significant)
    whole = {"domain_area": window.domain, "reconstruction_error_change": window.reconstruction}
    for name, test in whole.items():
        if test is not None:
            yield Measurement.of(name, test.effect)


def calibration_rows(found: Calibration) -> Iterator[Measurement]:
    """False alarms over all windows and by their rows, power by change, night and day."""
    yield Measurement.of("false_alarm_rate", found.false_alarm_rate)
    for n_rows, rate in found.by_rows.items():
        yield Measurement.of("false_alarm_rate", rate, group=f"{n_rows} rows")
    for change, rate in found.power.items():
        yield Measurement.of("power", rate, group=change)
    for (hours, reference), rate in found.by_hours.items():
        yield Measurement.of(f"alarm_rate_against_{reference}", rate, group=hours)


def performance_rows(
    before: Mapping[str, Estimate],
    after: Mapping[str, Estimate],
    change: Mapping[str, Estimate],
    parts: Mapping[str, Decomposition],
    *,
    limit: float,
) -> Iterator[Measurement]:
    """One model on both windows, the change with its verdict, and the parts of a change of loss.

    Parameters
    ----------
    limit
        Change of average precision that does not matter in practice.
    """
    for version, figures in (("v0", before), ("v1", after)):
        for name, value in figures.items():
            yield Measurement.of(name, value, group=version)
    for name, value in change.items():
        judged = WORDS[verdict(value, limit=limit)] if name == JUDGED else None
        yield Measurement.of(f"{name}_change", value, group="v1", verdict=judged)
    for loss, found in parts.items():
        for part in PARTS:
            yield Measurement.of(f"decomposition_{loss}_{part}", getattr(found, part))
        yield Measurement(f"decomposition_{loss}_shared_rows", found.shared_rows)


def label_free_rows(on_v1: LabelFree, on_v0: LabelFree, broken: LabelFree) -> Iterator[Measurement]:
    """Estimate and truth on v1, and the errors of all three."""
    for name in ("estimate", "truth", "expected_frauds", "frauds"):
        yield Measurement.of(f"cbpe_{name}", getattr(on_v1, name), group="v1")
    for group, found in (("v1", on_v1), ("v0", on_v0), ("new_pattern", broken)):
        yield Measurement.of("cbpe_average_precision_error", found.error, group=group)


def attribution_rows(found: AttributionStudy) -> Iterator[Measurement]:
    """Accuracy and false attacks where it was judged, what
    features alone could say, and the confusion matrix.
    """
    held_out, blind = found.held_out, {"model": "features_only"}
    yield from _judged(held_out)
    yield Measurement.of("attribution_accuracy", found.features_only.accuracy, **blind)
    yield Measurement.of("attribution_attacks_named", found.features_only.attacks, **blind)
    yield Measurement.of("attribution_attacks_unseen", found.silent, **blind)
    for group, judged in (("strong_background", found.strong), ("other_day", found.other_day)):
        yield Measurement.of("attribution_accuracy", judged.accuracy, group=group)
        yield Measurement.of("attribution_false_attack_rate", judged.false_attack_rate, group=group)
    for cause, verdicts in held_out.confusion.items():
        for named, count in verdicts.items():
            if count:
                name = named if named == INCONCLUSIVE else f"called_{named}"
                yield Measurement(f"attribution_{name}", count, group=cause)


def _judged(held_out: Judged) -> Iterator[Measurement]:
    """What the attribution did on strengths that it has not
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
