"""Table of the selection: the candidate on the holdout, its operating points, and the policy under
other assumptions.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from fraud_core.evaluation.bootstrap import Estimate, interval
from fraud_core.evaluation.reliability import expected_over_observed
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.policy.operating_points import OperatingResult
from fraud_core.policy.operating_study import OperatingStudy

STUDY, CANDIDATE = "select", "candidate"


def selection_table(
    replicates: Mapping[str, np.ndarray],
    saving: Estimate,
    y_true: np.ndarray,
    probability: np.ndarray,
    decided: OperatingStudy,
    *,
    table: str,
) -> StudyTable:
    """The metrics of the selection.

    Parameters
    ----------
    replicates
        Of the candidate, by metric; each of shape (n_replicates + 1,).
    saving
        Against having no model, in euros.
    y_true, probability
        Shape (n_samples,), of the holdout.
    decided
        The operating points, as the group of a row, and the policy under other assumptions, whose
        words are the group of theirs.
    table
        Name of the data.
    """
    rows = [
        *(
            Measurement.of(name, interval(drawn), model=CANDIDATE)
            for name, drawn in replicates.items()
        ),
        Measurement.of("saving_eur", saving, model=CANDIDATE),
        Measurement.of("expected_frauds", float(probability.sum()), model=CANDIDATE),
        Measurement.of("observed_frauds", float(y_true.sum()), model=CANDIDATE),
        Measurement.of(
            "expected_over_observed", expected_over_observed(y_true, probability), model=CANDIDATE
        ),
    ]
    for name, point in decided.points.items():
        rows += _point_rows(point, name)
    for words, point in decided.assumed.items():
        rows += _point_rows(point, f"policy, {words}")
    return StudyTable.from_measurements(rows, table=table, study=STUDY)


def _point_rows(point: OperatingResult, group: str) -> Iterator[Measurement]:
    for name in point.__dataclass_fields__:
        yield Measurement.of(name, getattr(point, name), model=CANDIDATE, group=group)
    yield Measurement.of("alerts", point.alerts, model=CANDIDATE, group=group)
