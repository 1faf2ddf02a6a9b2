"""The headline figures: the table at the end of a run, and the figures of the README."""

import json
import re
from pathlib import Path

from fraud_core.pipeline.paths import results_folder, within_project
from fraud_core.pipeline.reporting.report import resolve_figures
from fraud_core.pipeline.reporting.results import figure, read_metrics

HEADLINES = (
    ("candidate, average precision on day 2", "select", "candidate.average_precision", "interval"),
    ("frauds found at the review capacity", "select", "candidate.recall_at_budget", "interval%"),
    ("cost of day 2 at its threshold, euros", "select", "candidate.expected_cost_eur", "interval"),
    ("saved against having no model, euros", "select", "candidate.saving_eur", "interval"),
    (
        "null band of average precision",
        "poisoning",
        "null_run.average_precision_null_band",
        "",
    ),
    (
        "change under the most harmful poisoning",
        "poisoning",
        "worst.none.average_precision_change",
        "interval",
    ),
    (
        "the same, defended by the selector",
        "poisoning",
        "worst.policy.average_precision_change",
        "interval",
    ),
    ("sets of spurious frauds the scan alarms on", "poisoning", "gate.poisoned_sets_refused", ""),
    ("features with material drift from day 1 to day 2", "drift", "features.material", ""),
    ("fairness on the payments", "fairness", "payments.verdict", ""),
    ("fairness on credit default fails for", "fairness", "uci_default.failing", ""),
    ("promotion gate", "select", "gate.reasons", ""),
)
PAGES = (
    "README.md",
    "docs/capacity.md",
    "docs/drift.md",
    "docs/entities.md",
    "docs/explain.md",
    "docs/fairness.md",
    "docs/poisoning.md",
)
# A figure of these pages stands between two comments: <!-- study.figure:format -->0.779<!-- / -->
README_FIGURE = re.compile(
    r"(<!-- ([a-z_]+\.[A-Za-z0-9_.]+(?::[^ ]+)?) -->)(.*?)(<!-- / -->)", re.DOTALL
)


def summary(profile: str) -> str:
    """The headline figures with intervals, where the report is and how to continue, as text."""
    width = max(len(label) for label, *_ in HEADLINES)
    lines = [f"  {'figure':{width}}  value (95% interval)", f"  {'-' * width}  {'-' * 28}"]
    for label, study, name, form in HEADLINES:
        lines.append(
            f"  {label:{width}}  {figure(read_metrics(results_folder(profile, study)), name, form)}"
        )
    report = Path(f"reports/_site/{profile}/index.html")
    shown = (
        report
        if within_project(report).is_file()
        else f"python -m fraud_core report --profile {profile} renders it"
    )
    lines += [
        "",
        f"  report      {shown}",
        "  serve       make serve",
        "  notebooks   make lab",
        "",
    ]
    return "\n".join(["", *lines])


def headline_json(profile: str) -> str:
    """The headline figures as one JSON object: words for people, and the bare numbers."""
    results = []
    for label, study, name, form in HEADLINES:
        metrics = read_metrics(results_folder(profile, study))
        results.append(
            {
                "label": label,
                "study": study,
                "metric": name,
                "words": figure(metrics, name, form),
                "values": {
                    key: value
                    for key, value in metrics.items()
                    if key == name or key.removeprefix(f"{name}_") in ("lo", "hi")
                },
            }
        )
    return json.dumps({"profile": profile, "figures": results}, indent=1)


def refresh_readme(*, write: bool) -> bool:
    """Fill the figures of the `PAGES` from the full studies
    and the benchmarks; returns whether any was not current.

    Raises
    ------
    ResultError
        When a figure that a page names is missing.
    """
    stale = False
    for page in PAGES:
        path = within_project(page)
        before = path.read_text(encoding="utf-8")
        after = README_FIGURE.sub(
            lambda m: f"{m[1]}{resolve_figures('{' + m[2] + '}', 'full')}{m[4]}", before
        )
        if write and after != before:
            path.write_text(after, encoding="utf-8")
        stale |= after != before
    return stale
