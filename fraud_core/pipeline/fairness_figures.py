"""Drawings of the fairness study."""

from collections.abc import Sequence

import numpy as np

from fraud_core.fairness.front import Policy
from fraud_core.fairness.hidden import CHANGES, HiddenEffect
from fraud_core.fairness.trial import TrialCell
from fraud_core.pipeline.figures import COLORS, GREY, axes_of

VERDICTS = {"pass": COLORS[2], "insufficient evidence": "#c9ccd1", "fail": COLORS[1]}


def verdicts(cells: Sequence[TrialCell]):
    """Share of each verdict by injected gap and number of frauds; a dot marks the verdict that is demanded."""
    drawing, axes = axes_of(6.8, 0.9 + 0.34 * len(cells))
    names = [f"gap {cell.gap:g}, {cell.size:,} frauds" for cell in cells]
    places, left = np.arange(len(cells))[::-1], np.zeros(len(cells))
    for verdict, color in VERDICTS.items():
        width = np.array([cell.verdicts.count(verdict) / len(cell.verdicts) for cell in cells])
        axes.barh(places, width, left=left, color=color, label=verdict, height=0.72)
        left += width
    for place, cell in zip(places, cells, strict=True):
        if cell.expected:
            axes.plot(1.03, place, "o", color=VERDICTS[cell.expected], clip_on=False)
    axes.set_yticks(places, names)
    axes.set(xlabel="share of the draws; the dot is the verdict that is demanded", xlim=(0, 1))
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncol=3)
    return drawing


def pareto(front: Sequence[Policy]):
    """Cost against disparity, each way with both intervals; words when there is none."""
    if not front:
        return _words()
    drawing, axes = axes_of(6.8, 4.4)
    methods = list(dict.fromkeys(way.method for way in front))
    for method, color in zip(methods, ("black", *COLORS), strict=False):
        ways = [way for way in front if way.method == method]
        x, y = [way.equalized_odds for way in ways], [way.cost_ratio for way in ways]
        axes.errorbar(
            [each.value for each in x], [each.value for each in y],
            xerr=[[each.value - each.low for each in x], [each.high - each.value for each in x]],
            yerr=[[each.value - each.low for each in y], [each.high - each.value for each in y]],
            fmt="o", color=color, elinewidth=0.8, alpha=0.9, label=method,
        )  # fmt: skip
    axes.axvline(front[0].equalized_odds.value / 2, color=GREY, linestyle=":", linewidth=1)
    axes.set(xlabel="equalised-odds difference on held-out clients", ylabel="expected cost, of the champion's")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.3), ncol=2, fontsize=8)
    return drawing


def hidden_surface(effects: Sequence[HiddenEffect]):
    """Change of each rate over the share of one group's positives that is hidden; the band is the placebo."""
    if not effects:
        return _words()
    drawing, axes = axes_of(6.8, 3.8)
    shares = np.array([effect.hidden_share for effect in effects[1:]])
    for number, (name, color) in enumerate(zip(CHANGES, COLORS, strict=False)):
        found = [effect.changes[name] for effect in effects[1:]]
        value = np.array([each.value for each in found])
        ends = [value - [each.low for each in found], [each.high for each in found] - value]
        axes.errorbar(shares + 0.006 * (number - 1), value, yerr=ends, fmt="o-", color=color, label=name, capsize=2)
    placebo = effects[0].changes[CHANGES[0]]
    axes.axhspan(placebo.low, placebo.high, color="#dfe3e8", zorder=0, label="placebo, group recall")
    axes.set(xlabel="share of the group's positives hidden in training", ylabel="change on clean clients")
    axes.legend(loc="lower left", fontsize=8)
    return drawing


def _words():
    drawing, axes = axes_of(6.4, 1.2)
    axes.text(0.5, 0.5, "not run: the table was not fetched", ha="center", va="center")
    axes.set_axis_off()
    return drawing
