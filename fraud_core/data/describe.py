"""Description of a data set: counts, sums, duplicates and frauds over time."""

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.data.splits import drop_exact_duplicates


def describe_version(transactions: pl.DataFrame, card: DatasetCard) -> dict[str, float]:
    """Counts of one version.

    Returns
    -------
    dict
        ``rows``, ``frauds``, ``fraud_share``, ``amount_eur``, ``fraud_amount_eur``,
        ``median_fraud_amount_eur``, ``duplicates`` (rows equal to an earlier one) and
        ``duplicate_frauds``.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_card, toy_transactions
    >>> describe_version(toy_transactions(100, seed=0), toy_card())["rows"]
    100
    """
    label, amount = card.only("label"), card.only("amount")
    frauds = transactions.filter(pl.col(label) == 1)
    _, repeated = drop_exact_duplicates(transactions)
    return {
        "rows": transactions.height,
        "frauds": frauds.height,
        "fraud_share": frauds.height / transactions.height,
        "amount_eur": float(transactions[amount].sum()),
        "fraud_amount_eur": float(frauds[amount].sum()),
        "median_fraud_amount_eur": float(frauds.select(pl.col(amount).median()).item()),
        "duplicates": repeated.height,
        "duplicate_frauds": int(repeated[label].sum()),
    }


def smallest_visible_change(n_frauds: int) -> float:
    """The smallest share of frauds whose loss a count
    chart sees at two standard deviations: 2 / √n.

    Notes
    -----
    Counts of rare, independent events have a variance equal to their mean.

    Examples
    --------
    >>> round(smallest_visible_change(400), 2)
    0.1
    """
    return float(2 / np.sqrt(n_frauds))
