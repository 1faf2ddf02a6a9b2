import numpy as np
import polars as pl
import pytest
from sklearn.base import is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_estimator

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences import context as contexts
from fraud_core.poisoning.defences.context import defence_context
from fraud_core.poisoning.defences.registry import defend
from fraud_core.poisoning.sanitizer import DefendedClassifier, LabelSanitizer

pytestmark = pytest.mark.xdist_group("poisoning")


@pytest.fixture(scope="module")
def flipped():
    """Two clouds, a third of the frauds called honest outside the last fifth."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    X = rng.normal(3.0 * y[:, None], 1.0, (300, 2))
    hidden = np.flatnonzero((y == 1) & (np.arange(300) < 240))[::3]
    seen = y.copy()
    seen[hidden] = 0
    return X, seen, hidden


def test_classifier_passes_the_checks_of_scikit_learn():
    results = check_estimator(DefendedClassifier(), on_skip=None)
    skipped = {result["check_name"] for result in results if result["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}  # needs SCIPY_ARRAY_API=1 before SciPy is imported
    assert {result["status"] for result in results} <= {"passed", "skipped"}


def test_rows_kept_are_those_of_the_defence(flipped):
    X, y, hidden = flipped
    rows = Transactions(X, y, np.ones(300), is_validation=np.arange(300) >= 240)
    expected = defend("knn", rows, defence_context(rows, seed=1), seed=1).kept_index
    sanitizer = LabelSanitizer(defence="knn", trusted_share=0.2, random_state=1)
    kept, labels = sanitizer.fit_resample(X, y)
    np.testing.assert_array_equal(sanitizer.sample_indices_, expected)
    np.testing.assert_array_equal(kept, X[expected])
    np.testing.assert_array_equal(labels, y[expected])
    assert np.isin(hidden, expected).mean() < 0.2
    assert np.isin(np.arange(240, 300), expected).all()


def test_table_comes_back_as_a_table(flipped):
    X, y, _ = flipped
    frame = pl.DataFrame(X, schema=["a", "b"])
    kept, _ = LabelSanitizer().fit_resample(frame, y)
    assert isinstance(kept, pl.DataFrame)
    assert kept.columns == ["a", "b"]


def test_knn_computes_its_neighbours_alone_and_asks_for_no_trusted_fraud(flipped, monkeypatch):
    def refuse(*args, **settings):
        raise AssertionError("computed what knn does not need")

    for name in ("quantise", "out_of_fold_scores", "detect"):
        monkeypatch.setattr(contexts, name, refuse)
    X, y, _ = flipped
    honest_last = np.argsort(-y, kind="stable")
    DefendedClassifier(defence="knn").fit(X[honest_last], y[honest_last])
    LabelSanitizer(defence="knn", trusted_share=0.0).fit_resample(X, y)


def test_other_defences_compute_what_they_need(flipped):
    X, y, hidden = flipped
    for defence in ("none", "micro_models", "out_of_fold"):
        sanitizer = LabelSanitizer(defence=defence)
        sanitizer.fit_resample(X, y)
        assert np.isin(hidden, sanitizer.sample_indices_).all() == (defence == "none"), defence


def test_class_that_would_be_dropped_whole_is_kept():
    X = np.linspace(0.0, 1.0, 40)[:, None]
    y = np.zeros(40, dtype=int)
    y[[5, 25]] = 1
    kept, labels = LabelSanitizer(defence="knn").fit_resample(X, y)
    assert len(kept) == 40
    assert labels.sum() == 2


def test_defence_is_a_setting_of_a_search_in_a_pipeline(flipped):
    X, y, _ = flipped
    pipeline = make_pipeline(StandardScaler(), DefendedClassifier(LogisticRegression()))
    search = GridSearchCV(pipeline, {"defendedclassifier__defence": ["none", "knn"]}, cv=3).fit(
        X, y
    )
    assert is_classifier(pipeline)
    assert set(search.cv_results_["param_defendedclassifier__defence"]) == {"none", "knn"}
    assert search.predict_proba(X).shape == (300, 2)


def test_methods_are_those_of_the_estimator():
    assert not hasattr(DefendedClassifier(LinearSVC()), "predict_proba")
    assert hasattr(DefendedClassifier(LinearSVC()), "decision_function")
    assert hasattr(DefendedClassifier(), "predict_proba")


def test_wrong_settings_are_refused(flipped):
    X, y, _ = flipped
    with pytest.raises(
        ParameterError, match=r"trusted_share: expected a share in \[0, 1\), got 1.0"
    ):
        LabelSanitizer(trusted_share=1.0).fit_resample(X, y)
    with pytest.raises(ParameterError, match="defence: expected one of none"):
        LabelSanitizer(defence="magic").fit_resample(X, y)
    with pytest.raises(ParameterError, match="provenance: expected a source"):
        LabelSanitizer(defence="provenance").fit_resample(X, y)
    with pytest.raises(ValueError, match="Only binary classification"):
        LabelSanitizer().fit_resample(X, np.arange(300) % 3)
