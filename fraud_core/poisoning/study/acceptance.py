"""Acceptance of the defence: what it was asked to reach before it was measured, and what came out.

The limits were set before any figure of the sealed holdout was seen and are never moved afterwards.
A goal is reached when the figure itself keeps the limit; the interval beside it says how far that
can be trusted. An estimate that keeps or misses the limit with an interval that reaches over it is
marked so in words.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import Measurement, StudyTable
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.poisoning.defences.registry import SELECTOR
from fraud_core.poisoning.study.conditions import CLEAN, Condition

AT_LEAST, AT_MOST = "at least", "at most"


@dataclass(frozen=True)
class Goal:
    """One limit on one figure of the study.

    Attributes
    ----------
    metric
        Metric of the study's table.
    words
        What it means.
    bound
        `AT_LEAST` or `AT_MOST`.
    limit
        In the unit of the figure.
    reason
        Why it was missed, should it be; empty when no cause was found.
    condition
        The attack and its rate; None for a figure of the whole study.
    defence
        Whose figure it is; None for one of the attack, of the scan or of the whole study.
    measured_with
        A metric that is there whenever the study measured what the goal is about. With it and
        without the goal's own figure, which has no bound then, the goal is not assessable.
    """

    metric: str
    words: str
    bound: str
    limit: float
    reason: str = ""
    condition: Condition | None = None
    defence: str | None = None
    measured_with: str = ""

    def kept_by(self, value: float) -> bool:
        """Whether a value keeps the limit.

        Examples
        --------
        >>> Goal("clean_accuracy_cost", "loss on clean data", AT_MOST, 0.005).kept_by(0.004)
        True
        """
        return value >= self.limit if self.bound == AT_LEAST else value <= self.limit

    def measured_in(self, table: StudyTable) -> Measurement | None:
        """The figure in a table; None when the study has none, under this condition."""
        return (
            table.only(self.metric, **self._columns())
            if table.has(self.metric, **self._columns())
            else None
        )

    def not_assessable_in(self, table: StudyTable) -> bool:
        """Whether the study asked the question and its figure has no bound."""
        asked = bool(self.measured_with) and table.has(self.measured_with, **self._columns())
        return asked and self.measured_in(table) is None

    def _columns(self) -> dict[str, Any]:
        condition = (
            {"attack": None, "poison_rate": None}
            if self.condition is None
            else self.condition.columns
        )
        return condition | {"defence": self.defence}


FEW_FRAUDS = "what removed frauds would have taught cannot be learnt from the rest"
NEAR_FRAUDS = (
    "where a mode is hidden, its remaining frauds are too few to tell all of it from "
    "legitimate payments"
)
COST = (
    "within `placebo.expected_cost_eur_floor_of_mean`, more than a tenth of the cost: a few "
    "large frauds decide"
)
TRIGGER = "the search does not find the trigger in every draw"
RANKS = "two or three frauds of day 2 change rank; the interval holds zero"
MIXED = "its order mixes hidden frauds with honest payments that resemble fraud"
FALSE_FRAUDS = tuple(
    (Condition("legit_to_fraud", rate), f"false frauds {rate:.0%}") for rate in (0.02, 0.08, 0.2)
)
NOISY = (*FALSE_FRAUDS, (Condition("symmetric", 0.08), "symmetric 8%"))
SYMMETRIC_20 = Condition("symmetric", 0.2)


def _given_back(attack: str, words: str, reason: str) -> Goal:
    condition = Condition(attack, 0.5)
    return Goal(
        "recovery_rate",
        words,
        AT_LEAST,
        0.9,
        reason,
        condition,
        SELECTOR,
        measured_with="average_precision_recovered",
    )


GOALS = (
    _given_back(
        "fraud_to_legit", "half the frauds hidden: share of the loss given back", FEW_FRAUDS
    ),
    _given_back("targeted_mode", "half hidden by mode: share of the loss given back", NEAR_FRAUDS),
    *(
        Goal(
            "average_precision_gap",
            f"{words}: average precision lost",
            AT_MOST,
            0.01,
            RANKS,
            condition,
            SELECTOR,
        )
        for condition, words in NOISY
    ),
    *(
        Goal(
            "cost_ratio",
            f"{words}: cost of day 2 against clean",
            AT_MOST,
            1.1,
            COST,
            condition,
            SELECTOR,
        )
        for condition, words in NOISY
    ),
    Goal(
        "kept",
        "symmetric 20%: share of average precision kept",
        AT_LEAST,
        0.9,
        condition=SYMMETRIC_20,
        defence=SELECTOR,
    ),
    Goal(
        "kept",
        "symmetric 40%: share of average precision kept",
        AT_LEAST,
        0.75,
        condition=Condition("symmetric", 0.4),
        defence=SELECTOR,
    ),
    Goal(
        "recovered_frauds_precision",
        "symmetric 20%: precision of the frauds found again",
        AT_LEAST,
        0.9,
        condition=SYMMETRIC_20,
    ),
    Goal(
        "recovered_frauds_recall",
        "symmetric 20%: share of the surviving frauds found again",
        AT_LEAST,
        0.5,
        condition=SYMMETRIC_20,
    ),
    Goal(
        "clean_accuracy_cost",
        "clean data: average precision lost by the policy",
        AT_MOST,
        0.005,
        condition=CLEAN,
        defence=SELECTOR,
    ),
    Goal(
        "success_rate",
        "backdoor: share of triggered frauds that pass",
        AT_MOST,
        0.1,
        TRIGGER,
        Condition("backdoor", 0.1),
        SELECTOR,
    ),
    Goal(
        "scan_average_precision",
        "scan, half of the frauds hidden: average precision of its flags",
        AT_LEAST,
        0.85,
        MIXED,
        Condition("fraud_to_legit", 0.5),
    ),
    *(
        Goal(
            "scan_average_precision",
            f"scan, {words}: average precision of its flags",
            AT_LEAST,
            0.99,
            "",
            condition,
        )
        for condition, words in FALSE_FRAUDS
    ),
    Goal("gate_false_promotion_rate", "gate: equally good models promoted", AT_MOST, 0.05),
)


def goal_figures(table: StudyTable, goals: Iterable[Goal] = GOALS) -> dict[str, int]:
    """How many of the goals whose figure was measured are reached.

    Examples
    --------
    >>> rows = [CLEAN.measured("clean_accuracy_cost", 0.0, defence=SELECTOR)]
    >>> goal_figures(StudyTable.from_measurements(rows, table="toy", study="poisoning"))
    {'goals.measured': 1, 'goals.reached': 1, 'goals.not_assessable': 0}
    """
    asked = list(goals)
    measured = [(goal, row) for goal in asked if (row := goal.measured_in(table)) is not None]
    return {
        "goals.measured": len(measured),
        "goals.reached": sum(goal.kept_by(row.value) for goal, row in measured),
        "goals.not_assessable": sum(goal.not_assessable_in(table) for goal in asked),
    }


def goal_table(table: StudyTable, goals: Iterable[Goal] = GOALS) -> list[dict[str, Any]]:
    """The goals as rows: asked, measured with its interval, verdict, and the reason of a miss.

    Parameters
    ----------
    table
        Figures of the study; a goal whose figure is absent (another profile, another rate) has no
        row.
    """
    rows = []
    for goal in goals:
        row = goal.measured_in(table)
        if row is not None:
            rows.append(
                {
                    "goal": goal.words,
                    "asked": f"{goal.bound} {goal.limit:g}",
                    "measured": row.interval,
                    "verdict": _verdict(goal, row.interval),
                    "reason": "" if goal.kept_by(row.value) else goal.reason,
                }
            )
        elif goal.not_assessable_in(table):
            rows.append(_unbounded(goal))
    return rows


def _unbounded(goal: Goal) -> dict[str, Any]:
    return {
        "goal": goal.words,
        "asked": f"{goal.bound} {goal.limit:g}",
        "measured": "no bound",
        "verdict": Verdict.NOT_ASSESSABLE.value,
        "reason": "the loss without a defence is not beyond the null band, so a share of it has "
        "no bound",
    }


def _verdict(goal: Goal, measured: Estimate) -> str:
    missed_by = abs(measured.value - goal.limit)
    word = "reached" if goal.kept_by(measured.value) else f"not reached by {missed_by:.2g}"
    both = goal.kept_by(measured.ci_low) == goal.kept_by(measured.ci_high)
    return word if both else f"{word}, uncertain"
