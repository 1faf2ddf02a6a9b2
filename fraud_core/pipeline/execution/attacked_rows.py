"""Training rows under each attack of a study, drawn several times."""

from collections.abc import Mapping

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.model.estimators import FittedEstimator
from fraud_core.poisoning.attacks.definition import ThreatModel
from fraud_core.poisoning.attacks.registry import attack
from fraud_core.poisoning.study.cells import simulated_sources


def attacked_rows(
    rows: Transactions,
    attacks: Mapping[str, float],
    fitted: FittedEstimator,
    *,
    n_draws: int,
    rng: np.random.Generator,
) -> dict[str, list[Transactions]]:
    """What the trainer sees after each attack, by attack, one entry for each draw.

    Parameters
    ----------
    rows
        v0 with true labels.
    attacks
        Share of the attacked class, in [0, 1], by attack.
    fitted
        A model of the clean rows: what the attacker at the boundary knows.

    Raises
    ------
    ParameterError
        When an attack or its rate is unknown to `fraud_core.poisoning.attacks.registry.attack`.

    Examples
    --------
    >>> from fraud_core.model.estimators import EstimatorConfig
    >>> from fraud_core.pipeline.storage.dataset_versions import open_versions
    >>> rows = open_versions("toy").training_rows
    >>> fitted = EstimatorConfig("logistic_regression").fit(rows.X, rows.y_observed)
    >>> poisoned = attacked_rows(
    ...     rows, {"margin_based": 0.5}, fitted, n_draws=2, rng=np.random.default_rng(0)
    ... )
    >>> (
    ...     len(poisoned["margin_based"]),
    ...     int(poisoned["margin_based"][0].y_observed.sum() * 2) == int(rows.y_observed.sum()),
    ... )
    (2, True)
    """
    known = ThreatModel(
        log_odds=fitted.decision_function(rows.X), source=simulated_sources(len(rows.y_observed))
    )
    return {
        name: [attack(name, rows, rate, rng=rng, knowledge=known).rows for _ in range(n_draws)]
        for name, rate in attacks.items()
    }
