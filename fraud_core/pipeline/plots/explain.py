"""Drawings of the study of explanations."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fraud_core.explain.stability import METRICS, Agreement, null_bands_of
from fraud_core.pipeline.plots.style import COLORS, GREY, STYLE, say

KIND_COLORS = {"seed": GREY, "other day": COLORS[0], "attack": COLORS[1]}
TITLES = ("ranking of the features,\nrank correlation", "three strongest reasons,\nshare kept")
CENTRAL = (0.005, 0.995)


def dependence(
    values: np.ndarray,
    features: np.ndarray,
    names: Sequence[str],
    shown: Sequence[str],
    y_true: np.ndarray,
) -> Figure:
    """Contribution against value, a panel for each feature, frauds in front.

    Parameters
    ----------
    values, features
        Shape (n_samples, n_features).
    shown
        Names of at most six features; the central 99% of their values are drawn.
    """
    with plt.rc_context(STYLE):
        drawing, axes = plt.subplots(2, 3, figsize=(8.4, 4.8), squeeze=False)
    plt.close(drawing)
    for panel, name in zip(axes.ravel(), shown, strict=False):
        k = list(names).index(name)
        low, high = np.quantile(features[:, k], CENTRAL)
        inside = (features[:, k] >= low) & (features[:, k] <= high)
        for label, color, size in ((0, COLORS[0], 3), (1, COLORS[1], 14)):
            rows = inside & (y_true == label)
            panel.scatter(
                features[rows, k],
                values[rows, k],
                s=size,
                color=color,
                alpha=0.35 if label == 0 else 0.9,
                linewidths=0,
                rasterized=True,
                label="fraud" if label else "legitimate",
            )
        panel.axhline(0, color="black", linewidth=0.8)
        panel.set_xlabel(name)
    for panel in axes.ravel()[len(shown) :]:
        panel.set_axis_off()
    for panel in axes[:, 0]:
        panel.set_ylabel("log-odds")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="upper center", ncol=2, markerscale=2)
    drawing.tight_layout(rect=(0, 0, 1, 0.95))
    return drawing


def agreements(models: Sequence[Agreement]) -> Figure:
    """Agreement of other models with the first, with
    intervals; a band marks where other seeds lie.
    """
    with plt.rc_context(STYLE):
        drawing, axes = plt.subplots(1, 2, figsize=(8.4, 1.5 + 0.3 * len(models)), sharey=True)
    plt.close(drawing)
    places, null_bands = np.arange(len(models))[::-1], null_bands_of(models)
    for number, (panel, metric) in enumerate(zip(axes, METRICS.values(), strict=True)):
        if null_bands:
            panel.axvspan(
                min(null_bands[number], 1.0), 1.0, color="#e6eaef", label="null band of seeds"
            )
        for place, model in zip(places, models, strict=True):
            value, color = metric(model), KIND_COLORS[model.kind]
            panel.plot([value.ci_low, value.ci_high], [place, place], color=color)
            panel.plot(value.value, place, "o", color=color)
        panel.set_title(TITLES[number], loc="left", fontsize=10)
        panel.set(xlim=(None, 1.01), ylim=(-0.6, len(models) - 0.4))
    axes[0].set_yticks(places, [say(model.name) for model in models])
    if null_bands:
        axes[0].legend(loc="lower left")
    drawing.tight_layout()
    return drawing
