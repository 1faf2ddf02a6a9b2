"""Rows as other protocols send them, and the scores of the model that serves."""

import numpy as np
import pytest

from fraud_core.bundle.load import load_bundle

ROWS = 5


@pytest.fixture(scope="session")
def bundle(champion):
    return load_bundle(champion).bundle


@pytest.fixture
def rows(transactions):
    return [
        {name: value for name, value in row.items() if name != "Time"}
        for row in transactions[:ROWS]
    ]


@pytest.fixture
def expected(bundle, rows):
    names = bundle.contract.model_features
    return bundle.probability(np.array([[row[name] for name in names] for row in rows])).tolist()
