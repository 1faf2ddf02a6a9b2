"""Rows of the study's table: a figure under a condition."""

from typing import Any

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import Measurement
from fraud_core.poisoning.study.conditions import Condition


def measured(
    condition: Condition, metric: str, figure: Estimate | float, **columns: Any
) -> Measurement:
    """A figure under a condition, as a row of the study's table.

    Parameters
    ----------
    condition
        What was done to the training labels.
    metric, figure
        Name of the figure, and the figure, with its interval where it has one.
    **columns
        Other columns of the row, such as ``defence``.

    Examples
    --------
    >>> measured(Condition("symmetric", 0.2), "recall", 0.4, defence="knn").poison_rate
    0.2
    """
    return Measurement.of(metric, figure, **condition.columns, **columns)
