"""Groups of clients or payments from the sensitive
columns of a card, joined for evaluation only.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.errors import ParameterError

ONE_HOT = re.compile(r"(.+)_(\d+)")
MOST_VALUES = 10
# Codes of the credit-default table; a code that is not here, or not documented by its publishers,
# is "other".
WORDS = {
    "sex": {0: "man", 1: "woman"},
    "education": {1: "graduate school", 2: "university", 3: "high school"},
    "marriage": {1: "married", 2: "single"},
}


def join_groups(
    clients: pl.DataFrame, card: DatasetCard, *, age_bands: Sequence[int]
) -> dict[str, np.ndarray]:
    """The group of each row by attribute, and by two attributes together.

    Parameters
    ----------
    age_bands
        Edges of the bands of a column whose name holds the word age, years.

    Returns
    -------
    dict
        Groups of shape (n_rows,) by attribute. One-hot columns are one attribute. Another number
        with more than ten values is banded at its quartiles. The two attributes that are joined are
        sex and age where both are there, else the first two of the card.

    Raises
    ------
    ParameterError
        When a sensitive column holds a null, or an age lies outside the bands, naming it.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_clients, toy_clients_card
    >>> sorted(join_groups(toy_clients(50, seed=0), toy_clients_card(), age_bands=[18, 40, 121]))
    ['age band', 'sex', 'sex and age']
    """
    groups: dict[str, np.ndarray] = {}
    for name in card.names("sensitive"):
        if clients[name].null_count():
            raise ParameterError(
                f"{name}: expected a value in every row, {clients[name].null_count()} are null; "
                "drop those rows or "
                "give them a value of their own"
            )
        parts = ONE_HOT.fullmatch(name)
        if parts and card.column(name).type == "int" and card.column(name).max == 1:
            attribute, code = parts[1].lower(), int(parts[2])
            group = groups.setdefault(attribute, np.full(clients.height, "other", dtype="<U40"))
            known = WORDS.get(attribute, {}).get(code, "other" if attribute in WORDS else str(code))
            group[clients[name].to_numpy() == 1] = known
        else:
            attribute, group = _groups_of(name, clients[name], age_bands)
            groups[attribute] = group
    joined = ("sex", "age band") if {"sex", "age band"} <= set(groups) else tuple(groups)[:2]
    if len(joined) == 2:
        first, second = joined
        groups[f"{first} and {second.removesuffix(' band')}"] = np.char.add(
            np.char.add(groups[first], " "), groups[second]
        )
    return groups


def _groups_of(name: str, values: pl.Series, age_bands: Sequence[int]) -> tuple[str, np.ndarray]:
    """The name of an attribute and the group of each row, from a column that is not one-hot."""
    words = re.split(r"[^a-z]+", name.lower())
    if "age" in words and values.dtype.is_numeric():
        return "age band", band(values.to_numpy(), list(age_bands))
    if values.dtype.is_numeric() and values.n_unique() > MOST_VALUES:
        edges = np.unique(np.quantile(values.to_numpy(), [0.25, 0.5, 0.75]))
        names = np.array([f"below {edges[0]:g}", *(f"from {edge:g}" for edge in edges)])
        return name.lower(), names[np.searchsorted(edges, values.to_numpy(), side="right")]
    known = WORDS.get(name.lower(), {})
    return name.lower(), np.array([str(known.get(value, value)) for value in values.to_list()])


def band(values: np.ndarray, edges: Sequence[int]) -> np.ndarray:
    """Name the band of each value: ``edges[k]`` to ``edges[k + 1] − 1``, both included.

    Raises
    ------
    ParameterError
        When a value lies outside the edges.

    Examples
    --------
    >>> band(np.array([18, 30, 45]), [18, 30, 60])
    array(['18-29', '30-59', '30-59'], dtype='<U5')
    """
    if values.min() < edges[0] or values.max() >= edges[-1]:
        raise ParameterError(
            f"age_bands: expected edges around {values.min()} to {values.max()}, got {edges[0]} "
            f"to {edges[-1]}"
        )
    names = np.array([f"{low}-{high - 1}" for low, high in pairwise(edges)])
    return names[np.searchsorted(edges, values, side="right") - 1]
