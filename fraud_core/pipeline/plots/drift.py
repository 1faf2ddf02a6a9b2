"""Drawings of the drift study."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fraud_core.drift.performance.shift_decomposition import Decomposition
from fraud_core.drift.replay.block_replay import Block
from fraud_core.drift.replay.daily_replay import Day
from fraud_core.drift.two_sample.registry import STATISTICS
from fraud_core.drift.two_sample.univariate import FeatureDrift
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.metrics import precision_recall_steps
from fraud_core.pipeline.plots.style import COLORS, GREY, STYLE, axes_of, intervals, say


def feature_drift(drifts: Sequence[FeatureDrift], psi_threshold: float) -> Figure:
    """The stability index of each feature, the largest first, with its practical threshold."""
    ordered = sorted(drifts, key=lambda drift: drift.population_stability_index)
    drawing, axes = axes_of(6.4, 1.0 + 0.2 * len(ordered))
    colors = [COLORS[1] if drift.state == "material" else COLORS[0] for drift in ordered]
    axes.barh(
        range(len(ordered)), [drift.population_stability_index for drift in ordered], color=colors
    )
    axes.axvline(psi_threshold, color="black", linewidth=1, linestyle="--")
    axes.text(psi_threshold, 0, " practical-significance threshold", va="center")
    axes.set_yticks(range(len(ordered)), [drift.feature for drift in ordered], fontsize=8)
    axes.set(xlabel="population stability index, v0 to v1", ylim=(-0.7, len(ordered) - 0.3))
    axes.grid(axis="y", visible=False)
    return drawing


def false_alarms(by_rows: Mapping[int, Estimate], alpha: float) -> Figure:
    """Share of unchanged windows that alarm, by the rows of a window, with the budget."""
    drawing, axes = axes_of(5.6, 3.2)
    for n_rows, rate in by_rows.items():
        axes.plot([n_rows, n_rows], [rate.ci_low, rate.ci_high], color=COLORS[0])
        axes.plot(n_rows, rate.value, "o", color=COLORS[0])
    axes.axhline(alpha, color="black", linewidth=1, linestyle="--", label="budget")
    axes.set(xscale="log", xlabel="rows of a window", ylabel="share that alarms, 95% interval")
    axes.set_xticks(list(by_rows), [f"{n:,}" for n in by_rows])
    axes.minorticks_off()
    axes.set_ylim(0, max(0.12, axes.get_ylim()[1]))
    axes.legend(loc="upper right")
    return drawing


def window_curves(windows: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Precision against recall of one model on several windows, each given as labels and scores."""
    drawing, axes = axes_of(5.2, 4.2)
    for color, (name, (y_true, y_score)) in zip(COLORS, windows.items(), strict=False):
        recall, precision, _ = precision_recall_steps(y_true, y_score)
        step = np.flatnonzero(np.diff(recall, prepend=-1.0) > 0)
        axes.step(recall[step], precision[step], where="post", color=color, label=name)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="lower left")
    return drawing


def decomposition(parts: Decomposition) -> Figure:
    """The change of a mean loss and its three parts, each with its interval."""
    rows = {
        "change": parts.change,
        "X-shift, v0 to overlap": parts.x_shift_reference,
        "Y|X-shift": parts.y_given_x_shift,
        "X-shift, overlap to v1": parts.x_shift_current,
    }
    drawing = intervals(rows, "change of mean log loss, v0 to v1")
    drawing.axes[0].axvline(0.0, color=GREY, linestyle=":")
    return drawing


def feature_rows(drifts: Sequence[FeatureDrift], n_shown: int) -> list[dict[str, Any]]:
    """Rows of a table: the features that differ most."""
    ordered = sorted(drifts, key=lambda drift: -drift.population_stability_index)
    return [
        {
            "feature": drift.feature,
            "stability index": drift.population_stability_index,
            "low": drift.ci_low,
            "high": drift.ci_high,
        }
        | {statistic.label: drift.distances[statistic.name] for statistic in STATISTICS}
        | {"state": drift.state}
        for drift in ordered[:n_shown]
    ]


def confusion(counts: Mapping[str, Mapping[str, int]]) -> Figure:
    """Verdicts (columns) for each true cause (rows),
    counts over a shade of the share of the row.
    """
    table = np.array([list(row.values()) for row in counts.values()], dtype=float)
    share = table / np.maximum(1, table.sum(axis=1, keepdims=True))
    with plt.rc_context({**STYLE, "axes.grid": False}):
        drawing, axes = plt.subplots(figsize=(7.2, 4.0))
    plt.close(drawing)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.grid(False)
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            if table[row, column]:
                color = "white" if share[row, column] > 0.5 else "black"
                axes.text(
                    column, row, f"{table[row, column]:.0f}", ha="center", va="center", color=color
                )
    verdicts = list(next(iter(counts.values())))
    axes.set_xticks(range(len(verdicts)), [say(name) for name in verdicts], rotation=30, ha="right")
    axes.set_yticks(range(len(counts)), [say(name) for name in counts])
    axes.set(xlabel="verdict", ylabel="true cause")
    return drawing


