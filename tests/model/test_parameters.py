import pytest

from fraud_core.errors import ParameterError
from fraud_core.model.parameters import read_model_parameters

SECTION = {
    "seed": 7,
    "n_threads": 2,
    "studied": "logistic_regression",
    "estimators": {
        "logistic_regression": {"settings": {"C": 0.1}, "calibration": "intercept"},
        "catboost": {},
    },
}


def test_each_estimator_has_its_own_settings_and_the_shared_seed_and_threads():
    found = read_model_parameters(SECTION).configs()
    assert list(found) == ["logistic_regression", "catboost"]
    assert [config.settings for config in found.values()] == [{"C": 0.1}, {}]
    assert [config.calibration for config in found.values()] == ["intercept", "platt"]
    assert {(config.seed, config.n_threads) for config in found.values()} == {(7, 2)}


def test_estimator_without_a_name_is_the_one_that_is_studied():
    parameters = read_model_parameters(SECTION)
    assert parameters.config() == parameters.config("logistic_regression")
    with pytest.raises(ParameterError, match="expected an entry for 'svm', found logistic_regr"):
        parameters.config("svm")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": 1}, "unknown field `colour`"),
        ({"n_threads": 0}, r"\$\.n_threads"),
        ({"seed": "x"}, r"\$\.seed"),
        ({"estimators": {"catboost": {"calibration": "guess"}}}, "calibration"),
        ({"estimators": {"catboost": {"setting": {}}}}, "unknown field `setting`"),
    ],
)
def test_wrong_section_is_refused_by_name(change, words):
    with pytest.raises(ParameterError, match=f"model: .*{words}"):
        read_model_parameters(SECTION | change)
