"""The figures of the drift study by name, as they are written."""

from collections.abc import Mapping
from typing import Any

from fraud_core.drift.performance.cbpe import LabelFree
from fraud_core.drift.performance.shift_decomposition import Decomposition
from fraud_core.drift.study.attribution import AttributionStudy
from fraud_core.drift.study.error_rates import Calibration
from fraud_core.drift.two_sample.windows import WindowDrift
from fraud_core.evaluation.bootstrap import Estimate

FEATURE_FIGURES = (
    "population_stability_index",
    "kolmogorov_smirnov",
    "jensen_shannon",
    "wasserstein",
    "state",
)
PARTS = ("change", "leaving", "conditional", "arriving")


def window_figures(window: WindowDrift) -> dict[str, Any]:
    """Each feature, the tests of the whole window
    where it is known, and counts over the features.
    """
    found = window.features
    most = max(found, key=lambda one: one.population_stability_index)
    whole = {"domain.area": window.domain, "reconstruction.error_change": window.reconstruction}
    return (
        {f"{one.feature}.{name}": getattr(one, name) for one in found for name in FEATURE_FIGURES}
        | {
            "window.state": window.state,
            "features.compared": len(found),
            "features.drifted": sum(one.state == "drifted" for one in found),
            "features.significant": sum(one.state in ("moved", "drifted") for one in found),
            "most.feature": most.feature,
            "most.population_stability_index": most.population_stability_index,
        }
        | {name: test.effect for name, test in whole.items() if test is not None}
    )


def calibration_figures(found: Calibration) -> dict[str, Estimate]:
    """False alarms, power, night and day."""
    return (
        {"aa.false_alarm_rate": found.false_alarm_rate}
        | {f"aa.{n}.false_alarm_rate": rate for n, rate in found.by_rows.items()}
        | {f"power.{name}": rate for name, rate in found.power.items()}
        | found.by_hours
    )


def performance_figures(
    before: Mapping[str, Estimate],
    after: Mapping[str, Estimate],
    change: Mapping[str, Estimate],
    parts: Mapping[str, Decomposition],
) -> dict[str, Any]:
    """One model on both windows, the change, and the parts of a change of loss."""
    return (
        {f"v0.{name}": value for name, value in before.items()}
        | {f"v1.{name}": value for name, value in after.items()}
        | {f"v1.{name}_change": value for name, value in change.items()}
        | {
            f"decomposition.{loss}.{part}": getattr(found, part)
            for loss, found in parts.items()
            for part in PARTS
        }
        | {f"decomposition.{loss}.shared_rows": found.shared_rows for loss, found in parts.items()}
    )


def label_free_figures(on_v1: LabelFree, on_v0: LabelFree, broken: LabelFree) -> dict[str, Any]:
    """Estimate and truth on v1, and the errors of all three."""
    return {
        f"cbpe.{name}": getattr(on_v1, name)
        for name in ("estimate", "truth", "expected_frauds", "frauds")
    } | {
        "cbpe.average_precision_error": on_v1.error,
        "cbpe.v0.average_precision_error": on_v0.error,
        "cbpe.new_pattern.average_precision_error": broken.error,
    }


def attribution_figures(found: AttributionStudy) -> dict[str, Any]:
    """Accuracy and false attacks where it was judged, what
    features alone could say, and the confusion matrix.
    """
    held_out, decided = found.held_out, found.held_out.reliability
    n_decided = max(1, sum(n for *_, n in decided))
    cells = {
        (cause, judged): n for cause, row in held_out.confusion.items() for judged, n in row.items()
    }
    elsewhere = {"strong_background": found.strong, "other_day": found.other_day}
    return (
        {
            "attribution.accuracy": held_out.accuracy,
            "attribution.with_cause.accuracy": held_out.with_cause,
            "attribution.false_attack_rate": held_out.false_attack_rate,
            "attribution.attacks_named": held_out.attacks,
            "attribution.features_only.attacks_named": found.features_only.attacks,
            "attribution.features_only.accuracy": found.features_only.accuracy,
            "attribution.features_only_silent": found.silent,
            "attribution.scenarios": sum(cells.values()),
            "attribution.confidence_error": sum(n * abs(c - r) for c, r, n in decided) / n_decided,
            "attribution.confidence_excess": sum(n * (c - r) for c, r, n in decided) / n_decided,
        }
        | {f"attribution.{name}.accuracy": judged.accuracy for name, judged in elsewhere.items()}
        | {
            f"attribution.{name}.false_attack_rate": judged.false_attack_rate
            for name, judged in elsewhere.items()
        }
        | {
            f"attribution.confusion.{cause}.{judged}": n
            for (cause, judged), n in cells.items()
            if n
        }
    )