def replay_timeline(
    plain: Sequence[Block], attacked: Sequence[Block], attack_hour: float
) -> Figure:
    """Estimated and realised performance of each block, the
    attribution under attack, and what each policy cost more.
    """
    with plt.rc_context(STYLE):
        drawing, (top, bottom) = plt.subplots(2, 1, figsize=(7.2, 5.6), sharex=True)
    plt.close(drawing)
    ends = [block.end_hour for block in plain]
    top.plot(
        ends,
        [b.estimated_average_precision for b in plain],
        "o--",
        color=COLORS[0],
        label="estimated, no labels",
    )
    top.plot(
        ends,
        [b.realised_average_precision for b in plain],
        "o-",
        color=COLORS[1],
        label="realised, labels came later",
    )
    for block in attacked:
        top.text(
            block.end_hour,
            0.04,
            say(block.cause),
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    for axes in (top, bottom):
        axes.axvline(attack_hour, color="black", linewidth=1, linestyle="--")
    top.set(ylabel="average precision", ylim=(0, 1.02))
    top.legend(loc="upper left", bbox_to_anchor=(0, 1.2), ncol=2)
    base = np.cumsum([block.cost_eur["never"] for block in plain])
    for color, policy in zip(COLORS, plain[0].cost_eur, strict=False):
        for blocks, style in ((plain, "-"), (attacked, ":")):
            label = f"retrain {say(policy)}" + (", fraud labels suppressed" if style == ":" else "")
            extra = np.cumsum([b.cost_eur[policy] for b in blocks]) - base
            bottom.plot(ends, extra, style, color=color, label=label)
    bottom.set(
        xlabel="hour since the start of the stream",
        ylabel="cost more than\nwithout retraining, euros",
    )
    bottom.legend(loc="upper left", bbox_to_anchor=(0, -0.24), ncol=2, fontsize=8)
    return drawing


def stream_verdicts(days_of: Mapping[str, Sequence[Day]], change_day: int) -> Figure:
    """The verdicts of each evening, a pair of lines for
    each stream: the monitor of features, and the cause.
    """
    verdicts = {
        "stable": "#dfe3e8",
        "significant": "#b9c2cc",
        "material": "#14324d",
        "insufficient_data": "white",
        "none": "#dfe3e8",
        "inconclusive": "#f1e3b5",
        "covariate": COLORS[0],
        "label_shift": COLORS[2],
        "new_pattern": COLORS[3],
        "suppressed_labels": COLORS[1],
        "spurious_labels": "#7a1f1f",
    }
    drawing, axes = axes_of(7.2, 1.2 + 0.62 * len(days_of))
    shown: dict[str, str] = {}
    lines = [(name, said) for name in days_of for said in ("features", "cause")]
    for place, (name, said) in enumerate(reversed(lines)):
        for day in days_of[name]:
            verdict = getattr(day, said)
            shown[verdict] = verdicts[verdict]
            axes.barh(
                place,
                1.0,
                left=day.day - 0.5,
                height=0.8,
                color=verdicts[verdict],
                edgecolor="white",
            )
    what = {"features": "monitor", "cause": "cause"}
    axes.set_yticks(
        range(len(lines)),
        [f"{say(name)}: {what[said]}" for name, said in reversed(lines)],
        fontsize=9,
    )
    axes.axvline(change_day - 0.5, color="black", linewidth=1.2, linestyle="--")
    axes.set(xlabel="day of the stream; the change sets in at the dashed line")
    axes.grid(False)
    handles = [
        Rectangle((0, 0), 1, 1, color=shown[verdict]) for verdict in verdicts if verdict in shown
    ]
    labels = [say(verdict) for verdict in verdicts if verdict in shown]
    axes.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=4, fontsize=8)
    return drawing


def stream_costs(days_of: Mapping[str, Sequence[Day]], change_day: int) -> Figure:
    """What each stream cost more than the plain one since the change, under each policy."""
    drawing, axes = axes_of(7.2, 3.6)
    plain = [day for day in days_of["plain"] if day.day >= change_day]
    days = [day.day for day in plain]
    changed = [name for name in days_of if name != "plain"]
    for color, name in zip(COLORS, changed, strict=False):
        after = [day for day in days_of[name] if day.day >= change_day]
        for policy, style in zip(plain[0].cost_eur, (":", "-", "--"), strict=True):
            extra = np.cumsum(
                [b.cost_eur[policy] - a.cost_eur[policy] for a, b in zip(plain, after, strict=True)]
            )
            axes.plot(
                days, extra / 1000, style, color=color, label=f"{say(name)}, retrain {say(policy)}"
            )
    axes.axhline(0.0, color=GREY, linewidth=1)
    axes.set(xlabel="day of the stream", ylabel="extra cost since the change,\nthousand euros")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    return drawing
