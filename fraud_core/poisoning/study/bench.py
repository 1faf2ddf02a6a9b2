"""The bench on which a cell is run: attack the labels of
v0, defend, train, and score the clean, sealed holdout.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.model.training import CalibratedClassifier
from fraud_core.poisoning.attacks.definition import Poisoned, ThreatModel
from fraud_core.poisoning.attacks.registry import attack
from fraud_core.poisoning.defences.definition import DefenceContext, Defended, with_trusted_labels
from fraud_core.poisoning.defences.nearest_neighbours import after_moves
from fraud_core.poisoning.defences.out_of_fold import OUT_OF_FOLD
from fraud_core.poisoning.defences.registry import SELECTOR, defence_named, defend
from fraud_core.poisoning.defences.selection import choose_defence
from fraud_core.poisoning.defences.undefended import UNDEFENDED
from fraud_core.poisoning.detection.label_scan import detect
from fraud_core.poisoning.detection.out_of_fold import OutOfFold, out_of_fold_scores
from fraud_core.poisoning.detection.quantised_pool import quantise, train_quantised
from fraud_core.poisoning.detection.scan_findings import Scan
from fraud_core.poisoning.study.cells import Cell, Inputs, simulated_sources
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN
from fraud_core.poisoning.study.run_results import AttackFigures, DefendedRun, RunResult
from fraud_core.poisoning.study.scan_quality import scan_figures

NONE, TRUSTED = UNDEFENDED.name, "trusted_labels"
NULL_RUN_LEFT_OUT = 0.1


def run_cell(cell: Cell, inputs: Inputs, settings: Mapping[str, Any]) -> RunResult:
    """Attack v0, then defend, train and score the holdout by each defence.

    Parameters
    ----------
    cell
        What to do.
    inputs
        Shared data; the attack reaches the validation hours too, as it would in life, but ``none``
        alone believes it there: every defence has the labels of those hours from before the attack.
    settings
        Keys ``estimator``, an `EstimatorConfig`, ``decision``, section of params.yaml, and
        ``defences``, names.
    """
    bench = _Bench(cell, inputs, settings, _poisoned(cell, inputs.rows, inputs.log_odds))
    return bench.run(() if cell.condition == NULL_RUN else tuple(settings["defences"]))


def _poisoned(cell: Cell, rows: Transactions, log_odds: np.ndarray) -> Poisoned:
    rng = np.random.default_rng(cell.attack_seed)
    if cell.condition == NULL_RUN:
        return _untouched(_leave_out(rows, NULL_RUN_LEFT_OUT, rng))
    if cell.condition == CLEAN:
        return _untouched(rows)
    known = ThreatModel(log_odds=log_odds, source=simulated_sources(len(rows)))
    return attack(cell.condition.attack, rows, cell.condition.attack_rate, rng=rng, knowledge=known)


class _Bench:
    """The trainings of one cell; the same rows with the same labels are trained once."""

    def __init__(
        self, cell: Cell, inputs: Inputs, settings: Mapping[str, Any], poisoned: Poisoned
    ) -> None:
        self.cell, self.inputs, self.settings, self.poisoned = cell, inputs, settings, poisoned
        self.trained: dict[str, CalibratedClassifier] = {}
        self.runs: dict[str, DefendedRun] = {}
        self.as_before = poisoned.rows.X is inputs.rows.X
        self.quantised = (
            inputs.quantised if self.as_before else quantise(poisoned.rows.X, inputs.bins)
        )
        self.seen = with_trusted_labels(poisoned.rows, poisoned.y_true[poisoned.rows.is_trusted])

    def run(self, defences: Sequence[str]) -> RunResult:
        self.runs[NONE] = self._scored(self._train(self.poisoned.rows))
        if not (defences or (self.cell.condition == NULL_RUN and self.cell.scanned)):
            return RunResult(self._attack_figures(), None, self.runs)
        scores = out_of_fold_scores(self.seen, seed=self.cell.attack_seed, quantised=self.quantised)
        source = self._source()
        scan = detect(
            self.seen, scores, source=source, seed=self.cell.attack_seed, quantised=self.quantised
        )
        cleaned = self._defend(defences, scan, scores, source) if defences else None
        figures = scan_figures(scan, scores, self.seen, self.poisoned)
        return RunResult(self._attack_figures(), figures, self.runs, cleaned)

    def _defend(
        self, defences: Sequence[str], scan: Scan, scores: OutOfFold, source: np.ndarray | None
    ) -> bool | None:
        """Run the defences; returns whether the selector cleaned, None when it was not asked."""
        entries = [defence_named(name) for name in defences if name not in (NONE, SELECTOR)]
        wanted = any("neighbours" in entry.needs for entry in entries)
        context = DefenceContext(
            scores, scan, self.quantised, self._neighbours() if wanted else None, source
        )
        self.runs[TRUSTED] = self._scored(self._train(self.seen))
        for entry in entries:
            if all(context.has(part) for part in entry.needs):
                defended = defend(entry.name, self.seen, context, seed=self.cell.attack_seed)
                self.runs[entry.name] = self._defended(defended)
        return self._select(scan) if SELECTOR in defences else None

    def _select(self, scan: Scan) -> bool:
        cleaned = self.runs.get(OUT_OF_FOLD.name)
        trusted = {
            NONE: self.runs[TRUSTED].validation_average_precision,
            OUT_OF_FOLD.name: cleaned.validation_average_precision if cleaned else 0.0,
        }
        chosen, _ = choose_defence(scan, trusted)
        self.runs[SELECTOR] = self.runs[TRUSTED if chosen == NONE else chosen]
        return chosen != NONE

    def _defended(self, defended: Defended) -> DefendedRun:
        labels = defended.rows.y_observed[~defended.rows.is_validation]
        if len(np.unique(labels)) < 2:
            return self._no_model(defended.flagged)
        return self._scored(self._train(defended.rows, defended.kept_index), defended.flagged)

    def _train(
        self, rows: Transactions, kept_index: np.ndarray | None = None
    ) -> CalibratedClassifier:
        numbers = np.arange(len(rows)) if kept_index is None else kept_index
        key = hashlib.sha256(
            numbers.tobytes() + np.ascontiguousarray(rows.y_observed).tobytes()
        ).hexdigest()
        if key not in self.trained:
            self.trained[key] = train_quantised(
                self.quantised,
                self.settings["estimator"].with_seed(self.cell.fit_seed),
                rows,
                numbers=numbers,
                **self.settings["decision"],
            )
        return self.trained[key]

    def _scored(
        self, model: CalibratedClassifier, flagged: np.ndarray | None = None
    ) -> DefendedRun:
        features, trigger = self.inputs.holdout_features, self.poisoned.trigger
        return DefendedRun(
            _log_odds(model, features),
            float(model.operating_point.threshold),
            float(model.validation_average_precision),
            *self._counts(flagged),
            None if trigger is None else _log_odds(model, trigger.stamp(features)),
        )

    def _no_model(self, flagged: np.ndarray) -> DefendedRun:
        """A defence that leaves one class leaves nothing
        to learn: no payment is ranked and none alerted.
        """
        nothing = np.zeros(len(self.inputs.holdout_features), dtype=np.float32)
        stamped = None if self.poisoned.trigger is None else nothing
        return DefendedRun(nothing, 1.0, 0.0, *self._counts(flagged), stamped)

    def _counts(self, flagged: np.ndarray | None) -> tuple[int, int]:
        changed = np.zeros(len(self.seen), dtype=bool)
        changed[self.poisoned.changed] = True
        return (0, 0) if flagged is None else (int(flagged.sum()), int(np.sum(flagged & changed)))

    def _attack_figures(self) -> AttackFigures:
        hidden = (self.poisoned.y_true == 1) & (self.poisoned.y_observed == 0)
        amount = float(self.poisoned.rows.amount_eur[hidden].sum())
        return AttackFigures(len(self.poisoned.changed), self.poisoned.false_fraud_share, amount)

    def _source(self) -> np.ndarray | None:
        """Who labelled each row, for the attack that goes through one of them."""
        condition = self.cell.condition
        told = condition.is_attack and "source" in condition.entry.needs
        return simulated_sources(len(self.seen)) if told else None

    def _neighbours(self) -> np.ndarray:
        if self.as_before:
            return self.inputs.neighbours
        before = self.inputs.rows.X
        return after_moves(
            self.inputs.neighbours, self.inputs.distance, before, self.seen.X, self.poisoned.changed
        )


def _log_odds(model: CalibratedClassifier, features: np.ndarray) -> np.ndarray:
    raw = model.estimator.decision_function(features)
    return (model.calibration.slope * raw + model.calibration.intercept).astype(np.float32)


def _untouched(rows: Transactions) -> Poisoned:
    return Poisoned(rows, rows.y_observed, np.empty(0, dtype=int))


def _leave_out(rows: Transactions, share: float, rng: np.random.Generator) -> Transactions:
    """The rows without a random share of each class, in their order."""
    stay = np.ones(len(rows), dtype=bool)
    for label in (0, 1):
        members = np.flatnonzero(rows.y_observed == label)
        stay[rng.choice(members, round(share * len(members)), replace=False)] = False
    return rows.take(stay)
