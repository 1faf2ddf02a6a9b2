"""A pool of rows whose frauds lie apart, and windows of known cause drawn from it."""

import numpy as np
import pytest

from fraud_core.drift.attribution import attributor as attribution
from fraud_core.drift.attribution.discrepancy import LabelledWindow, measure_discrepancy
from fraud_core.drift.attribution.scenarios import make_pool, simulate


@pytest.fixture(scope="session")
def pool():
    rng = np.random.default_rng(5)
    n, frauds = 12_000, 240
    features, y = rng.normal(size=(n, 5)), np.zeros(n, dtype=int)
    y[:frauds] = 1
    features[:frauds, 0] += 4.0
    probability = 1 / (1 + np.exp(-(3 * features[:, 0] - 9)))
    return make_pool(LabelledWindow(features, y, probability), np.zeros(n, bool))


@pytest.fixture(scope="session")
def discrepancy_of(pool):
    def gather(cause, severity, seed=0):
        rng = np.random.default_rng(seed)
        return measure_discrepancy(*simulate([pool], cause, severity, rng=rng), rng=rng)

    return gather


@pytest.fixture(autouse=True, scope="session")
def few_trees():
    """Forests of a tenth of the size: what is tested here does not hang on the last percent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attribution, "TREES", 20)
        yield
