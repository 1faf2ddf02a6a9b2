"""Drawings of the poisoning study."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import StudyTable
from fraud_core.pipeline.plots.style import COLORS, GREY, axes_of, intervals, say
from fraud_core.poisoning.defences.registry import SELECTOR
from fraud_core.poisoning.study.bench import NONE
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from fraud_core.poisoning.study.headline import attacked_conditions

MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "h")
COLUMN = 0.08  # width of a label in the frontier, as a probability


def condition_words(condition: Condition) -> str:
    """A condition in words.

    Examples
    --------
    >>> condition_words(Condition("fraud_to_legit", 0.5)), condition_words(Condition("clean"))
    ('fraud to legit, 50%', 'clean')
    """
    return say(condition.attack) + (f", {condition.percent}%" if condition.is_attack else "")


def defences(table: StudyTable) -> Figure:
    """Average precision on clean labels, a row for each
    attack and a mark for each defence; the null run's band.
    """
    conditions = [CLEAN, *attacked_conditions(table)]
    rows = {
        condition: list(table.where(metric="average_precision", **condition.columns))
        for condition in conditions
    }
    defences_of = (row.defence for own in rows.values() for row in own)
    names = list(dict.fromkeys(name for name in defences_of if name is not None))
    clean = table.only("average_precision", **CLEAN.columns, defence=NONE).value
    band = null_band_in(table)
    drawing, axes = axes_of(7.4, 1.6 + 0.17 * len(rows) * len(names))
    axes.axvspan(clean - band, clean + band, color="#dfe3e8", label="null band")
    axes.axvline(clean, color=GREY, linestyle=":", label="clean labels, no defence")
    shifts = np.linspace(0.36, -0.36, len(names))
    for number, name in enumerate(names):
        color = "black" if name == SELECTOR else COLORS[number % len(COLORS)]
        label = say(name)
        for place, own in enumerate(rows.values()):
            for row in (row for row in own if row.defence == name):
                y = shifts[number] - place
                axes.plot(
                    [row.interval.ci_low, row.interval.ci_high], [y, y], color=color, linewidth=1
                )
                axes.plot(
                    row.value,
                    y,
                    MARKS[number % len(MARKS)],
                    color=color,
                    markersize=4.5,
                    label=label,
                )
                label = None
    axes.set_yticks(
        [-place for place in range(len(rows))], [condition_words(condition) for condition in rows]
    )
    axes.set(
        xlabel="average precision on clean v1, with 95% interval", ylim=(-len(rows) + 0.4, 0.6)
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    return drawing


def null_band_in(table: StudyTable) -> float:
    """How far the mean average precision over the draws
    of an attack may lie from clean when nobody attacks.
    """
    return table.only("average_precision_null_band_of_mean", **NULL_RUN.columns).value


def costs(table: StudyTable) -> Figure:
    """Change of the cost of v1 against the clean
    training, without a defence and with the selector.
    """
    rows = {
        f"{condition_words(condition)}, {name}": table.only(
            "expected_cost_eur_change", **condition.columns, defence=name
        ).interval
        for condition in attacked_conditions(table)
        for name in (NONE, SELECTOR)
        if table.has("expected_cost_eur_change", **condition.columns, defence=name)
    }
    return intervals(rows, "change of the cost of v1, euros")


def frontier(table: StudyTable) -> Figure:
    """Damage against the probability that a monitor notices, a point for each attack and budget.

    Budgets are written at the points beyond the null band, to the left where marks stand on the
    right; those within the band are one crowd of no effect.
    """
    band, points = null_band_in(table), _noticed_and_lost(table)
    drawing, axes = axes_of(6.8, 4.4)
    axes.axhspan(-band, band, color="#dfe3e8", label="null band")
    attacks = list(dict.fromkeys(condition.attack for condition in points))
    offsets = _label_offsets(
        {condition: point for condition, point in points.items() if abs(point[1]) > band}
    )
    labelled: set[str] = set()
    for condition, (seen, damage) in points.items():
        number = attacks.index(condition.attack)
        color, mark = COLORS[number % len(COLORS)], MARKS[number % len(MARKS)]
        label = None if condition.attack in labelled else say(condition.attack)
        axes.plot(seen, damage, mark, color=color, label=label)
        labelled.add(condition.attack)
        if condition in offsets:
            left = any(0 < other - seen < COLUMN for other, _ in points.values())
            place = {
                "xytext": (-6 if left else 6, offsets[condition]),
                "ha": "right" if left else "left",
            }
            axes.annotate(
                f"{condition.percent}%",
                (seen, damage),
                textcoords="offset points",
                fontsize=8,
                va="center",
                color=color,
                **place,
            )
    axes.set(xlabel="probability that the chart or the label monitor notices", xlim=(-0.04, 1.08))
    axes.set_ylabel("average precision lost, no defence")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    return drawing


def _noticed_and_lost(table: StudyTable) -> dict[Condition, tuple[float, float]]:
    """Probability that a monitor notices an attack, and
    the average precision that it costs without a defence.
    """
    return {
        condition: (
            table.only("detected", **condition.columns).value,
            -table.only("average_precision_change", **condition.columns, defence=NONE).value,
        )
        for condition in attacked_conditions(table)
    }


def _label_offsets(points: Mapping[Condition, tuple[float, float]]) -> dict[Condition, float]:
    """How far above its point, in points of type, each
    label stands so that no two of a column touch.
    """
    height = max((damage for _, damage in points.values()), default=0.0)
    unit = max(height, 1e-9) / 230  # the axes are some 230 points high
    offsets: dict[Condition, float] = {}
    for condition, (seen, damage) in sorted(points.items(), key=lambda item: item[1][1]):
        own = [
            points[other][1] + offsets[other] * unit
            for other in offsets
            if abs(points[other][0] - seen) < COLUMN
        ]
        lowest = max(own, default=-np.inf) + 9 * unit
        offsets[condition] = max(0.0, (lowest - damage) / unit)
    return offsets


def certified(curves: Mapping[int, Mapping[int, Estimate]], champion: Estimate) -> Figure:
    """Recall that is certified against a number of label flips, a line for each number of parts."""
    drawing, axes = axes_of()
    axes.axhline(
        champion.value, color=GREY, linestyle=":", label="champion, certified against none"
    )
    for number, (parts, by_flips) in enumerate(curves.items()):
        flips, values = list(by_flips), list(by_flips.values())
        spread = [[v.value - v.ci_low for v in values], [v.ci_high - v.value for v in values]]
        places = np.array(flips) + 0.15 * (number - 1)
        axes.errorbar(
            places,
            [v.value for v in values],
            spread,
            fmt="o-",
            color=COLORS[number],
            capsize=3,
            label=f"{parts} parts",
        )
    axes.set(xlabel="label flips", ylabel="recall on v1", ylim=(-0.02, 1.0))
    axes.legend(fontsize=8)
    return drawing


def clusters(
    by_rate: Mapping[float, Sequence[tuple[int, float]]], smallest: Mapping[float, float]
) -> Figure:
    """Pockets of frauds by flip rate and size, filled when
    most were recovered; the line is the theory's smallest.
    """
    drawing, axes = axes_of()
    axes.plot(
        list(smallest),
        list(smallest.values()),
        color="black",
        label="minimum learnable cluster, in theory",
    )
    for rate, sizes in by_rate.items():
        for number, (size, recovered) in enumerate(sizes):
            full = recovered >= 0.5
            place = rate * (1 + 0.02 * (number % 5 - 2))
            axes.plot(
                place,
                size,
                "o",
                color=COLORS[0],
                fillstyle="full" if full else "none",
                markersize=5,
            )
    axes.plot([], [], "o", color=COLORS[0], label="half or more recovered")
    axes.plot([], [], "o", color=COLORS[0], fillstyle="none", label="fewer recovered")
    axes.set(
        xlabel="flip rate of both classes",
        ylabel="frauds in the cluster",
        yscale="log",
        ylim=(0.8, 400),
    )
    axes.legend(fontsize=8, loc="upper left")
    return drawing
