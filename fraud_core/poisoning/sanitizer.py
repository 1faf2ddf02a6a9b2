"""The defences behind the protocols of scikit-learn and
imbalanced-learn: clean labels, then fit any classifier.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.context import defence_context
from fraud_core.poisoning.defences.registry import defend

Seed = int | np.random.RandomState | None
# scikit-learn has no stubs; a checker takes its defaults, which are words, for all it accepts.
_validate = cast(Callable[..., Any], validate_data)
LARGEST_SEED = 2**31 - 1


class LabelSanitizer(BaseEstimator):
    """Drop rows whose labels a defence does not believe; imbalanced-learn's protocol of a sampler.

    Parameters
    ----------
    defence
        A name of `fraud_core.poisoning.defences.registry.DEFENCES` that needs no label source.
    trusted_share
        Share of the rows, the last ones, whose labels are taken as true and never dropped, in [0,
        1).
    random_state
        Seed of the defence's own models; an integer is handed on as it is.

    Attributes
    ----------
    sample_indices_
        Shape (n_kept,), numbers of the rows that were kept.
    classes_
        Both labels, sorted; the second is the fraud.

    Notes
    -----
    A class that a defence would drop whole is kept as it is, so that there is something to learn.

    Examples
    --------
    >>> X = np.concatenate([np.linspace(0.0, 1.0, 30), np.linspace(9.0, 10.0, 30)])[:, None]
    >>> y = np.repeat([0, 1], 30)
    >>> y[3] = 1
    >>> sanitizer = LabelSanitizer(defence="knn")
    >>> len(sanitizer.fit_resample(X, y)[1]), 3 in sanitizer.sample_indices_
    (59, False)
    """

    def __init__(
        self, defence: str = "knn", trusted_share: float = 0.2, random_state: Seed = 1
    ) -> None:
        self.defence = defence
        self.trusted_share = trusted_share
        self.random_state = random_state

    def fit_resample(self, X: object, y: object) -> tuple[Any, Any]:
        """The rows that are kept, in their order and in the container that they came in.

        Parameters
        ----------
        X
            Shape (n_samples, n_features), finite.
        y
            Shape (n_samples,), two labels.

        Raises
        ------
        ValueError
            When the labels are not of two classes.
        ParameterError
            When the defence is unknown or the share is out of range.
        """
        cleaned = _cleaned(self, X, y)
        self.classes_, self.sample_indices_ = cleaned.classes, cleaned.index
        return _safe_indexing(X, self.sample_indices_), _safe_indexing(y, self.sample_indices_)


class DefendedClassifier(ClassifierMixin, BaseEstimator):
    """A binary classifier that is fitted on the rows that a defence keeps.

    Parameters
    ----------
    estimator
        A classifier, of which a clone is fitted; logistic regression on standardised features when
        None.
    defence, trusted_share, random_state
        As in `LabelSanitizer`.

    Attributes
    ----------
    estimator_
        The fitted clone.
    sample_indices_
        Shape (n_kept,), numbers of the rows that it was fitted on.
    classes_
        Both labels, sorted; the second is the fraud.

    Examples
    --------
    >>> X = np.concatenate([np.linspace(0.0, 1.0, 30), np.linspace(9.0, 10.0, 30)])[:, None]
    >>> DefendedClassifier().fit(X, np.repeat(["clean", "fraud"], 30)).predict(
    ...     [[0.5], [9.5]]
    ... ).tolist()
    ['clean', 'fraud']
    """

    def __init__(
        self,
        estimator: object = None,
        defence: str = "knn",
        trusted_share: float = 0.2,
        random_state: Seed = 1,
    ) -> None:
        self.estimator = estimator
        self.defence = defence
        self.trusted_share = trusted_share
        self.random_state = random_state

    def fit(self, X: object, y: object) -> "DefendedClassifier":
        """Clean the labels, then fit a clone of the estimator.

        Raises
        ------
        ValueError
            When the labels are not of two classes.
        ParameterError
            When the defence is unknown or the share is out of range.
        """
        cleaned = _cleaned(self, X, y)
        self.classes_, self.sample_indices_ = cleaned.classes, cleaned.index
        chosen = _default_estimator() if self.estimator is None else self.estimator
        self.estimator_ = cast(Any, clone(chosen))  # it may also clone containers of estimators
        self.estimator_.fit(cleaned.values[cleaned.index], cleaned.labels[cleaned.index])
        return self

    def predict(self, X: object) -> np.ndarray:
        """Labels, shape (n_samples,)."""
        return self._fitted().predict(_validate(self, X, reset=False))

    @available_if(lambda self: _offers(self, "predict_proba"))
    def predict_proba(self, X: object) -> np.ndarray:
        """Probabilities of both labels, shape (n_samples, 2)."""
        return self._fitted().predict_proba(_validate(self, X, reset=False))

    @available_if(lambda self: _offers(self, "decision_function"))
    def decision_function(self, X: object) -> np.ndarray:
        """What the estimator says for the second label, shape (n_samples,)."""
        return self._fitted().decision_function(_validate(self, X, reset=False))

    def _fitted(self) -> Any:
        check_is_fitted(self)
        return self.estimator_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class _Cleaned(NamedTuple):
    """Validated rows and labels, both labels sorted, and the numbers of the rows that are kept."""

    values: np.ndarray
    labels: np.ndarray
    classes: np.ndarray
    index: np.ndarray


def _cleaned(cleaner: "LabelSanitizer | DefendedClassifier", X: object, y: object) -> _Cleaned:
    """The rows of a cleaner's input, and those that its defence keeps."""
    values, labels = _validated(cleaner, X, y)
    classes, codes = _two_classes(labels)
    index = kept_rows(
        values,
        codes,
        defence=cleaner.defence,
        trusted_share=cleaner.trusted_share,
        random_state=cleaner.random_state,
    )
    return _Cleaned(values, labels, classes, index)


