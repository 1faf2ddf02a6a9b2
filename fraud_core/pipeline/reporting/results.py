"""Results of a study: metrics.json, figures, and words whose metrics are read, never typed."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraud_core.errors import ResultError
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.verdicts import Evidence
from fraud_core.pipeline.paths import within_project

if TYPE_CHECKING:
    from IPython.display import SVG, Markdown
    from matplotlib.figure import Figure

SIGNIFICANT_DIGITS = 6
STAMP = "data_sha256."  # of the data that the figures of a metrics.json speak of
MAX_SVG_BYTES = 300_000
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
PLACEHOLDER = re.compile(r"\{([a-z][A-Za-z0-9_.]*)(?::([^{}]*))?\}")


def write_metrics(results_dir: str, metrics: Mapping[str, Any]) -> dict[str, float | str]:
    """Write metrics.json: flat, ``name: number``, with ``name_lo`` and ``name_hi`` for intervals.

    Parameters
    ----------
    results_dir
        Folder, relative to the project.
    metrics
        Numbers, intervals and verdicts (strings) by name. Numbers are rounded to six significant
        digits.

    Returns
    -------
    dict
        What was written.

    Raises
    ------
    ResultError
        When a number is not finite: an undefined figure is left out, or said in words.
    """
    flat: dict[str, float | str] = {}
    for name, value in metrics.items():
        if isinstance(value, Estimate):
            flat |= {name: value.value, f"{name}_lo": value.ci_low, f"{name}_hi": value.ci_high}
        else:
            flat[name] = value if isinstance(value, (bool, int, str)) else float(value)
    for name, value in flat.items():
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ResultError(
                    f"{name}: expected a finite number, got {value}; leave it out or say it in "
                    "words"
                )
            flat[name] = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    folder = within_project(results_dir)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(flat, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / "metrics.json").write_text(text, encoding="utf-8")
    return flat


def read_metrics(results_dir: str | Path) -> dict[str, float | str]:
    """The metrics of a study.

    Raises
    ------
    ResultError
        When the study has not been run.
    """
    path = within_project(results_dir) / "metrics.json"
    if not path.is_file():
        raise ResultError(
            f"{results_dir}/metrics.json: no such file; run the study with `make run` or `make "
            "studies`"
        )
    return json.loads(path.read_bytes())


def stamp_data(results_dir: str | Path, digests: Mapping[str, str]) -> None:
    """Write into metrics.json which data its figures speak of, as ``data_sha256.NAME``.

    Parameters
    ----------
    digests
        Content digests by name, as `Versions.content_sha256` gives them.
    """
    others = {
        name: value
        for name, value in read_metrics(results_dir).items()
        if not name.startswith(STAMP)
    }
    write_metrics(
        str(results_dir), others | {f"{STAMP}{name}": digest for name, digest in digests.items()}
    )


def sibling_evidence(
    results_dir: str, study: str, name: str, *, of: Mapping[str, str] | None = None
) -> Evidence:
    """A verdict of another study of the same profile, as evidence about the data at hand.

    Parameters
    ----------
    of
        Content digests of the data at hand, as `Versions.content_sha256` gives them; evidence about
        other data, or about data that are not named, is refused with the reason.

    Raises
    ------
    ResultError
        When the study was run and has no such figure.
    """
    path = within_project(results_dir).parent / study / "metrics.json"
    if not path.is_file():
        return Evidence(None)
    metrics = json.loads(path.read_bytes())
    return Evidence(figure(metrics, name), _other_data(metrics, of or {}, study))


def _other_data(metrics: Mapping[str, Any], of: Mapping[str, str], study: str) -> str:
    """Why the figures of a study say nothing of these data; empty when they do."""
    stated = {
        name.removeprefix(STAMP): value for name, value in metrics.items() if name.startswith(STAMP)
    }
    if not stated or not of:
        return "of unknown data: " + (
            f"the results of {study} name none" if of else "the gate was given none"
        )
    other = [
        f"{name} {stated.get(name, 'none')[:12]}, here {of[name][:12]}"
        for name in of
        if stated.get(name) != of[name]
    ]
    return f"of other data: the results of {study} speak of {'; '.join(other)}" if other else ""


def resolve(text: str, metrics: Mapping[str, float | str]) -> str:
    """Fill ``{name}`` and ``{name:format}`` in a text from
    metrics; ``interval`` as format shows the interval too.

    Raises
    ------
    ResultError
        When a name is not among the metrics.

    Examples
    --------
    >>> metrics = {"auc": 0.91, "auc_lo": 0.9, "auc_hi": 0.92}
    >>> resolve("It is {auc:interval}, or {auc:.0%}.", metrics)
    'It is 0.910 (0.900 to 0.920), or 91%.'
    """

    def fill(match: re.Match) -> str:
        return figure(metrics, match[1], match[2] or "")

    return PLACEHOLDER.sub(fill, text)


def figure(metrics: Mapping[str, float | str], name: str, form: str = "") -> str:
    """One figure as text: plain, in a Python format, or with its interval.

    Parameters
    ----------
    form
        Empty (three decimals; whole from 100 on, two significant digits below 0.01), ``interval``,
        ``interval%``, or a Python format.

    Raises
    ------
    ResultError
        When the name, or an end of its interval, is missing.
    """
    keys = [name, f"{name}_lo", f"{name}_hi"] if form.startswith("interval") else [name]
    for key in keys:
        if key not in metrics:
            near = ", ".join(
                sorted(known for known in metrics if known.split(".")[0] == key.split(".")[0])[:6]
            )
            raise ResultError(f"{key}: no such figure in the results; known are {near or 'others'}")
    if form.startswith("interval"):
        percent = ".1%" if form.endswith("%") else ""
        value, low, high = (_plain(metrics[key], percent) for key in keys)
        return f"{value} ({low} to {high})"
    return _plain(metrics[name], form)


def _plain(value: float | str, form: str) -> str:
    if form or isinstance(value, (str, bool)):
        return format(value, form)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2g}"


def reading(text: str, metrics: Mapping[str, float | str]) -> "Markdown":
    """A paragraph of Markdown in a notebook, its figures resolved from the metrics."""
    from IPython.display import Markdown

    return Markdown(resolve(text, metrics))


def table(rows: list[Mapping[str, Any]]) -> "Markdown":
    """A table of Markdown in a notebook; the columns are the keys of the first row.

    Raises
    ------
    ResultError
        When there is no row.
    """
    from IPython.display import Markdown

    return Markdown(markdown_table(rows))


def markdown_table(rows: list[Mapping[str, Any]]) -> str:
    """Rows as a Markdown table; numbers stand right.

    Examples
    --------
    >>> print(markdown_table([{"name": "a", "value": 0.5}]))
    | name | value |
    | :--- | ---: |
    | a | 0.500 |
    """
    if not rows:
        raise ResultError("expected at least one row to show, got none")
    columns = list(rows[0])
    numeric = [all(isinstance(row[c], (int, float, Estimate)) for row in rows) for c in columns]
    lines = [
        "| " + " | ".join(columns) + " |",
        "| " + " | ".join("---:" if n else ":---" for n in numeric) + " |",
    ]
    lines += ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, Estimate):
        ends = f"({_plain(value.ci_low, '')} to {_plain(value.ci_high, '')})"
        return f"{_plain(value.value, '')} {ends.replace(' ', NO_BREAK_SPACE)}"
    return _plain(value, "") if isinstance(value, (int, float)) else str(value).replace("|", "\\|")


def save_figure(drawing: "Figure", results_dir: str, name: str) -> "SVG":
    """Save a matplotlib figure as ``figures/name.svg`` and
    ``png/name.png`` and return the SVG for the notebook.

    The bytes depend on the drawing alone: no dates, fixed identifiers.

    Raises
    ------
    ResultError
        When the SVG is larger than 300 KB; rasterise its points.
    """
    import matplotlib
    from IPython.display import SVG

    folder, pictures = (within_project(results_dir) / kind for kind in ("figures", "png"))
    folder.mkdir(parents=True, exist_ok=True)
    pictures.mkdir(exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        drawing.savefig(
            folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}
        )
        drawing.savefig(
            pictures / f"{name}.png", bbox_inches="tight", dpi=120, metadata={"Software": None}
        )
    size = (folder / f"{name}.svg").stat().st_size
    if size > MAX_SVG_BYTES:
        raise ResultError(
            f"{name}.svg: expected at most {MAX_SVG_BYTES} bytes, got {size}; rasterise its points"
        )
    return SVG(filename=str(folder / f"{name}.svg"))
