"""The section ``model`` of the parameters: the estimators,
their settings, and the one that the studies fit.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from fraud_core.errors import ParameterError
from fraud_core.model.calibration import Method
from fraud_core.model.estimators import EstimatorConfig


class EstimatorParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One estimator: its settings under the names of
    its library, and how its scores are calibrated.
    """

    settings: dict[str, Any] = {}
    calibration: Method = "platt"


class ModelParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is fitted.

    Attributes
    ----------
    seed, n_threads
        Of every fit.
    estimators
        By name: one of `fraud_core.model.estimators.REGISTRY`, or ``module:Class`` for a class of
        your own.
    studied
        The estimator that the studies of poisoning, drift, fairness and explanation fit.
    candidates
        Estimators that can be served; the best on the validation hours is trained.
    """

    seed: int
    n_threads: Annotated[int, msgspec.Meta(ge=1)]
    estimators: dict[str, EstimatorParameters]
    studied: str = "catboost"
    candidates: list[str] = msgspec.field(default_factory=lambda: ["catboost"])

    def config(self, name: str | None = None) -> EstimatorConfig:
        """The configuration of one estimator; of `studied` without a name.

        Raises
        ------
        ParameterError
            When the section does not describe it.
        """
        wanted = self.studied if name is None else name
        if wanted not in self.estimators:
            raise ParameterError(
                f"model.estimators: expected an entry for {wanted!r}, found "
                f"{', '.join(self.estimators)}"
            )
        own = self.estimators[wanted]
        return EstimatorConfig(wanted, own.settings, self.seed, self.n_threads, own.calibration)

    def configs(self) -> dict[str, EstimatorConfig]:
        """The configuration of every estimator, by name."""
        return {name: self.config(name) for name in self.estimators}


def read_model_parameters(section: Mapping[str, Any]) -> ModelParameters:
    """The section as a struct; unknown keys are refused.

    Raises
    ------
    ParameterError
        When a key is unknown or a value of another type.

    Examples
    --------
    >>> section = {
    ...     "seed": 1,
    ...     "n_threads": 1,
    ...     "estimators": {"catboost": {"settings": {"iterations": 30}}},
    ... }
    >>> read_model_parameters(section).config().settings
    {'iterations': 30}
    """
    try:
        return msgspec.convert(section, ModelParameters)
    except msgspec.ValidationError as error:
        raise ParameterError(f"model: {error}") from error
