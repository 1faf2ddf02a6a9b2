"""Drawings of the studies: values in, a matplotlib figure out; one look for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from fraud_core.evaluation.bootstrap import Estimate, ModelScores
from fraud_core.evaluation.metrics import precision_recall_steps
from fraud_core.evaluation.reliability import ReliabilityBin

COLORS = ("#1f5a8c", "#c8553d", "#588157", "#8d6a9f", "#b08900")
GREY = "#8a8f98"
STYLE: dict[RcKeyType, Any] = {
    "figure.dpi": 110,
    "savefig.bbox": "tight",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e7e9ec",
    "axes.axisbelow": True,
    "axes.edgecolor": "#5b616b",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def axes_of(width: float = 6.4, height: float = 3.8) -> tuple[Figure, Axes]:
    """An empty drawing in the look of the studies."""
    with plt.rc_context(STYLE):
        drawing, axes = plt.subplots(figsize=(width, height))
    plt.close(drawing)
    return drawing, axes


def say(name: str) -> str:
    """A name of the code in words."""
    return name.replace("_", " ")


def frauds_over_time(hours: np.ndarray, y_true: np.ndarray, cut_hour: float) -> Figure:
    """Transactions (line) and frauds (bars) in each hour, with the cut between v0 and v1."""
    drawing, axes = axes_of(7.2, 3.4)
    edges = np.arange(0, np.ceil(hours.max()) + 1)
    rows, frauds = np.histogram(hours, edges)[0], np.histogram(hours[y_true == 1], edges)[0]
    axes.bar(edges[:-1] + 0.5, frauds, width=0.9, color=COLORS[1], label="frauds")
    axes.axvline(cut_hour, color="black", linewidth=1, linestyle="--")
    axes.text(cut_hour + 0.4, axes.get_ylim()[1] * 0.96, "v1, sealed", va="top")
    axes.set(xlabel="hour since the first transaction", ylabel="frauds an hour")
    right = axes.twinx()
    right.plot(edges[:-1] + 0.5, rows / 1000, color=COLORS[0], label="transactions")
    right.set_ylabel("thousand transactions an hour")
    right.grid(False)
    handles = [*axes.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]]
    axes.legend(handles, ["frauds", "transactions"], loc="upper left")
    return drawing


def curve(x: np.ndarray, y: np.ndarray, xlabel: str, ylabel: str) -> Figure:
    """One line of shares, y from 0 to 1."""
    drawing, axes = axes_of()
    axes.plot(x, y, color=COLORS[0])
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 1.02), xlim=(x[0], x[-1]))
    return drawing


def precision_recall_curves(y_true: np.ndarray, scores: Mapping[str, np.ndarray]) -> Figure:
    """Precision against recall for each model, with the base rate."""
    drawing, axes = axes_of()
    for color, (name, score) in zip(COLORS, scores.items(), strict=False):
        recall, precision, _ = precision_recall_steps(y_true, score)
        step = np.flatnonzero(np.diff(recall, prepend=-1.0) > 0)
        axes.step(
            recall[step], precision[step], where="post", color=color, label=name.replace("_", " ")
        )
    axes.axhline(float(np.mean(y_true)), color=GREY, linestyle=":", label="base rate")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="lower left")
    return drawing


def reliability_diagram(bins: Sequence[ReliabilityBin]) -> Figure:
    """Observed share of frauds against mean probability
    in each bin; a bin without a fraud lies at zero.
    """
    drawing, axes = axes_of(6.4, 4.4)
    low = 1e-4
    axes.plot([0, low, 1], [0, low, 1], color=GREY, linestyle=":")
    axes.text(0.02, 0.026, "perfect", color=GREY, rotation=38, ha="right")
    for one in bins:
        observed = one.observed_share
        axes.plot([one.mean_probability] * 2, [observed.ci_low, observed.ci_high], color=COLORS[0])
        axes.plot(one.mean_probability, observed.value, "o", color=COLORS[0])
        axes.annotate(
            f"{one.observed} of {one.expected:.0f}",
            (one.mean_probability, observed.value),
            xytext=(5, -9),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xscale("symlog", linthresh=low)
    axes.set_yscale("symlog", linthresh=low)
    ticks = [0, 1e-4, 1e-3, 1e-2, 1e-1, 1]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set(
        xlim=(0, 1.6),
        ylim=(-2e-5, 1.4),
        xlabel="mean probability in the bin (frauds observed of those expected)",
        ylabel="share of frauds in the bin",
    )
    return drawing


def intervals(
    rows: Mapping[str, Estimate], xlabel: str, band: tuple[float, float] | None = None
) -> Figure:
    """One figure with its interval on each line; an optional band marks the null band."""
    drawing, axes = axes_of(6.4, 0.9 + 0.36 * len(rows))
    places = np.arange(len(rows))[::-1]
    if band:
        axes.axvspan(*band, color="#dfe3e8", label="null band (null run)")
        axes.legend(loc="best")
    for place, value in zip(places, rows.values(), strict=True):
        axes.plot([value.ci_low, value.ci_high], [place, place], color=COLORS[0])
        axes.plot(value.value, place, "o", color=COLORS[0])
    axes.set_yticks(places, [name.replace("_", " ") for name in rows])
    axes.set(xlabel=xlabel, ylim=(-0.6, len(rows) - 0.4))
    return drawing


def beeswarm(
    values: np.ndarray, features: np.ndarray, names: list[str], base: float, n_shown: int
) -> Figure:
    """Contributions of the most important features, one
    point for each row, coloured by the feature's value.
    """
    import shap

    explanation = shap.Explanation(
        values, np.full(len(values), base), data=features, feature_names=names
    )
    with plt.rc_context({**STYLE, "axes.grid": False}):
        drawing = plt.figure(figsize=(7.0, 0.9 + 0.36 * n_shown))
        state = np.random.get_state()
        # shap jitters the points with the global generator; the drawing must not depend on the past
        np.random.seed(0)
        # shap gives axes where it does not show them, which its code does not say
        axes = cast(
            Axes,
            shap.plots.beeswarm(explanation, max_display=n_shown + 1, show=False, plot_size=None),
        )
        np.random.set_state(state)
        axes.set_xlabel("contribution to the log-odds of fraud (SHAP value)")
        for points in axes.collections:
            # thousands of vector points would make the drawing too large to keep in git
            points.set_rasterized(True)
    plt.close(drawing)
    return drawing


def performance_change(before: Mapping[str, Estimate], after: Mapping[str, Estimate]) -> Figure:
    """The same metrics in two windows, side by side, each with its interval."""
    drawing, axes = axes_of(6.4, 1.1 + 0.5 * len(before))
    places = np.arange(len(before))[::-1]
    for color, shift, label, rows in (
        (COLORS[0], 0.12, "v0, late hours", before),
        (COLORS[1], -0.12, "v1", after),
    ):
        for number, value in enumerate(rows.values()):
            y = places[number] + shift
            axes.plot([value.ci_low, value.ci_high], [y, y], color=color)
            axes.plot(value.value, y, "o", color=color, label=label if number == 0 else None)
    axes.set_yticks(places, [name.replace("_", " ") for name in before])
    axes.set(xlabel="value, with 95% interval", ylim=(-0.6, len(before) - 0.4), xlim=(0, 1.02))
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.22), ncol=2)
    return drawing


def operating_point(
    y_true: np.ndarray, scored: ModelScores, precision: Estimate, recall: Estimate
) -> Figure:
    """The precision-recall curve of a model and
    where its threshold puts it, with both intervals.
    """
    drawing = precision_recall_curves(y_true, {"candidate": scored.y_score})
    axes = drawing.axes[0]
    axes.errorbar(
        recall.value,
        precision.value,
        xerr=[[recall.value - recall.ci_low], [recall.ci_high - recall.value]],
        yerr=[[precision.value - precision.ci_low], [precision.ci_high - precision.value]],
        fmt="o",
        color=COLORS[1],
        capsize=3,
        label=f"operating point, threshold {scored.threshold:.3f}",
    )
    axes.legend(loc="lower left")
    return drawing
