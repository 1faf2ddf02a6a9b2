"""Drawings of the fairness study."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.fairness.audit import GroupRate
from fraud_core.fairness.disparity import Disparity
from fraud_core.fairness.group_label_suppression import (
    CHANGES,
    SuppressionEffect,
    at_rate,
    beyond_null_run,
)
from fraud_core.fairness.mitigation.pareto_front import EvaluatedMethod
from fraud_core.fairness.threshold_curves import AtThreshold, CalibrationBin
from fraud_core.fairness.verdict_validation import ValidationRun
from fraud_core.pipeline.plots.style import COLORS, GREY, STYLE, axes_of

VERDICTS = {"pass": COLORS[2], "insufficient evidence": "#c9ccd1", "fail": COLORS[1]}


def group_rates(panels: Mapping[str, Sequence[GroupRate]], xlabel: str) -> Figure:
    """Rates of groups with Clopper–Pearson intervals, a panel for
    each attribute; words instead when there is none.
    """
    if not panels:
        drawing, axes = axes_of(6.4, 1.2)
        axes.text(0.5, 0.5, "not run: the table was not fetched", ha="center", va="center")
        axes.set_axis_off()
        return drawing
    with plt.rc_context(STYLE):
        sizes = [len(rates) for rates in panels.values()]
        drawing, axes = plt.subplots(
            len(panels),
            1,
            figsize=(6.4, 1.2 + 0.42 * sum(sizes)),
            sharex=True,
            squeeze=False,
            gridspec_kw={"height_ratios": sizes},
        )
    plt.close(drawing)
    for panel, (title, rates) in zip(axes[:, 0], panels.items(), strict=True):
        for place, rate in enumerate(rates):
            panel.plot([rate.ci_low, rate.ci_high], [place, place], color=COLORS[0])
            panel.plot(rate.rate, place, "o", color=COLORS[0])
        panel.set_yticks(
            range(len(rates)), [f"{rate.group} (n = {rate.trials:,})" for rate in rates]
        )
        panel.set_ylim(-0.6, len(rates) - 0.4)
        panel.set_title(title, loc="left", fontsize=10)
    axes[-1, 0].set_xlabel(xlabel)
    drawing.tight_layout()
    return drawing


def verdicts(runs: Sequence[ValidationRun]) -> Figure:
    """Share of each verdict by injected disparity and number
    of frauds; a dot marks the verdict that is demanded.
    """
    drawing, axes = axes_of(6.8, 0.9 + 0.34 * len(runs))
    names = [f"disparity {run.disparity:g}, {run.size:,} frauds" for run in runs]
    places, left = np.arange(len(runs))[::-1], np.zeros(len(runs))
    for verdict, color in VERDICTS.items():
        width = np.array([run.verdicts.count(verdict) / len(run.verdicts) for run in runs])
        axes.barh(places, width, left=left, color=color, label=verdict, height=0.72)
        left += width
    for place, run in zip(places, runs, strict=True):
        if run.expected:
            axes.plot(1.03, place, "o", color=VERDICTS[run.expected], clip_on=False)
    axes.set_yticks(places, names)
    axes.set(xlabel="share of the draws; the dot is the verdict that is demanded", xlim=(0, 1))
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=3, frameon=False)
    return drawing


def pareto(front: Sequence[EvaluatedMethod]) -> Figure:
    """Cost against disparity, each method with both intervals; words when there is none."""
    if not front:
        return _words()
    drawing, axes = axes_of(6.8, 4.4)
    names = list(dict.fromkeys(one.method for one in front))
    for name, color in zip(names, ("black", *COLORS), strict=False):
        own = [one for one in front if one.method == name]
        x, y = [one.equalized_odds for one in own], [one.cost_ratio for one in own]
        axes.errorbar(
            [estimate.value for estimate in x],
            [estimate.value for estimate in y],
            xerr=_errors(x),
            yerr=_errors(y),
            fmt="o",
            color=color,
            elinewidth=0.8,
            alpha=0.9,
            label=name,
        )
    axes.axvline(front[0].equalized_odds.value / 2, color=GREY, linestyle=":", linewidth=1)
    axes.set(
        xlabel="equalised-odds difference on held-out clients",
        ylabel="expected cost, of the champion's",
    )
    axes.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncol=2, fontsize=8, frameon=False)
    return drawing


def _errors(estimates: Sequence[Estimate]) -> list[list[float]]:
    return [[e.value - e.ci_low for e in estimates], [e.ci_high - e.value for e in estimates]]


def suppression_changes(effects: Sequence[SuppressionEffect]) -> Figure:
    """Change of each rate over the share of one group's
    positives that is suppressed; the band is the null run.

    Parameters
    ----------
    effects
        At one selection rate.
    """
    if not effects:
        return _words()
    drawing, axes = axes_of(6.8, 3.8)
    shares = np.array([effect.suppressed_share for effect in effects[1:]])
    for number, (name, color) in enumerate(zip(CHANGES, COLORS, strict=False)):
        changes = [effect.changes[name] for effect in effects[1:]]
        value = np.array([change.value for change in changes])
        axes.errorbar(
            shares + 0.006 * (number - 1),
            value,
            yerr=_errors(changes),
            fmt="o-",
            color=color,
            label=name,
            capsize=2,
        )
    null_run = effects[0].changes[CHANGES[0]]
    axes.axhspan(
        null_run.ci_low, null_run.ci_high, color="#dfe3e8", zorder=0, label="null run, group recall"
    )
    axes.set(
        xlabel="share of the group's positives suppressed in training",
        ylabel="change on clean clients",
    )
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, fontsize=8, frameon=False)
    return drawing


def suppression_surface(effects: Sequence[SuppressionEffect]) -> Figure:
    """Change of each rate by share suppressed and share
    selected; a frame marks what lies beyond the null run.
    """
    if not effects:
        return _words()
    with plt.rc_context({**STYLE, "axes.grid": False}):
        drawing, axes = plt.subplots(1, len(CHANGES), figsize=(9.2, 3.4), sharey=True)
    plt.close(drawing)
    rates = list(dict.fromkeys(effect.selection_rate for effect in effects))
    table = [at_rate(effects, rate) for rate in rates]
    largest = max(abs(effect.changes[name].value) for effect in effects for name in CHANGES)
    for panel, name in zip(axes, CHANGES, strict=True):
        values = np.array([[effect.changes[name].value for effect in row] for row in table])
        shown = panel.imshow(
            values, cmap="RdBu", vmin=-largest, vmax=largest, aspect="auto", origin="lower"
        )
        for y, row in enumerate(table):
            for x, effect in enumerate(row):
                dark = abs(values[y, x]) > 0.6 * largest
                text = f"{values[y, x]:+.3f}"
                panel.text(
                    x,
                    y,
                    text,
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="white" if dark else "black",
                )
                if beyond_null_run(effect, row[0], name):
                    panel.add_patch(
                        Rectangle((x - 0.47, y - 0.46), 0.94, 0.92, fill=False, linewidth=1.6)
                    )
        panel.set_xticks(
            range(len(table[0])),
            ["none" if e.suppressed_share == 0 else f"{e.suppressed_share:.0%}" for e in table[0]],
        )
        panel.set_yticks(range(len(rates)), [f"{rate:.0%}" for rate in rates])
        panel.set_title(name, loc="left", fontsize=10)
    axes[1].set_xlabel("share of the group's positives suppressed in training")
    axes[0].set_ylabel("share selected")
    drawing.colorbar(shown, ax=axes, label="change on clean clients", fraction=0.03, pad=0.02)
    return drawing


def over_thresholds(
    curves: Mapping[str, Sequence[AtThreshold]],
    selection_rate: float,
    tolerance: float,
    ratio_tolerance: float,
) -> Figure:
    """Differences (left) and the ratio of false-positive
    rates (right) over the share selected, for each attribute.
    """
    if not curves:
        return _words()
    with plt.rc_context(STYLE):
        drawing, axes = plt.subplots(
            len(curves), 2, figsize=(8.6, 0.9 + 1.75 * len(curves)), sharex=True, squeeze=False
        )
    plt.close(drawing)
    for (left, right), (attribute, curve) in zip(axes, curves.items(), strict=True):
        rates = [at.selection_rate for at in curve]
        for name, color, label in (
            ("recall", COLORS[0], "recall"),
            ("false_positive_rate", COLORS[1], "false-positive rate"),
        ):
            _band(left, rates, [getattr(at, name) for at in curve], color, f"difference of {label}")
        _band(
            right,
            rates,
            [at.false_positive_ratio for at in curve],
            COLORS[1],
            "ratio of false-positive rates",
        )
        for panel, tolerated, top in ((left, tolerance, None), (right, ratio_tolerance, 1.02)):
            panel.axhline(tolerated, color="black", linewidth=0.9, linestyle="--")
            panel.axvline(selection_rate, color=GREY, linewidth=1, linestyle=":")
            panel.set_ylim(0, top)
        left.set_title(attribute, loc="left", fontsize=10)
    for panel in axes[-1]:
        panel.set_xlabel("share selected")
    for column, place in ((0, 0.28), (1, 0.78)):
        handles, labels = axes[0, column].get_legend_handles_labels()
        drawing.legend(
            handles,
            labels,
            loc="upper center",
            bbox_to_anchor=(place, 1.0),
            ncol=2,
            fontsize=8,
            frameon=False,
        )
    drawing.tight_layout(rect=(0, 0, 1, 1 - 0.3 / drawing.get_figheight()))
    return drawing


def _band(
    panel: Axes, rates: Sequence[float], curve: Sequence[Disparity], color: str, label: str
) -> None:
    """A line with its interval, where it is defined."""
    panel.fill_between(
        rates,
        [disparity.ci_low for disparity in curve],
        [disparity.ci_high for disparity in curve],
        color=color,
        alpha=0.15,
        lw=0,
    )
    panel.plot(
        rates,
        [disparity.value for disparity in curve],
        "o-",
        color=color,
        markersize=3,
        linewidth=1.2,
        label=label,
    )


def calibration(within: Mapping[str, Mapping[str, Sequence[CalibrationBin]]]) -> Figure:
    """Observed against predicted within each group, a
    panel for each attribute; the diagonal is perfect.
    """
    if not within:
        return _words()
    n_rows = -(-len(within) // 2)
    with plt.rc_context(STYLE):
        drawing, axes = plt.subplots(n_rows, 2, figsize=(8.6, 3.4 * n_rows), squeeze=False)
    plt.close(drawing)
    panels = axes.ravel()
    for panel, (attribute, by_group) in zip(panels, within.items(), strict=False):
        panel.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
        for number, (group, bins) in enumerate(by_group.items()):
            color, style = COLORS[number % 4], "-" if number < 4 else "--"
            x, y = [one.predicted for one in bins], [one.observed.value for one in bins]
            ends = [
                [one.observed.value - one.observed.ci_low for one in bins],
                [one.observed.ci_high - one.observed.value for one in bins],
            ]
            panel.errorbar(
                x,
                y,
                yerr=ends,
                fmt=f"o{style}",
                color=color,
                label=group,
                markersize=3,
                linewidth=1.1,
                elinewidth=0.7,
            )
        panel.set_title(attribute, loc="left", fontsize=10)
        panel.legend(loc="upper left", fontsize=7, frameon=False)
        panel.set(xlabel="predicted", ylabel="observed")
    for panel in panels[len(within) :]:
        panel.set_axis_off()
    drawing.tight_layout()
    return drawing


def _words() -> Figure:
    drawing, axes = axes_of(6.4, 1.2)
    axes.text(0.5, 0.5, "nothing was audited", ha="center", va="center")
    axes.set_axis_off()
    return drawing
