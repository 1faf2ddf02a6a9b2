"""The picture of benchmarks/serving.py: what a request costs each server."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

LABELS = {
    "litestar_empty": "empty route, plain ASGI",
    "litestar_empty_typed": "empty route, typed body",
    "predict": "/predict",
    "predict_telemetry": "/predict with telemetry",
    "predict_reasons": "/predict with reasons",
    "predict_granian": "/predict under granian",
    "decisions": "/v1/decisions, durable",
    "mlserver": "MLServer",
    "bentoml": "BentoML",
    "fastapi_sklearn_dataframe": "FastAPI, DataFrame, random forest",
    "fastapi_sklearn_boosting": "FastAPI, DataFrame, boosting",
    "mlflow_serve": "mlflow models serve",
}


def draw(m: dict, path: Path) -> None:
    """CPU time for each request, by service, on a scale
    of factors; the line is the range over the rounds.
    """
    plt.rcParams["svg.hashsalt"] = "serving"
    shown = {name: label for name, label in LABELS.items() if f"{name}.cpu_us" in m}
    figure, axes = plt.subplots(figsize=(7.2, 0.42 * len(shown) + 1.0), layout="constrained")
    for place, name in enumerate(reversed(shown)):
        low, middle, high = (m[f"{name}.cpu_us{end}"] for end in ("_lo", "", "_hi"))
        colour = "#1f6f8b" if name.startswith(("predict", "decisions")) else "#9aa5ab"
        axes.barh(place, middle, color=colour, height=0.62)
        axes.plot([low, high], [place, place], color="#20282c", linewidth=1.2)
        axes.annotate(
            f"{middle:,.0f}",
            (high, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(shown)), list(reversed(shown.values())), fontsize=9)
    axes.set(xscale="log", xlabel="CPU time of a request, microseconds")
    axes.set_xlim(10, 2.2 * max(m[f"{name}.cpu_us_hi"] for name in shown))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