def _validated(estimator: BaseEstimator, X: object, y: object) -> tuple[np.ndarray, np.ndarray]:
    """Checked features and labels; what is refused raises ValueError."""
    return _validate(estimator, X, y, dtype="numeric", ensure_min_samples=2)


def kept_rows(
    X: np.ndarray, y: np.ndarray, *, defence: str, trusted_share: float, random_state: Seed
) -> np.ndarray:
    """Numbers of the rows that a defence keeps, all of a class that it would drop whole.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    y
        Shape (n_samples,), 0 or 1.
    defence, trusted_share, random_state
        As in `LabelSanitizer`.

    Raises
    ------
    ParameterError
        When the defence is unknown or the share is out of range.

    Examples
    --------
    >>> X, y = np.arange(4.0)[:, None], np.array([0, 0, 1, 1])
    >>> kept_rows(X, y, defence="none", trusted_share=0.25, random_state=1)
    array([0, 1, 2, 3])
    """
    if not 0 <= trusted_share < 1:
        raise ParameterError(f"trusted_share: expected a share in [0, 1), got {trusted_share!r}")
    n = len(y)
    last = np.arange(n) >= n - int(trusted_share * n)
    rows = Transactions(X, y, np.ones(n), is_validation=last)
    whole = isinstance(random_state, int | np.integer)
    seed = (
        int(random_state) if whole else int(check_random_state(random_state).randint(LARGEST_SEED))
    )
    kept = np.zeros(n, dtype=bool)
    kept[defend(defence, rows, defence_context(rows, seed=seed), seed=seed).kept_index] = True
    for label in (0, 1):
        if not kept[y == label].any():
            kept[y == label] = True
    return np.flatnonzero(kept)


def _two_classes(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    check_classification_targets(labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) > 2:
        kind = type_of_target(labels)
        raise ValueError(
            f"Only binary classification is supported. The type of the target is {kind}."
        )
    if len(classes) < 2:
        raise ValueError("y: expected labels of two classes, got only one class")
    return classes, codes


def _default_estimator() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _offers(model: DefendedClassifier, method: str) -> bool:
    own = getattr(model, "estimator_", model.estimator)
    return own is None or hasattr(own, method)
