"""Headline figures of the drift study: the view of its table
that metrics.json holds, with the words that no number says.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fraud_core.drift.performance.comparison import verdict
from fraud_core.drift.replay import block_replay, daily_replay
from fraud_core.drift.replay.block_replay import Block
from fraud_core.drift.study import streams as daily
from fraud_core.drift.study.metrics import DECIDING
from fraud_core.drift.study.streams import StreamRun
from fraud_core.drift.two_sample.windows import WindowDrift
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.headline import Headline, headline_metrics
from fraud_core.evaluation.study_table import StudyTable

INDEX = "population_stability_index"
WINDOWS = {
    "features.compared": Headline("features_compared", kind=int),
    "features.material": Headline("features_material", kind=int),
    "features.significant": Headline("features_significant", kind=int),
    "domain.area": Headline("domain_area"),
    "reconstruction.error_change": Headline("reconstruction_error_change"),
    "aa.false_alarm_rate": Headline("false_alarm_rate"),
    "power.psi_010_n2000": Headline("power", "psi_010_n2000"),
    "night.whole_day": Headline("alarm_rate_against_whole_day", "night"),
    "night.same_hours": Headline("alarm_rate_against_same_hours", "night"),
    "day.whole_day": Headline("alarm_rate_against_whole_day", "day"),
    "day.same_hours": Headline("alarm_rate_against_same_hours", "day"),
}
PERFORMANCE = {
    "v0.average_precision": Headline(DECIDING, "v0"),
    "v1.average_precision": Headline(DECIDING, "v1"),
    "v1.average_precision_change": Headline(f"{DECIDING}_change", "v1"),
    "decomposition.log_loss.change": Headline("decomposition_log_loss_change"),
    "decomposition.log_loss.y_given_x_shift": Headline("decomposition_log_loss_y_given_x_shift"),
    "cbpe.estimated": Headline("cbpe_estimated", "v1"),
    "cbpe.realised": Headline("cbpe_realised", "v1"),
    "cbpe.estimated_frauds": Headline("cbpe_estimated_frauds", "v1"),
    "cbpe.realised_frauds": Headline("cbpe_realised_frauds", "v1", kind=int),
    "cbpe.average_precision_error": Headline("cbpe_average_precision_error", "v1"),
    "cbpe.new_pattern.average_precision_error": Headline(
        "cbpe_average_precision_error", "new_pattern"
    ),
}
ATTRIBUTION = {
    "attribution.accuracy": Headline("attribution_accuracy"),
    "attribution.with_cause.accuracy": Headline("attribution_accuracy", "with_cause"),
    "attribution.scenarios": Headline("attribution_scenarios", kind=int),
    "attribution.false_attack_rate": Headline("attribution_false_attack_rate"),
    "attribution.attacks_named": Headline("attribution_attacks_named"),
    "attribution.confidence_excess": Headline("attribution_confidence_excess"),
    "attribution.features_only.attacks_named": Headline(
        "attribution_attacks_named", model="features_only"
    ),
    "attribution.features_only_silent": Headline(
        "attribution_attacks_unseen", model="features_only"
    ),
} | {
    f"attribution.{group}.{name}": Headline(f"attribution_{name}", group)
    for group in ("strong_background", "other_day")
    for name in ("accuracy", "false_attack_rate")
}
STREAMS = {
    "seeds": Headline("seeds", kind=int),
    "days_watched": Headline("days_watched", kind=int),
    "payments": Headline("payments", kind=int),
    "fraud_share": Headline("fraud_share"),
    "plain.material_days": Headline("material_day_share", daily.PLAIN),
    "plain.attack_days": Headline("attack_day_share", daily.PLAIN),
} | {
    f"{stream}.{name}": Headline(name, stream)
    for stream in (daily.SUPPRESSED, "covariate")
    for name in ("until_named_eur", "after_extra_eur")
}
POLICIES = {
    f"replay.plain.{policy}.cost_eur": Headline("replay_cost_eur", "plain", policy)
    for policy in block_replay.POLICIES
} | {
    f"replay.stream.covariate.{policy}.after_eur": Headline("after_change_eur", "covariate", policy)
    for policy in daily_replay.POLICIES
}
NAMES = {
    **WINDOWS,
    **PERFORMANCE,
    **ATTRIBUTION,
    **{f"replay.stream.{name}": one for name, one in STREAMS.items()},
    **POLICIES,
}


def headline(table: StudyTable) -> dict[str, Any]:
    """The figures of metrics.json by name, and the feature that differs most.

    Parameters
    ----------
    table
        Of the study; a figure that it does not hold has no name.
    """
    most = max(table.where(metric=INDEX), key=lambda row: row.value)
    named = {"most.feature": most.group, f"most.{INDEX}": most.value}
    return headline_metrics(table, NAMES) | named


def words(
    window: WindowDrift,
    change: Mapping[str, Estimate],
    attacked: Sequence[Block],
    streams: Sequence[StreamRun],
    *,
    margin: float,
    attack_hour: float,
) -> dict[str, str]:
    """What the study says in words: of the window, of the
    change of performance, and of when changes were named.

    Parameters
    ----------
    margin
        Change of average precision that does not matter in practice.
    attack_hour
        Hour of the replay from which on fraud labels were suppressed.
    """
    return {
        "window.state": window.state,
        "v1.verdict": verdict(change[DECIDING], margin=margin),
        "replay.detected": block_replay.detection_words(attacked, attack_hour=attack_hour),
        "replay.stream.words": daily.detection_words(streams),
    }
