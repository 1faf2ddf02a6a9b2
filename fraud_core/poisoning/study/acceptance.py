"""Acceptance of the defence: what a study is asked to reach, as criteria, and what came out.

The criteria of a table are data, `data/criteria/<card>.poisoning.yaml`. A criterion is reached when
the figure itself keeps the limit; the interval beside it says how far that can be trusted. A figure
that keeps or misses the limit with an interval that reaches over it is marked so in words.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from fraud_core.data.yaml_text import decode_yaml
from fraud_core.errors import ParameterError
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.evaluation.verdicts import Verdict


class AcceptanceCriterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One limit on one figure of the study.

    Attributes
    ----------
    metric
        Metric of the study's table.
    words
        What it means.
    bound, limit
        What is asked; the limit is in the unit of the figure.
    reason
        Why it was missed, should it be; empty when no cause was found.
    attack, poison_rate
        The condition that the figure is of; None for a figure of the whole study.
    defence
        Whose figure it is; None for one of the attack, of the scan or of the whole study.
    measured_with
        A metric that is there whenever the study measured what the criterion is about. With it and
        without the criterion's own figure, which has no bound then, it is not assessable.
    """

    metric: str
    words: str
    bound: Literal["at least", "at most"]
    limit: float
    reason: str = ""
    attack: str | None = None
    poison_rate: float | None = None
    defence: str | None = None
    measured_with: str = ""

    @property
    def asked(self) -> str:
        """What is asked, such as ``at most 0.01``."""
        return f"{self.bound} {self.limit:g}"

    def kept_by(self, value: float) -> bool:
        """Whether a value keeps the limit.

        Examples
        --------
        >>> asked = AcceptanceCriterion(metric="loss", words="", bound="at most", limit=0.005)
        >>> asked.kept_by(0.004)
        True
        """
        return value <= self.limit if self.bound == "at most" else value >= self.limit

    def measured_in(self, table: StudyTable) -> Measurement | None:
        """The figure in a table; None when the study has none, under this condition."""
        asked = self._columns()
        return table.only(self.metric, **asked) if table.has(self.metric, **asked) else None

    def not_assessable_in(self, table: StudyTable) -> bool:
        """Whether the study asked the question and its figure has no bound."""
        asked = bool(self.measured_with) and table.has(self.measured_with, **self._columns())
        return asked and self.measured_in(table) is None

    def _columns(self) -> dict[str, Any]:
        return {"attack": self.attack, "poison_rate": self.poison_rate, "defence": self.defence}


def decode_criteria(text: bytes, *, name: str) -> list[AcceptanceCriterion]:
    """The criteria of a YAML file.

    Parameters
    ----------
    text
        A list of criteria.
    name
        Of the file, for messages.

    Raises
    ------
    ParameterError
        When an entry has unknown keys, wrong types or no limit.

    Examples
    --------
    >>> decode_criteria(
    ...     b"[{metric: harm, words: loss, bound: at most, limit: 0.1}]", name="t.yaml"
    ... )[0].asked
    'at most 0.1'
    """
    try:
        return decode_yaml(text, list[AcceptanceCriterion])
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ParameterError(f"{name}: expected a list of criteria, {error}; correct it") from error


def acceptance_figures(
    table: StudyTable, criteria: Sequence[AcceptanceCriterion]
) -> dict[str, int]:
    """How many of the criteria whose figure was measured are reached.

    Examples
    --------
    >>> from fraud_core.poisoning.study.condition_rows import measured
    >>> from fraud_core.poisoning.study.conditions import CLEAN
    >>> asked = AcceptanceCriterion(
    ...     metric="cost", words="c", bound="at most", limit=0.1, attack="clean", defence="policy"
    ... )
    >>> rows = [measured(CLEAN, "cost", 0.0, defence="policy")]
    >>> table = StudyTable.from_measurements(rows, table="toy", study="poisoning")
    >>> acceptance_figures(table, [asked])
    {'acceptance.measured': 1, 'acceptance.reached': 1, 'acceptance.not_assessable': 0}
    """
    looked_up = [(asked, asked.measured_in(table)) for asked in criteria]
    measured = [(asked, row) for asked, row in looked_up if row is not None]
    return {
        "acceptance.measured": len(measured),
        "acceptance.reached": sum(asked.kept_by(row.value) for asked, row in measured),
        "acceptance.not_assessable": sum(asked.not_assessable_in(table) for asked in criteria),
    }


def acceptance_table(
    table: StudyTable, criteria: Sequence[AcceptanceCriterion]
) -> list[dict[str, Any]]:
    """The criteria as rows: asked, measured with its interval, verdict, and the reason of a miss.

    Parameters
    ----------
    table
        Figures of the study; a criterion whose figure is absent (another profile, another rate)
        has no row.
    """
    rows = []
    for criterion in criteria:
        row = criterion.measured_in(table)
        if row is not None:
            rows.append(
                {
                    "criterion": criterion.words,
                    "asked": criterion.asked,
                    "measured": row.interval,
                    "verdict": _verdict(criterion, row.interval),
                    "reason": "" if criterion.kept_by(row.value) else criterion.reason,
                }
            )
        elif criterion.not_assessable_in(table):
            rows.append(_unbounded(criterion))
    return rows


def _unbounded(criterion: AcceptanceCriterion) -> dict[str, Any]:
    return {
        "criterion": criterion.words,
        "asked": criterion.asked,
        "measured": "no bound",
        "verdict": Verdict.NOT_ASSESSABLE.value,
        "reason": "the loss without a defence is not beyond the null band, so a share of it has "
        "no bound",
    }


def _verdict(criterion: AcceptanceCriterion, measured: Estimate) -> str:
    missed_by = abs(measured.value - criterion.limit)
    word = "reached" if criterion.kept_by(measured.value) else f"not reached by {missed_by:.2g}"
    both = criterion.kept_by(measured.ci_low) == criterion.kept_by(measured.ci_high)
    return word if both else f"{word}, uncertain"
