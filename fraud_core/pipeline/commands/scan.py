"""The scan of a label batch from the command line: a
table in, findings and a list of suspicious rows out.
"""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.data.rows import Transactions, to_transactions
from fraud_core.data.splits import last_seconds
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.tables import read_card, read_table, write_csv
from fraud_core.poisoning.detection.label_scan import FEWEST_TRUSTED_FRAUDS, detect
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores
from fraud_core.poisoning.detection.quantised_pool import quantise
from fraud_core.poisoning.detection.scan_findings import Scan, segment_counts
from fraud_core.poisoning.detection.scan_words import nothing_named, validity

SUSPICIOUS = Path("scratch/scan/suspicious.csv")
FOUND_EXIT_CODE = 2
UNDECIDED_EXIT_CODE = 3
SHOWN_SEGMENTS = 5


def scan_table(
    data: Path,
    card_name: str,
    *,
    trusted: Path | None = None,
    as_json: bool = False,
    seed: int = 1,
) -> int:
    """Scan a table of labelled payments, print what was found, and write the suspicious rows.

    Parameters
    ----------
    data
        CSV or parquet table with the columns of the card.
    trusted
        Table whose labels are true; its last hours are used, and rows of `data` that are among them
        give way. Without one the last hours of `data` are taken as trusted, and the scan says so.
    as_json
        Print one JSON object in place of the text.
    seed
        Of the scan's models.

    Returns
    -------
    int
        Exit code: 0 when nothing was found, 2 when the labels look poisoned, 3 when the trusted
        rows hold too few frauds to say.

    Raises
    ------
    ContractError, ParameterError
        When a table breaks the card, or the card has no split.
    """
    card = read_card(card_name)
    hours = card.cut.validation_seconds / 3600
    table = read_table(data, card)
    table, is_trusted = _with_trusted(
        table, card, None if trusted is None else read_table(trusted, card)
    )
    arrays = to_transactions(table, card)
    rows = replace(arrays, is_validation=is_trusted, is_trusted=is_trusted)
    whose = f"the labels of the last {hours:g} hours of {(trusted or data).name} are taken as true"
    answer: dict[str, Any] = {
        "data": data.name,
        "validity": validity(card.name),
        "trusted": whose,
        "n_labels": int(np.sum(~is_trusted)),
        "n_trusted_frauds": int(arrays.y_observed[is_trusted].sum()),
    }
    say = _silent if as_json else partial(print, flush=True)
    say(answer["validity"])
    say(f"scanning {data.name}: {answer['n_labels']:,} labels; {whose}")
    if answer["n_trusted_frauds"] < FEWEST_TRUSTED_FRAUDS:
        words = (
            f"insufficient evidence: the trusted rows hold {answer['n_trusted_frauds']} frauds, "
            f"{FEWEST_TRUSTED_FRAUDS} are needed"
        )
        print(
            json.dumps(answer | {"poisoned": None, "words": words}, indent=1) if as_json else words
        )
        return UNDECIDED_EXIT_CODE
    scan = _scanned(rows, _source(table, card), card, seed)
    written = _write(table, scan) if scan.poisoned else None
    if as_json:
        print(json.dumps(answer | _plain(scan, written), indent=1))
    else:
        _say(scan, arrays.time_s, arrays.amount_eur)
        if written is not None:
            unnamed = nothing_named(scan, own_trusted=trusted is None)
            print(unnamed or f"suspicious rows: {written}")
    return FOUND_EXIT_CODE if scan.poisoned else 0


def _silent(*_: object) -> None:
    """Print nothing: the answer is one JSON object."""


def _scanned(rows: Transactions, source: np.ndarray | None, card: DatasetCard, seed: int) -> Scan:
    quantised = quantise(rows.X)
    return detect(
        rows,
        out_of_fold_scores(rows, seed=seed, quantised=quantised),
        source=source,
        seed=seed,
        quantised=quantised,
        names=card.model_features,
    )


def _plain(scan: Scan, written: Path | None) -> dict[str, Any]:
    """A scan as JSON takes it."""
    return {
        "poisoned": bool(scan.poisoned),
        "findings": [
            {"kind": finding.kind, "words": finding.words, "p_value": float(finding.p_value)}
            for finding in scan.findings
        ],
        "n_suspicious": int(scan.suspicious.sum()),
        "suspicious_file": None if written is None else written.as_posix(),
    }


def _with_trusted(
    table: pl.DataFrame, card: DatasetCard, trusted: pl.DataFrame | None
) -> tuple[pl.DataFrame, np.ndarray]:
    time = card.only("time")
    if trusted is None:
        return table, last_seconds(table[time].to_numpy(), card.cut.validation_seconds)
    late = trusted.filter(last_seconds(trusted[time].to_numpy(), card.cut.validation_seconds))
    keys = [name for name in card.names() if name != card.only("label")]
    rest = table.join(late.select(keys), on=keys, how="anti", maintain_order="left")
    joined = pl.concat([rest, late.select(rest.columns)])
    return joined, np.arange(joined.height) >= rest.height


def _source(table: pl.DataFrame, card: DatasetCard) -> np.ndarray | None:
    """Who gave each label, when the card has a column of role source."""
    names = card.names("source")
    return table[card.only("source")].cast(pl.String).to_numpy() if names else None


def _say(audit: Scan, time: np.ndarray, amount_eur: np.ndarray) -> None:
    if not audit.poisoned:
        print("nothing found: the labels look clean")
        return
    for finding in audit.findings:
        print(f"found {finding.kind}: {finding.words}; p = {finding.p_value:.1e}")
    if not audit.suspicious.any():
        return
    bands = np.array(["under 10 euros", "10 to 100 euros", "100 euros and more"])
    segments = {
        "hour": (time // 3600).astype(int),
        "amount": bands[np.digitize(amount_eur, [10.0, 100.0])],
    }
    for count in segment_counts(audit.suspicious, segments)[:SHOWN_SEGMENTS]:
        print(
            f"  {count['by']} {count['segment']}: {count['suspicious']:,} of {count['rows']:,} "
            "labels suspicious"
        )


def _write(table: pl.DataFrame, audit: Scan) -> Path:
    """Write the suspicious rows, the most suspicious
    first, with their row number in the table as scanned.
    """
    suspects = table.with_row_index("row", offset=1).with_columns(
        pl.Series("label_noise_score", audit.label_noise_score)
    )
    suspects = suspects.filter(pl.Series(audit.suspicious)).sort(
        "label_noise_score", descending=True
    )
    path = within_project(SUSPICIOUS)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(suspects, path)
    return SUSPICIOUS
