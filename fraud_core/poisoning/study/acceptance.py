"""What the defence was asked to reach before it was measured, and what came out.

The limits were set before any figure of the sealed holdout was seen and are never moved afterwards. A goal is reached
when the figure itself keeps the limit; the interval beside it says how far that can be trusted. An estimate that keeps
or misses the limit with an interval that reaches over it is marked so in words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fraud_core.evaluation.bootstrap import Interval
from fraud_core.evaluation.verdicts import Verdict

AT_LEAST, AT_MOST = "at least", "at most"


@dataclass(frozen=True)
class Goal:
    """One limit on one figure of the study.

    Attributes
    ----------
    figure
        Name in metrics.json.
    words
        What it means.
    bound
        `AT_LEAST` or `AT_MOST`.
    limit
        In the unit of the figure.
    reason
        Why it was missed, should it be; empty when no cause was found.
    measured_with
        A figure that is there whenever the study measured what the goal is about. With it and without the goal's own
        figure, which has no bound then, the goal is not assessable.
    """

    figure: str
    words: str
    bound: str
    limit: float
    reason: str = ""
    measured_with: str = ""

    def kept_by(self, value: float) -> bool:
        """Whether a value keeps the limit.

        Examples
        --------
        >>> Goal("summary.clean.harm", "loss on clean data", AT_MOST, 0.005).kept_by(0.004)
        True
        """
        return value >= self.limit if self.bound == AT_LEAST else value <= self.limit


FEW_FRAUDS = "what removed frauds would have taught cannot be learnt from the rest"
NEAR_FRAUDS = "where a mode is hidden, its remaining frauds are too few to tell all of it from legitimate payments"
COST = "within `placebo.expected_cost_eur_floor_of_mean`, more than a tenth of the cost: a few large frauds decide"
TRIGGER = "the search does not find the trigger in every draw"

GOALS = (
    Goal("summary.fraud_to_legit_50.recovery_rate", "half the frauds hidden: share of the loss given back", AT_LEAST,
         0.9, FEW_FRAUDS, "summary.fraud_to_legit_50.given_back"),
    Goal("summary.targeted_mode_50.recovery_rate", "half hidden by mode: share of the loss given back", AT_LEAST, 0.9,
         NEAR_FRAUDS, "summary.targeted_mode_50.given_back"),
    *(Goal(f"summary.{name}.average_precision_gap", f"{words}: average precision lost", AT_MOST, 0.01,
           "two or three frauds of day 2 change rank; the interval holds zero")
      for name, words in (("legit_to_fraud_2", "false frauds 2%"), ("legit_to_fraud_8", "false frauds 8%"),
                          ("legit_to_fraud_20", "false frauds 20%"), ("symmetric_8", "symmetric 8%"))),
    *(Goal(f"summary.{name}.cost_ratio", f"{words}: cost of day 2 against clean", AT_MOST, 1.1, COST)
      for name, words in (("legit_to_fraud_2", "false frauds 2%"), ("legit_to_fraud_8", "false frauds 8%"),
                          ("legit_to_fraud_20", "false frauds 20%"), ("symmetric_8", "symmetric 8%"))),
    Goal("summary.symmetric_20.kept", "symmetric 20%: share of average precision kept", AT_LEAST, 0.9),
    Goal("summary.symmetric_40.kept", "symmetric 40%: share of average precision kept", AT_LEAST, 0.75),
    Goal("summary.symmetric_20.recovered_frauds_precision", "symmetric 20%: precision of the frauds found again",
         AT_LEAST, 0.9),
    Goal("summary.symmetric_20.recovered_frauds_recall", "symmetric 20%: share of the surviving frauds found again",
         AT_LEAST, 0.5),
    Goal("summary.clean.harm", "clean data: average precision lost by the policy", AT_MOST, 0.005),
    Goal("summary.backdoor.success_rate", "backdoor: share of triggered frauds that pass", AT_MOST, 0.1, TRIGGER),
    Goal("scan.fraud_to_legit_50.average_precision", "scan, half of the frauds hidden: average precision of its flags",
         AT_LEAST, 0.85, "its order mixes hidden frauds with honest payments that resemble fraud"),
    *(Goal(f"scan.{name}.average_precision", f"scan, {words}: average precision of its flags", AT_LEAST, 0.99)
      for name, words in (("legit_to_fraud_2", "false frauds 2%"), ("legit_to_fraud_8", "false frauds 8%"),
                          ("legit_to_fraud_20", "false frauds 20%"))),
    Goal("gate.false_promotion_rate", "gate: equally good models promoted", AT_MOST, 0.05),
)  # fmt: skip


def goal_figures(metrics: Mapping[str, Any], goals: Iterable[Goal] = GOALS) -> dict[str, int]:
    """How many of the goals whose figure was measured are reached.

    Examples
    --------
    >>> goal_figures({"summary.clean.harm": 0.0, "summary.backdoor.success_rate": 0.4})
    {'goals.measured': 2, 'goals.reached': 1, 'goals.not_assessable': 0}
    """
    asked = list(goals)
    measured = [goal for goal in asked if goal.figure in metrics]
    return {
        "goals.measured": len(measured),
        "goals.reached": sum(goal.kept_by(_value(metrics[goal.figure])) for goal in measured),
        "goals.not_assessable": sum(_not_assessable(goal, metrics) for goal in asked),
    }


def goal_table(metrics: Mapping[str, Any], goals: Iterable[Goal] = GOALS) -> list[dict[str, Any]]:
    """The goals as rows: asked, measured with its interval, verdict, and the reason of a miss.

    Parameters
    ----------
    metrics
        Flat figures of the study; a goal whose figure is absent (another profile) has no row.
    """
    rows = []
    for goal in goals:
        if goal.figure not in metrics:
            rows += [_unbounded(goal)] if _not_assessable(goal, metrics) else []
            continue
        value = float(metrics[goal.figure])
        found = Interval(value, metrics.get(f"{goal.figure}_lo", value), metrics.get(f"{goal.figure}_hi", value))
        kept = goal.kept_by(value)
        rows.append(
            {
                "goal": goal.words,
                "asked": f"{goal.bound} {goal.limit:g}",
                "measured": found,
                "verdict": _verdict(goal, found),
                "reason": "" if kept else goal.reason,
            }
        )
    return rows


def _not_assessable(goal: Goal, metrics: Mapping[str, Any]) -> bool:
    return goal.figure not in metrics and goal.measured_with in metrics


def _unbounded(goal: Goal) -> dict[str, Any]:
    return {
        "goal": goal.words, "asked": f"{goal.bound} {goal.limit:g}", "measured": "no bound",
        "verdict": Verdict.NOT_ASSESSABLE.value,
        "reason": "the loss without a defence is not beyond the null band, so a share of it has no bound",
    }  # fmt: skip


def _value(figure: Interval | float) -> float:
    return figure.value if isinstance(figure, Interval) else figure


def _verdict(goal: Goal, found: Interval) -> str:
    missed_by = abs(found.value - goal.limit)
    word = "reached" if goal.kept_by(found.value) else f"not reached by {missed_by:.2g}"
    both = goal.kept_by(found.low) == goal.kept_by(found.high)
    return word if both else f"{word}, uncertain"
