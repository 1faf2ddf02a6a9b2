"""The data stages of dvc.yaml: fetch, prepare, poison."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from fraud_core.data import sources
from fraud_core.data.card import DatasetCard
from fraud_core.data.splits import content_sha256, drop_exact_duplicates, split_by_time
from fraud_core.errors import SealError, SourceError
from fraud_core.pipeline.events import RAW_EVENTS, SOURCE, use_events
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.progress import progress_bar
from fraud_core.pipeline.tables import read_card, read_table, write_csv, write_parquet
from fraud_core.pipeline.versions import V0, V1
from fraud_core.poisoning.flips import flip_labels

RAW = Path("data/raw")
AUDIT_CARD = "uci_default"
OWN, ABSENT = "own", "absent"


def use_source(card_name: str, data: Path | None) -> str:
    """Choose between the card's file and the user's own table before the pipeline runs.

    With `data`, the table is checked and copied to data/raw; without, an own table of an earlier run is taken out
    again. Whatever is refused leaves data/raw as it was.

    Returns
    -------
    str
        One line that says which data are used.
    """
    card, folder = read_card(card_name), within_project(RAW / card_name)
    if data is None:
        if _origin(folder) == OWN:
            for path in folder.iterdir():
                path.unlink()
        return f"data: {card.title}"
    if not data.is_file():
        raise SourceError(f"DATA={data}: no such file; give the path of a CSV or parquet table")
    read_table(data, card)
    digest = sources.file_sha256(data)
    if _origin(folder) == OWN and _source(folder)["sha256"] == digest:
        return f"data: your own table {data.name} (as in the last run)"
    for path in folder.glob("*"):
        path.unlink()
    taken = sources.take_own_file(data, folder)
    _write_json(folder / "source.json", {"origin": OWN, "file": taken.name, "sha256": digest})
    return f"data: your own table {data.name}"


def fetch(card_name: str) -> None:
    """Get the raw tables: the payments and, unless the user's own table is used, the table of the fairness audit."""
    folder = within_project(RAW / card_name)
    own = _origin(folder) == OWN
    if not own:
        _fetch_card(read_card(card_name))
    if not (within_project(RAW_EVENTS) / SOURCE).is_file():
        print(use_events(None))
    audit = read_card(AUDIT_CARD)
    audit_folder = within_project(RAW / AUDIT_CARD)
    if own and not (audit_folder / audit.file).is_file():
        audit_folder.mkdir(parents=True, exist_ok=True)
        _write_json(audit_folder / "source.json", {"origin": ABSENT})
        return
    _fetch_card(audit)


def _fetch_card(card: DatasetCard) -> None:
    folder = within_project(RAW / card.name)
    way = sources.fetch(card, folder / card.file, root=within_project("."), progress=progress_bar())
    _write_json(folder / "source.json", {"origin": "card", "file": card.file, "sha256": card.sha256})
    print(f"{card.name}: {card.file} ({'already here' if way == 'cache' else f'from {way}'}), sha256 checked")


def prepare(card_name: str) -> None:
    """Check the raw tables against their cards and write v0 and v1, the sealed holdout, and the audit table."""
    card, folder = read_card(card_name), within_project(RAW / card_name)
    source = _source(folder)
    transactions = read_table(folder / source["file"], card)
    kept, repeated = drop_exact_duplicates(transactions)
    v0, v1 = split_by_time(kept if card.duplicates == "drop" else transactions, card)
    seal = {"content_sha256": content_sha256(v1), "source_sha256": source["sha256"]}
    _check_pinned(card, seal)
    for name, version in ((V0, v0), (V1, v1)):
        write_csv(version, within_project(f"data/{name}.csv"))
        write_parquet(version, within_project(f"data/{name}.parquet"))
        print(f"data/{name}: {version.height:,} rows, {version[card.only('label')].sum()} frauds")
    _write_json(within_project("data/v1/seal.json"), seal)
    print(f"exact duplicates: {repeated.height:,} rows, policy {card.duplicates}")
    _prepare_audit()


def _check_pinned(card: DatasetCard, seal: dict[str, str]) -> None:
    pinned = card.split.holdout_content_sha256
    if seal["source_sha256"] == card.sha256 and pinned and pinned != seal["content_sha256"]:
        raise SealError(
            f"v1 of card {card.name}: expected content sha256 {pinned}, found {seal['content_sha256']}; the split, the "
            "duplicate policy or the reader changed: if that is meant, pin the new digest in the card"
        )


def _prepare_audit() -> None:
    folder, target = within_project(RAW / AUDIT_CARD), within_project(f"data/audit/{AUDIT_CARD}.parquet")
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in target.parent.glob("*"):
        path.unlink()
    source = _source(folder)
    if source["origin"] == ABSENT:
        _write_json(target.parent / "absent.json", source)
        print(f"data/audit: {AUDIT_CARD} was not fetched, because a table of your own is used")
        return
    write_parquet(read_table(folder / source["file"], read_card(AUDIT_CARD)), target)


def poison(card_name: str, *, direction: str, rates: list[float], seed: int) -> None:
    """Write poisoned copies of v0, and how many labels each one changes; v0 itself is only read."""
    card = read_card(card_name)
    v0 = pl.read_parquet(within_project(f"data/{V0}.parquet"))
    label = card.only("label")
    y_true = v0[label].to_numpy()
    written = {}
    for rate in rates:
        found = flip_labels(y_true, direction, rate, rng=np.random.default_rng(seed))
        name = f"transactions_2022_flip_{round(rate * 100):02d}"
        poisoned = v0.with_columns(pl.Series(label, found.y))
        write_csv(poisoned, within_project(f"data/poisoned/{name}.csv"))
        write_parquet(poisoned, within_project(f"data/poisoned/{name}.parquet"))
        written[name] = {
            "direction": direction, "rate": rate, "seed": seed, "labels_changed": len(found.changed),
            "false_fraud_share": round(found.false_fraud_share, 6),
        }  # fmt: skip
        print(f"data/poisoned/{name}: {len(found.changed):,} labels changed, {found.false_fraud_share:.1%} of the "
              "fraud labels are false")  # fmt: skip
    _write_json(within_project("data/poisoned/attacks.json"), written)


def _source(folder: Path) -> dict:
    path = folder / "source.json"
    if not path.is_file():
        raise SourceError(f"data/raw/{folder.name}: nothing fetched yet; run `dvc repro fetch`")
    return json.loads(path.read_bytes())


def _origin(folder: Path) -> str | None:
    return _source(folder)["origin"] if (folder / "source.json").is_file() else None


def _write_json(path: Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(path)  # never into the file that is there: DVC links it to its cache
