"""The cells of the poisoning study: attack the labels of v0, defend, train, and score the clean, sealed holdout."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.model.training import DecidingModel
from fraud_core.poisoning.attacks.definition import Knowledge, Poisoned
from fraud_core.poisoning.attacks.registry import attack
from fraud_core.poisoning.defences.definition import DefenceContext, with_trusted_labels
from fraud_core.poisoning.defences.nearest_neighbours import after_moves, nearest_neighbours
from fraud_core.poisoning.defences.registry import defend
from fraud_core.poisoning.defences.selection import choose_defence
from fraud_core.poisoning.detection.label_scan import Scan, detect
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores
from fraud_core.poisoning.detection.quantised_pool import Quantised, quantise, train_quantised
from fraud_core.poisoning.study.scan_quality import scan_figures

CLEAN, PLACEBO, TRUSTED = "clean", "placebo", "trusted_labels"
PLACEBO_LEFT_OUT = 0.1
N_SOURCES = 6


@dataclass(frozen=True)
class Cell:
    """One draw of one attack, or of ``clean`` or ``placebo``: its rate, seed of the draw and seed of the fit.

    A placebo that is not `scanned` is trained only.
    """

    attack: str
    rate: float
    attack_seed: int
    fit_seed: int
    scanned: bool = True

    @property
    def name(self) -> str:
        """Stable name, such as ``legit_to_fraud.8.seed1``."""
        return f"{self.group}.seed{self.attack_seed}"

    @property
    def group(self) -> str:
        """Attack and budget, such as ``legit_to_fraud.8``; `CLEAN` and `PLACEBO` have no budget."""
        return self.attack if self.attack in (CLEAN, PLACEBO) else budget_name(self.attack, self.rate)


@dataclass(frozen=True)
class Inputs:
    """What every cell shares; computed once, because flips move no row.

    Attributes
    ----------
    rows
        v0 with true labels.
    holdout_features
        Features of v1; its labels are not here at all.
    margin
        Shape (n_samples,), out-of-fold log-odds of a model of clean v0: what an attacker at the boundary knows.
    neighbours, distance
        From `nearest_neighbours`; empty when no defence asks for them.
    bins
        Settings of the estimator that say how features are cut into bins.
    """

    rows: Transactions
    holdout_features: np.ndarray
    margin: np.ndarray
    neighbours: np.ndarray
    distance: np.ndarray
    bins: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def quantised(self) -> Quantised:
        """The features of v0 in bins, made once in each process."""
        return quantise(self.rows.X, self.bins)


def budget_name(attack: str, rate: float) -> str:
    """Name of an attack at a budget, such as ``legit_to_fraud.8``: percent of the attacked class.

    Examples
    --------
    >>> budget_name("fraud_to_legit", 0.5), budget_name("symmetric", 0.005)
    ('fraud_to_legit.50', 'symmetric.0_5')
    """
    return f"{attack}.{format(rate * 100, 'g').replace('.', '_')}"


def grid(
    budgets: Mapping[str, Sequence[float]], *, n_seeds: int, n_placebo: int, seed: int, n_scanned: int | None = None
) -> list[Cell]:
    """The cells of a study: clean trainings, the placebo, then attack by rate by seed.

    The draw k of an attack is fitted with seed k, and so is the clean training that it is compared with: one clean
    fit may be a lucky one, and its luck would be in every figure. A placebo training is clean too: it has another seed
    and leaves out a random tenth of the rows of each class, so it shows how far the result moves when nobody attacks.
    The labels of the first `n_scanned` placebos, of all when None, are scanned too, to count false alarms.

    Examples
    --------
    >>> [cell.name for cell in grid({"fraud_to_legit": [0.1]}, n_seeds=1, n_placebo=1, seed=7)]
    ['clean.seed7', 'placebo.seed8', 'fraud_to_legit.10.seed7']
    """
    clean = [Cell(CLEAN, 0.0, seed + k, seed + k) for k in range(n_seeds)]
    scanned = n_placebo if n_scanned is None else n_scanned
    placebo = [Cell(PLACEBO, 0.0, seed + k, seed + k, k <= scanned) for k in range(1, n_placebo + 1)]
    attacked = [
        Cell(name, rate, seed + k, seed + k)
        for name, rates in budgets.items()
        for rate in rates
        for k in range(n_seeds)
    ]
    return clean + placebo + attacked


@dataclass(frozen=True)
class Part:
    """One part of a computation that is dealt to processes."""

    number: int
    of: int

    @property
    def name(self) -> str:
        """Stable name."""
        return f"part{self.number}of{self.of}"


def neighbour_part(part: Part, features: np.ndarray) -> dict[str, np.ndarray]:
    """Nearest neighbours of one part of the rows."""
    queries = np.array_split(np.arange(len(features)), part.of)[part.number]
    neighbours, distance = nearest_neighbours(features, queries=queries)
    return {"neighbours": neighbours, "distance": distance}


def clean_margin_part(part: Part, rows: Transactions) -> dict[str, np.ndarray]:
    """Out-of-fold log-odds of a model of clean v0."""
    return {"margin": out_of_fold_scores(rows, seed=part.number).margin}


def simulated_sources(n_samples: int) -> np.ndarray:
    """Who labelled each row: `N_SOURCES` simulated reviewers in turn; the ULB table names none.

    Examples
    --------
    >>> simulated_sources(3)
    array(['reviewer 1', 'reviewer 2', 'reviewer 3'], dtype='<U10')
    """
    return np.char.add("reviewer ", (np.arange(n_samples) % N_SOURCES + 1).astype(str)).astype("<U10")


def run_cell(cell: Cell, inputs: Inputs, settings: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Attack v0, then defend, train and score the holdout by each defence.

    Parameters
    ----------
    cell
        What to do.
    inputs
        Shared data; the attack reaches the validation hours too, as it would in life, but ``none`` alone believes it
        there: every defence has the labels of those hours from before the attack.
    settings
        Keys ``catboost``, settings of the estimator, ``calibration``, its calibration, ``decision``, section of
        params.yaml, and ``defences``, names.

    Returns
    -------
    dict
        By defence ``<defence>.log_odds`` (n_holdout,), ``.threshold``, ``.validation_average_precision`` of the model
        that has not learnt from the validation hours, ``.doubted`` and ``.true_doubted``, under a
        backdoor ``.stamped`` too (log-odds of the stamped holdout), and figures of the attack and the scan.
    """
    rng = np.random.default_rng(cell.attack_seed)
    if cell.attack == PLACEBO:
        poisoned = _untouched(_leave_out(inputs.rows, PLACEBO_LEFT_OUT, rng))
    elif cell.attack == CLEAN:
        poisoned = _untouched(inputs.rows)
    else:
        known = Knowledge(margin=inputs.margin, source=simulated_sources(len(inputs.rows.y_observed)))
        poisoned = attack(cell.attack, inputs.rows, cell.rate, rng=rng, knowledge=known)
    defences = () if cell.attack == PLACEBO else tuple(settings["defences"])
    return _Bench(cell, inputs, settings, poisoned).run(defences)


