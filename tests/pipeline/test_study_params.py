import re

import pytest

from fraud_core.errors import ParameterError
from fraud_core.pipeline.params import read_params
from tests.conftest import ROOT


def changed(tmp_path, pattern: str, replacement: str):
    path = tmp_path / "params.yaml"
    text, count = re.subn(pattern, replacement, (ROOT / "params.yaml").read_text(), count=1)
    assert count == 1
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("pattern", "replacement"), [(r"rate: 0\.02 ", "rate: 1.08 "), (r"rate: 0\.02 ", "rate: many ")]
)
def test_rate_out_of_range_or_mistyped_is_refused(tmp_path, pattern, replacement):
    with pytest.raises(ParameterError, match=r"\$\.poisoning\.rate"):
        read_params(changed(tmp_path, pattern, replacement))


def test_unknown_attack_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"\$\.poisoning\.attack"):
        read_params(changed(tmp_path, "attack: legit_to_fraud", "attack: sideways"))


@pytest.mark.parametrize("name", ["none", "policy"])
def test_a_study_without_what_its_pages_compare_is_refused_before_it_runs(tmp_path, name):
    expected = rf"defences: expected none and policy .* add {name}.*quick\.poisoning"
    with pytest.raises(ParameterError, match=expected):
        read_params(changed(tmp_path, rf"    - {name}\n", ""))
