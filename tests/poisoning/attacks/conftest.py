"""Training rows of the toy data, and what an attacker may know of them."""

import numpy as np
import pytest

from fraud_core.poisoning.attacks.definition import ThreatModel


@pytest.fixture(scope="session")
def rows(versions):
    return versions.training_rows


@pytest.fixture(scope="session")
def known(rows):
    n = len(rows.y_observed)
    return ThreatModel(
        log_odds=np.linspace(-5, 5, n),
        source=np.arange(n) % 3 == 0,
        group=np.where(np.arange(n) % 3 == 0, "a", "b"),
    )
