"""The data stages of dvc.yaml: fetch, prepare, poison."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from fraud_core.data import sources
from fraud_core.data.card import DatasetCard
from fraud_core.data.splits import content_sha256, drop_exact_duplicates, split_by_time
from fraud_core.errors import SealError, SourceError
from fraud_core.pipeline.execution.progress import progress_bar
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import V0, V1, open_versions
from fraud_core.pipeline.storage.event_stream import RAW_EVENTS, events_choice, use_events
from fraud_core.pipeline.storage.own_tables import (
    OWN,
    POINTER,
    Choice,
    chosen_file,
    own_table_of,
    read_pointer,
    set_aside,
    write_whole,
)
from fraud_core.pipeline.storage.tables import read_card, read_table, write_csv, write_parquet
from fraud_core.poisoning.attacks.label_flips import Direction, flip_labels

RAW = Path("data/raw")
AUDIT_CARD = "uci_default"
ABSENT = "absent"


def use_tables(card_name: str, data: Path | None, events_card: Path | None) -> list[str]:
    """Choose payments and events before the pipeline
    runs; both choices are checked before either is made.

    What is named is taken, and what is not named stays as it is; with neither, both go back to
    those of the project. Nothing of the user's is ever deleted: own tables are kept in data/own.

    Returns
    -------
    list of str
        One line for each that says which are used.
    """
    folder, neither = RAW / card_name, data is None and events_card is None
    choices = [table_choice(card_name, data)] if data is not None or neither else []
    choices += [events_choice(events_card)] if events_card is not None or neither else []
    words = [choice.take() for choice in choices]
    before = read_pointer(within_project(folder))
    if data is None and not neither and before is not None and before["origin"] == OWN:
        words.append(
            f"data: your own table, {before['file']} (it stays; without DATA and CARD the card's "
            "is used)"
        )
    return words


def use_source(card_name: str, data: Path | None) -> str:
    """Choose between the card's file and the user's own
    table; returns one line that says which is used.
    """
    return table_choice(card_name, data).take()


def table_choice(card_name: str, data: Path | None) -> Choice:
    """Check a choice between the card's file (None) and the user's own table, without making it.

    Everything that `prepare` refuses is refused here, by the same code.
    """
    card, folder = read_card(card_name), RAW / card_name
    if data is None:
        words = f"data: {card.title}"
        before = read_pointer(within_project(folder))
        if before is not None and before["origin"] == OWN:
            words += f"; your own table is kept, DATA={before['file']} takes it again"
        return Choice(
            str(folder), {"origin": "card", "file": card.file, "sha256": card.sha256}, words
        )
    digest, kept = own_table_of(data, folder)
    _cut(data, card, digest)
    pointer = {"origin": OWN, "file": kept.as_posix(), "sha256": digest}
    return Choice(str(folder), pointer, f"data: your own table {data.name}", ((data, kept),))


def fetch(card_name: str) -> None:
    """Get the raw tables: the payments and, unless the user's
    own table is used, the table of the fairness audit.
    """
    folder = within_project(RAW / card_name)
    chosen = read_pointer(folder)
    own = chosen is not None and chosen["origin"] == OWN
    if own:
        chosen_file(folder, f"data/raw/{card_name}")
    else:
        _fetch_card(read_card(card_name))
    if read_pointer(within_project(RAW_EVENTS)) is None:
        print(use_events(None))
    audit = read_card(AUDIT_CARD)
    audit_folder = within_project(RAW / AUDIT_CARD)
    if own and not (audit_folder / audit.file).is_file():
        write_whole(audit_folder / POINTER, {"origin": ABSENT})
        return
    _fetch_card(audit)


def _fetch_card(card: DatasetCard) -> None:
    folder = within_project(RAW / card.name)
    target = folder / card.file
    if target.is_file() and sources.file_sha256(target) != card.sha256:
        kept = set_aside(target).relative_to(within_project("."))
        print(
            f"{card.name}: the file that lay at {card.file} is not the card's; it is kept as "
            f"{kept.as_posix()}"
        )
    way = sources.fetch(card, target, root=within_project("."), progress=progress_bar())
    write_whole(folder / POINTER, {"origin": "card", "file": card.file, "sha256": card.sha256})
    print(
        f"{card.name}: {card.file} ({'already here' if way == 'cache' else f'from {way}'}), "
        "sha256 checked"
    )


def prepare(card_name: str) -> None:
    """Check the raw tables against their cards and write
    v0 and v1, the sealed holdout, and the audit table.
    """
    card, folder = read_card(card_name), within_project(RAW / card_name)
    path = chosen_file(folder, f"data/raw/{card_name}")
    pointer = read_pointer(folder)
    if pointer is None:
        raise SourceError(f"data/raw/{card_name}: nothing fetched yet; run `dvc repro fetch`")
    cut = _cut(path, card, pointer["sha256"])
    for name, version in ((V0, cut.v0), (V1, cut.v1)):
        write_csv(version, within_project(f"data/{name}.csv"))
        write_parquet(version, within_project(f"data/{name}.parquet"))
        print(f"data/{name}: {version.height:,} rows, {version[card.only('label')].sum()} frauds")
    write_whole(within_project("data/v1/seal.json"), cut.seal)
    print(f"exact duplicates: {cut.n_repeated:,} rows, policy {card.duplicates}")
    _prepare_audit()


@dataclass(frozen=True)
class _Cut:
    v0: pl.DataFrame
    v1: pl.DataFrame
    n_repeated: int
    seal: dict[str, str]


def _cut(path: Path, card: DatasetCard, source_sha256: str) -> _Cut:
    """Read a raw table, check it in every way there is, and cut it into v0 and v1."""
    transactions = read_table(path, card)
    kept, repeated = drop_exact_duplicates(transactions)
    v0, v1 = split_by_time(kept if card.duplicates == "drop" else transactions, card)
    seal = {"content_sha256": content_sha256(v1), "source_sha256": source_sha256}
    _check_pinned(card, seal)
    return _Cut(v0, v1, repeated.height, seal)


def _check_pinned(card: DatasetCard, seal: dict[str, str]) -> None:
    pinned = card.cut.holdout_content_sha256
    if seal["source_sha256"] == card.sha256 and pinned and pinned != seal["content_sha256"]:
        raise SealError(
            f"v1 of card {card.name}: expected content sha256 {pinned}, found "
            f"{seal['content_sha256']}; the split, the "
            "duplicate policy or the reader changed: if that is meant, pin the new digest in the "
            "card"
        )


def _prepare_audit() -> None:
    folder, target = (
        within_project(RAW / AUDIT_CARD),
        within_project(f"data/audit/{AUDIT_CARD}.parquet"),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in target.parent.glob("*"):
        path.unlink()
    source = read_pointer(folder)
    if source is not None and source["origin"] == ABSENT:
        write_whole(target.parent / "absent.json", source)
        print(f"data/audit: {AUDIT_CARD} was not fetched, because a table of your own is used")
        return
    write_parquet(
        read_table(chosen_file(folder, f"data/raw/{AUDIT_CARD}"), read_card(AUDIT_CARD)), target
    )


def poison(card_name: str, *, direction: Direction, rates: list[float], seed: int) -> None:
    """Write poisoned copies of v0, and how many labels each one changes; v0 itself is only read."""
    card = read_card(card_name)
    v0 = pl.read_parquet(within_project(f"data/{V0}.parquet"))
    label = card.only("label")
    y_true = v0[label].to_numpy()
    written = {}
    for rate in rates:
        flipped = flip_labels(y_true, direction, rate, rng=np.random.default_rng(seed))
        name = f"transactions_2022_flip_{round(rate * 100):02d}"
        poisoned = v0.with_columns(pl.Series(label, flipped.y))
        write_csv(poisoned, within_project(f"data/poisoned/{name}.csv"))
        write_parquet(poisoned, within_project(f"data/poisoned/{name}.parquet"))
        written[name] = {
            "direction": direction,
            "rate": rate,
            "seed": seed,
            "labels_changed": len(flipped.changed),
            "false_fraud_share": round(flipped.false_fraud_share, 6),
        }
        print(
            f"data/poisoned/{name}: {len(flipped.changed):,} labels changed, "
            f"{flipped.false_fraud_share:.1%} of the "
            "fraud labels are false"
        )
    write_whole(within_project("data/poisoned/attacks.json"), written)


def studied_sha256(study: str) -> dict[str, str]:
    """Content digests of the data that a study of this project speaks of, by name.

    The study of entities speaks of events: their file's digest, or that they are simulated; every
    other of v0 and v1.
    """
    if study == "entities":
        chosen = read_pointer(within_project(RAW_EVENTS)) or {}
        return {"events": chosen.get("sha256", "simulated")}
    return open_versions("data").content_sha256
