"""Small simulated transactions in the shape of the
ULB table, for tests, examples and notebook defaults.

Nothing measured on them says anything about real fraud; the pages that show them say so.
"""

import numpy as np
import polars as pl

from fraud_core.data.card import Column, DatasetCard, Split

FEATURES = 28
SECONDS = 172_800.0


def toy_card() -> DatasetCard:
    """The dataset card of `toy_transactions`: the columns
    of the ULB card, cut in the middle of 48 hours.

    Examples
    --------
    >>> toy_card().model_features[-2:]
    ['V28', 'Amount']
    """
    features = tuple(
        Column(f"V{i}", "feature", "float", min=-1000.0, max=1000.0) for i in range(1, FEATURES + 1)
    )
    columns = (
        Column("Time", "time", "float", min=0.0, max=1e9, unit="second"),
        *features,
        Column("Amount", "amount", "float", min=0.0, max=1e7, unit="euro"),
        Column("Class", "label", "int", min=0, max=1),
    )
    return DatasetCard(
        name="toy",
        title="Simulated transactions at toy size",
        kind="simulated",
        description="Gaussian features; frauds are moved along the first four of them.",
        credit="Simulated by this project.",
        file="toy.csv",
        duplicates="keep",
        columns=columns,
        split=Split(at=SECONDS / 2, validation_seconds=14_400.0),
    )


def toy_transactions(n_rows: int, *, seed: int, fraud_share: float = 0.05) -> pl.DataFrame:
    """Simulate transactions whose frauds can be learnt.

    Parameters
    ----------
    n_rows
        Number of transactions over 48 hours; at least 40, so that both days hold both classes.
    seed
        Seed of the generator; equal seeds give equal tables.
    fraud_share
        Share of frauds, in (0, 0.5].

    Returns
    -------
    polars.DataFrame
        Columns Time (ascending seconds), V1 to V28, Amount (euros) and Class (0 or 1).

    Examples
    --------
    >>> toy_transactions(40, seed=1).shape
    (40, 31)
    """
    if n_rows < 40 or not 0 < fraud_share <= 0.5:
        raise ValueError(
            f"expected n_rows >= 40 and 0 < fraud_share <= 0.5, got {n_rows} and {fraud_share}"
        )
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, SECONDS, n_rows)).round()
    label = np.zeros(n_rows, dtype=np.int64)
    step = max(2, int(1 / fraud_share))
    label[step // 2 :: step] = 1
    features = rng.normal(size=(n_rows, FEATURES))
    features[label == 1, :4] += np.array([2.0, -1.5, 1.0, 1.5])
    amount = np.round(np.exp(rng.normal(3.0, 1.2, n_rows)), 2)
    columns = {"Time": time} | {f"V{i + 1}": features[:, i].round(6) for i in range(FEATURES)}
    return pl.DataFrame(columns | {"Amount": amount, "Class": label})


def toy_clients_card() -> DatasetCard:
    """The dataset card of `toy_clients`."""
    columns = (
        Column("LIMIT_BAL", "feature", "float", min=0.0, max=1e8),
        Column("PAY_0", "feature", "float", min=-10.0, max=10.0),
        Column("SEX", "sensitive", "int", min=0, max=1),
        Column("AGE", "sensitive", "int", min=18, max=120),
        Column("default", "label", "int", min=0, max=1),
    )
    return DatasetCard(
        name="toy_clients",
        title="Simulated credit clients at toy size",
        kind="simulated",
        description="Default depends on PAY_0 alone, which is distributed alike in all groups.",
        credit="Simulated by this project.",
        file="toy_clients.csv",
        duplicates="keep",
        columns=columns,
    )


def toy_clients(n_rows: int, *, seed: int) -> pl.DataFrame:
    """Simulate clients among whom no group is treated differently.

    Examples
    --------
    >>> toy_clients(100, seed=0).shape
    (100, 5)
    """
    rng = np.random.default_rng(seed)
    delay = rng.normal(size=n_rows)
    return pl.DataFrame(
        {
            "LIMIT_BAL": np.round(np.exp(rng.normal(11, 0.5, n_rows))),
            "PAY_0": delay.round(4),
            "SEX": rng.integers(0, 2, n_rows),
            "AGE": rng.integers(21, 70, n_rows),
            "default": (delay + rng.normal(size=n_rows) > 1.0).astype(np.int64),
        }
    )
