import re

import pytest

from fraud_core.errors import ParameterError
from fraud_core.pipeline.params import STUDIES, notebook_parameters, read_params
from tests.conftest import ROOT


@pytest.fixture
def params():
    return read_params(ROOT / "params.yaml")


def changed(tmp_path, pattern: str, replacement: str):
    path = tmp_path / "params.yaml"
    text, count = re.subn(pattern, replacement, (ROOT / "params.yaml").read_text(), count=1)
    assert count == 1
    path.write_text(text)
    return path


def test_unknown_key_is_refused_by_name(tmp_path):
    path = changed(tmp_path, r"  seed: 20\n", "  seed: 20\n  sede: 21\n")
    with pytest.raises(ParameterError, match=r"unknown field `sede` - at `\$\.poison`"):
        read_params(path)


def test_missing_key_is_refused_by_name(tmp_path):
    with pytest.raises(ParameterError, match="missing required field `seed`"):
        read_params(changed(tmp_path, r"  seed: 20\n", ""))


def test_missing_file_says_how_to_get_it_back(tmp_path):
    with pytest.raises(ParameterError, match="git checkout"):
        read_params(tmp_path / "params.yaml")


def test_study_receives_its_own_and_the_shared_sections(params):
    found = notebook_parameters(params, "baseline", "quick")
    assert found["n_replicates"] == params.quick.baseline.n_replicates
    assert found["decision"]["alert_budget"] == params.decision.alert_budget
    assert set(notebook_parameters(params, "data", "quick")) == {"n_examples"}


def test_sweep_receives_the_point(params):
    assert notebook_parameters(params, "sweep", "quick")["rate"] == params.poisoning.rate


@pytest.mark.parametrize(("study", "profile"), [("nothing", "quick"), ("data", "slow")])
def test_unknown_study_or_profile_is_refused(params, study, profile):
    with pytest.raises(ParameterError, match="expected a study among"):
        notebook_parameters(params, study, profile)


def test_full_spends_at_least_as_much_as_quick_and_asks_the_same(params):
    for study in STUDIES:
        quick, full = (notebook_parameters(params, study, profile) for profile in ("quick", "full"))
        assert set(quick) == set(full)
        for name in (n for n in quick if n.startswith("n_")):
            assert full[name] >= quick[name], (study, name)


def test_sweep_changes_the_line_of_its_parameter_alone(tmp_path):
    """DVC writes the whole file again at `dvc exp run -S`;
    in another layout than its own most lines would change.
    """
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    before = (ROOT / "params.yaml").read_text()
    path.write_text(before)
    apply_overrides(str(path), ["poisoning.rate=0.5"])
    expected = re.sub(r"(?m)^  rate: 0\.02 ", "  rate: 0.5  ", before)
    assert path.read_text() == expected


@pytest.mark.parametrize("value", ["5e-05", "1e-4", "0.00005"])
def test_a_small_share_is_a_number_however_it_is_written(project, value):
    path = project / "params.yaml"
    text = path.read_text()
    path.write_text(re.sub(r"(?m)^  alert_budget: \S+", f"  alert_budget: {value}", text, count=1))
    assert read_params(path).decision.alert_budget == float(value)
