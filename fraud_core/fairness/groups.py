"""Groups of clients from the sensitive columns of a card, joined for evaluation only."""

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from fraud_core.data.card import DatasetCard
from fraud_core.errors import ParameterError
from fraud_core.fairness.audit import band

ONE_HOT = re.compile(r"(.+)_(\d+)")
# Codes of the credit-default table; a code that is not here, or not documented by its publishers, is "other".
WORDS = {
    "sex": {0: "man", 1: "woman"},
    "education": {1: "graduate school", 2: "university", 3: "high school"},
    "marriage": {1: "married", 2: "single"},
}


def join_groups(clients: pl.DataFrame, card: DatasetCard, *, age_bands: Sequence[int]) -> dict[str, np.ndarray]:
    """The group of each client by attribute, and by sex and age together where both are there.

    Parameters
    ----------
    age_bands
        Edges of the bands of a column ``AGE``, years.

    Raises
    ------
    ParameterError
        When a sensitive column holds a null, naming it.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_clients, toy_clients_card
    >>> sorted(join_groups(toy_clients(50, seed=0), toy_clients_card(), age_bands=[18, 40, 121]))
    ['age band', 'sex', 'sex and age']
    """
    found: dict[str, np.ndarray] = {}
    for name in card.names("sensitive"):
        if clients[name].null_count():
            raise ParameterError(
                f"{name}: expected a value in every row, {clients[name].null_count()} are null; drop those rows or "
                "give them a value of their own"
            )
        values, parts = clients[name].to_numpy(), ONE_HOT.fullmatch(name)
        if parts:
            attribute, code = parts[1].lower(), int(parts[2])
            group = found.setdefault(attribute, np.full(clients.height, "other", dtype="<U40"))
            group[values == 1] = WORDS.get(attribute, {}).get(code, "other" if attribute in WORDS else str(code))
        elif name == "AGE":
            found["age band"] = band(values, list(age_bands))
        else:
            known = WORDS.get(name.lower(), {})
            found[name.lower()] = np.array([known.get(value, str(value)) for value in values.tolist()])
    if {"sex", "age band"} <= set(found):
        found["sex and age"] = np.char.add(np.char.add(found["sex"], " "), found["age band"])
    return found
