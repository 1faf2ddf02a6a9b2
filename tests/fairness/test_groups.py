import numpy as np
import pytest

from fraud_core.errors import ParameterError
from fraud_core.fairness.groups import band


def test_bands_by_hand_and_values_outside_are_refused():
    assert band(np.array([18, 39, 40]), [18, 40, 121]).tolist() == ["18-39", "18-39", "40-120"]
    with pytest.raises(ParameterError, match="age_bands"):
        band(np.array([17]), [18, 40, 121])
