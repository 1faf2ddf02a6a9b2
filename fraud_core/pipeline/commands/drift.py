"""Two tables of one card compared from the command
line: what differs, by how much, as text or JSON.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.drift.two_sample.registry import STATISTICS
from fraud_core.drift.two_sample.univariate import compare_category
from fraud_core.drift.two_sample.windows import WindowDrift, compare_windows, prepare_window
from fraud_core.pipeline.params import DriftThresholds
from fraud_core.pipeline.storage.tables import read_card, read_table

EXIT_CODES = {"stable": 0, "significant": 0, "material": 2, "insufficient_data": 3}
SHOWN = 10


def drift_tables(
    reference: Path,
    current: Path,
    card_name: str,
    thresholds: DriftThresholds,
    *,
    as_json: bool,
    seed: int = 1,
) -> int:
    """Compare two tables of a card and print the verdict.

    Parameters
    ----------
    reference, current
        CSV or parquet tables with the columns of the card, in any order.
    thresholds
        Section ``drift`` of params.yaml.
    as_json
        Print one JSON object instead of the text.
    seed
        Of the folds of the domain classifier.

    Returns
    -------
    int
        Exit code: 0 stable, or significant below the practical-significance thresholds; 2 material;
        3 insufficient data.

    Raises
    ------
    ContractError
        When a table breaks the card.
    """
    card = read_card(card_name)
    # labels are not compared, and a comparison may hold no fraud yet
    before, after = (read_table(path, card, both_classes=False) for path in (reference, current))
    comparison = compare_tables(before, after, card, thresholds, seed=seed)
    answer = _plain(comparison) | {"reference": reference.name, "current": current.name}
    print(
        json.dumps(answer, indent=1, sort_keys=True)
        if as_json
        else _text(comparison, reference, current)
    )
    return EXIT_CODES[comparison.state]


def compare_tables(
    reference: pl.DataFrame,
    current: pl.DataFrame,
    card: DatasetCard,
    thresholds: DriftThresholds,
    *,
    seed: int,
) -> WindowDrift:
    """Compare the features of two checked tables; the time and the label are not features.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> thresholds = DriftThresholds(n_bins=10, psi_threshold=0.1, domain_threshold=0.6, alpha=0.05)
    >>> v0 = toy_transactions(2000, seed=0)
    >>> compare_tables(v0, v0.with_columns(pl.col("V7") + 1), toy_card(), thresholds, seed=0).state
    'material'
    """
    rng = np.random.default_rng(seed)
    types = {column.name: column.type for column in card.columns}
    compared = card.names("feature", "amount")
    numbers = [name for name in compared if types[name] != "string"]
    before, after = (
        table.select(numbers).cast(pl.Float64).fill_null(np.nan).to_numpy()
        for table in (reference, current)
    )
    categories = [
        compare_category(name, reference[name].to_list(), current[name].to_list())
        for name in compared
        if types[name] == "string"
    ]
    return compare_windows(
        prepare_window(before, numbers, n_bins=thresholds.n_bins, rng=rng),
        after,
        categories=categories,
        psi_threshold=thresholds.psi_threshold,
        domain_threshold=thresholds.domain_threshold,
        alpha=thresholds.alpha,
        rng=rng,
    )


def _plain(comparison: WindowDrift) -> dict[str, Any]:
    features = {drift.feature: asdict(drift) | drift.distances for drift in comparison.features}
    for feature in features.values():
        del feature["distances"]
    plain = asdict(comparison) | {"features": features}
    return json.loads(json.dumps(plain), parse_constant=lambda _: None)


def _text(comparison: WindowDrift, reference: Path, current: Path) -> str:
    lines = [f"{reference.name} -> {current.name}: {comparison.state}", ""]
    ordered = sorted(comparison.features, key=lambda drift: -drift.population_stability_index)
    width = max(len(drift.feature) for drift in ordered)
    heads = "  ".join(statistic.label for statistic in STATISTICS)
    lines.append(f"{'feature':{width}}  {'stability index':>24}  {heads}  {'p-value':>8}  state")
    for drift in ordered[:SHOWN]:
        span = f"{drift.population_stability_index:.3f} ({drift.ci_low:.3f} to {drift.ci_high:.3f})"
        cells = "  ".join(
            f"{drift.distances[statistic.name]:{len(statistic.label)}.3f}"
            for statistic in STATISTICS
        )
        lines.append(
            f"{drift.feature:{width}}  {span:>24}  {cells}  {drift.p_value:8.2g}  {drift.state}"
        )
    if len(ordered) > SHOWN:
        lines.append(f"... and {len(ordered) - SHOWN} more; --json lists all")
    lines.append("")
    for name, test in (
        ("domain classifier, area", comparison.domain),
        ("reconstruction error, change", comparison.reconstruction),
    ):
        if test is None:
            lines.append(f"{name}: insufficient data")
        else:
            effect = test.effect
            lines.append(
                f"{name}: {effect.value:.3f} ({effect.ci_low:.3f} to {effect.ci_high:.3f}), p = "
                f"{test.p_value:.2g}"
            )
    return "\n".join(lines)