class _Bench:
    """The trainings of one cell; the same rows with the same labels are trained once."""

    def __init__(self, cell: Cell, inputs: Inputs, settings: Mapping[str, Any], poisoned: Poisoned) -> None:
        self.cell, self.inputs, self.settings, self.poisoned = cell, inputs, settings, poisoned
        self.trained: dict[str, DecidingModel] = {}
        self.as_before = poisoned.rows.X is inputs.rows.X
        self.quantised = inputs.quantised if self.as_before else quantise(poisoned.rows.X, inputs.bins)
        self.seen = with_trusted_labels(poisoned.rows, poisoned.y_true[poisoned.rows.is_trusted])

    def run(self, defences: Sequence[str]) -> dict[str, np.ndarray]:
        out = self._figures()
        seed = self.cell.attack_seed
        out |= self._result("none", self._train(self.poisoned.rows))
        if not (defences or (self.cell.attack == PLACEBO and self.cell.scanned)):
            return out
        scores = out_of_fold_scores(self.seen, seed=seed, quantised=self.quantised)
        source = simulated_sources(len(self.seen.y_observed)) if self.cell.attack == "source" else None
        scan = detect(self.seen, scores, source=source, seed=seed, quantised=self.quantised)
        out |= scan_figures(scan, scores, self.seen, self.poisoned)
        if not defences:
            return out
        neighbours = self._neighbours() if "knn" in defences else None
        context = DefenceContext(scores, scan, self.quantised, neighbours, source)
        models = {TRUSTED: self._train(self.seen)}
        out |= self._result(TRUSTED, models[TRUSTED])
        for name in defences:
            if name in ("none", "policy") or (name == "provenance" and source is None):
                continue
            defended = defend(name, self.seen, context, seed=seed)
            if len(np.unique(defended.rows.y_observed[~defended.rows.is_validation])) < 2:
                out |= self._no_model(name, defended.flagged)
                continue
            models[name] = self._train(defended.rows, defended.kept_index)
            out |= self._result(name, models[name], defended.flagged)
        if "policy" in defences:
            out |= self._policy(scan, models, out)
        return out

    def _policy(self, scan: Scan, models: Mapping[str, DecidingModel], out: Mapping[str, np.ndarray]) -> dict:
        trusted = {"none": models[TRUSTED].validation_average_precision, "out_of_fold": 0.0}
        if "out_of_fold" in models:
            trusted["out_of_fold"] = models["out_of_fold"].validation_average_precision
        chosen, _ = choose_defence(scan, trusted)
        taken = TRUSTED if chosen == "none" else chosen
        parts = {key.split(".", 1)[1]: value for key, value in out.items() if key.startswith(f"{taken}.")}
        return {f"policy.{key}": value for key, value in parts.items()} | {"policy.cleaned": np.array(chosen != "none")}

    def _train(self, rows: Transactions, numbers: np.ndarray | None = None) -> DecidingModel:
        numbers = np.arange(len(rows.y_observed)) if numbers is None else numbers
        key = hashlib.sha256(numbers.tobytes() + np.ascontiguousarray(rows.y_observed).tobytes()).hexdigest()
        if key not in self.trained:
            self.trained[key] = train_quantised(
                self.quantised, rows, numbers=numbers, settings=self.settings["catboost"], seed=self.cell.fit_seed,
                calibration=self.settings["calibration"], **self.settings["decision"],
            )  # fmt: skip
        return self.trained[key]

    def _result(self, name: str, model: DecidingModel, doubted: np.ndarray | None = None) -> dict[str, np.ndarray]:
        features = self.inputs.holdout_features
        found = {
            f"{name}.log_odds": _log_odds(model, features).astype(np.float32),
            f"{name}.threshold": np.array(model.operating_point.threshold),
            f"{name}.validation_average_precision": np.array(model.validation_average_precision),
        }
        if self.poisoned.trigger is not None:
            stamped = self.poisoned.trigger.stamp(features)
            found[f"{name}.stamped"] = _log_odds(model, stamped).astype(np.float32)
        return found | self._doubted(name, doubted)

    def _no_model(self, name: str, doubted: np.ndarray) -> dict[str, np.ndarray]:
        """A defence that leaves one class leaves nothing to learn: no payment is ranked and none alerted."""
        nothing = np.zeros(len(self.inputs.holdout_features), dtype=np.float32)
        found = {f"{name}.log_odds": nothing, f"{name}.threshold": np.array(1.0)}
        found[f"{name}.validation_average_precision"] = np.array(0.0)
        if self.poisoned.trigger is not None:
            found[f"{name}.stamped"] = nothing
        return found | self._doubted(name, doubted)

    def _doubted(self, name: str, doubted: np.ndarray | None) -> dict[str, np.ndarray]:
        changed = np.zeros(len(self.seen.y_observed), dtype=bool)
        changed[self.poisoned.changed] = True
        if doubted is None:
            doubted = np.zeros_like(changed)
        return {
            f"{name}.doubted": np.array(int(doubted.sum())),
            f"{name}.true_doubted": np.array(int(np.sum(doubted & changed))),
        }

    def _figures(self) -> dict[str, np.ndarray]:
        hidden = (self.poisoned.y_true == 1) & (self.poisoned.y_seen == 0)
        return {
            "n_changed": np.array(len(self.poisoned.changed)),
            "false_fraud_share": np.array(self.poisoned.false_fraud_share),
            "hidden_eur": np.array(float(self.poisoned.rows.amount_eur[hidden].sum())),
        }

    def _neighbours(self) -> np.ndarray:
        if self.as_before:
            return self.inputs.neighbours
        before = self.inputs.rows.X
        return after_moves(self.inputs.neighbours, self.inputs.distance, before, self.seen.X, self.poisoned.changed)


def _log_odds(model: DecidingModel, features: np.ndarray) -> np.ndarray:
    return model.calibration.slope * model.estimator.margin(features) + model.calibration.intercept


def _untouched(rows: Transactions) -> Poisoned:
    return Poisoned(rows, rows.y_observed, np.empty(0, dtype=int))


def _leave_out(rows: Transactions, share: float, rng: np.random.Generator) -> Transactions:
    """The rows without a random share of each class, in their order."""
    stay = np.ones(len(rows.y_observed), dtype=bool)
    for label in (0, 1):
        members = np.flatnonzero(rows.y_observed == label)
        stay[rng.choice(members, round(share * len(members)), replace=False)] = False
    return rows.take(stay)
