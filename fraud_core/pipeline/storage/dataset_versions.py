"""Opening the data versions: v0 to learn from, v1
to score on, with the seal checked at every opening.
"""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.data.rows import Transactions, to_transactions
from fraud_core.data.splits import check_seal, content_sha256, last_seconds, split_by_time
from fraud_core.data.toy import toy_card, toy_clients, toy_clients_card, toy_transactions
from fraud_core.errors import SealError
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.tables import chosen_card, read_card

TOY = "toy"
TOY_ROWS = 3000
V0 = "v0/transactions_2022"
V1 = "v1/transactions_2023"


@dataclass(frozen=True)
class Versions:
    """Both versions of a data set, with the card that describes them."""

    card: DatasetCard
    v0: pl.DataFrame
    v1: pl.DataFrame

    @cached_property
    def training_rows(self) -> Transactions:
        """v0 as arrays; its last hours are marked for validation, and their labels as trusted."""
        rows = to_transactions(self.v0, self.card)
        last = last_seconds(rows.time_s, self.card.cut.validation_seconds)
        return replace(rows, is_validation=last, is_trusted=last)

    @cached_property
    def content_sha256(self) -> dict[str, str]:
        """Content digest of each version."""
        return {"v0": content_sha256(self.v0), "v1": content_sha256(self.v1)}

    @cached_property
    def holdout(self) -> Transactions:
        """v1 as arrays."""
        return to_transactions(self.v1, self.card)


def open_versions(data_dir: str, card: str | None = None) -> Versions:
    """Open v0 and v1 of a data folder.

    Parameters
    ----------
    data_dir
        A folder that `prepare` has written, relative to the project; ``"toy"`` simulates small
        tables instead, so that a notebook runs without any data.
    card
        Name of the dataset card; without it, ``data.card`` of params.yaml.

    Raises
    ------
    SealError
        When v1 is not the sealed holdout.

    Examples
    --------
    >>> open_versions("toy").v0.height > 1000
    True
    """
    if data_dir == TOY:
        v0, v1 = split_by_time(toy_transactions(TOY_ROWS, seed=0), toy_card())
        return Versions(toy_card(), v0, v1)
    folder = within_project(data_dir)
    read = read_card(card or chosen_card())
    v1 = pl.read_parquet(_existing(folder / f"{V1}.parquet"))
    check_seal(v1, sealed_digest(folder, read), file=f"{data_dir}/{V1}.parquet")
    return Versions(read, pl.read_parquet(_existing(folder / f"{V0}.parquet")), v1)


def sealed_digest(folder: Path, card: DatasetCard) -> str:
    """The content digest that v1 must have: the card's when
    the data are the card's, else the one set at `prepare`.

    Raises
    ------
    SealError
        When the seal file is missing, or says that it seals the card's data and gives another
        digest.
    """
    path = _existing(folder / "v1" / "seal.json")
    seal = json.loads(path.read_bytes())
    if seal["source_sha256"] == card.sha256 and card.split and card.cut.holdout_content_sha256:
        return card.cut.holdout_content_sha256
    return seal["content_sha256"]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise SealError(
            f"{path.parent.name}/{path.name}: no such file; make it with `dvc repro prepare`"
        )
    return path


def open_audit(data_dir: str, card: str = "uci_default") -> tuple[pl.DataFrame, DatasetCard] | None:
    """The table of the fairness audit with its card, or None when it was not fetched.

    It is not fetched when the user's own table is used without a network; ``"toy"`` simulates a
    small table.
    """
    if data_dir == TOY:
        return toy_clients(TOY_ROWS, seed=0), toy_clients_card()
    path = within_project(data_dir) / "audit" / f"{card}.parquet"
    return (pl.read_parquet(path), read_card(card)) if path.is_file() else None
