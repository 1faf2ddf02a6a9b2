"""The poisoning laboratory at work: what its cells share, computed once and kept, and the cells in processes."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fraud_core.data.arrays import Arrays
from fraud_core.model.metrics import expected_cost_eur
from fraud_core.pipeline.cells import run_cells
from fraud_core.pipeline.progress import progress_bar
from fraud_core.pipeline.versions import Versions
from fraud_core.poisoning.attacks import Knowledge, attack
from fraud_core.poisoning.detectability import Detectability, detectability
from fraud_core.poisoning.effects import Effects, scored
from fraud_core.poisoning.quantised import bin_settings
from fraud_core.poisoning.study import (
    CLEAN,
    PLACEBO,
    Cell,
    Inputs,
    Part,
    clean_margin_part,
    neighbour_part,
    run_cell,
    simulated_sources,
)
from fraud_core.promotion.comparison import false_promotions
from fraud_core.promotion.gate import decide, judge_scan

NEIGHBOUR_PARTS = 8
# cleanlab imports tqdm, which warns in a notebook kernel that has no widgets; no bar is ever drawn here.
warnings.filterwarnings("ignore", message="IProgress not found")


def run_study(
    cells: Sequence[Cell],
    data: Versions,
    *,
    model: Mapping[str, Any],
    decision: Mapping[str, float],
    defences: Sequence[str],
    n_processes: int,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[dict[str, np.ndarray]]:
    """Run the cells of a poisoning study; finished ones are kept, so that an interrupted study goes on.

    Parameters
    ----------
    cells
        As from `fraud_core.poisoning.study.grid`.
    data
        v0 to attack, v1 to score.
    model, decision, defences
        Sections ``model`` and ``decision`` of params.yaml, names of defences.
    n_processes
        Processes, each with one thread.
    progress
        Called with (what, done, total); a progress line when None.

    Returns
    -------
    list of dict
        As from `fraud_core.poisoning.study.run_cell`, in the order of the cells.
    """
    shown = progress or progress_bar()
    catboost = model["catboost"]
    inputs = _inputs(cells, data, catboost, defences, n_processes, shown)
    settings = {
        "catboost": dict(catboost), "calibration": model["calibration"]["catboost"], "decision": dict(decision),
        "defences": list(defences),
    }  # fmt: skip
    # Attacked cells take longest and go first, so that the processes end together.
    order = sorted(cells, key=lambda cell: cell.attack in (CLEAN, PLACEBO))
    found = run_cells(run_cell, order, inputs, settings, what="cells", n_processes=n_processes, progress=shown)
    by_name = {cell.name: result for cell, result in zip(order, found, strict=True)}
    return [by_name[cell.name] for cell in cells]


def _inputs(
    cells: Sequence[Cell], data: Versions, catboost: Mapping, defences: Sequence[str], n_processes: int, shown
) -> Inputs:
    rows = data.training_rows
    margin = neighbours = distance = np.empty(0)
    if any(cell.attack == "boundary" for cell in cells):
        found = run_cells(
            clean_margin_part, [Part(0, 1)], rows, what="boundary of a clean model", n_processes=1, progress=shown
        )
        margin = found[0]["margin"]
    if "knn" in defences:
        parts = [Part(number, NEIGHBOUR_PARTS) for number in range(NEIGHBOUR_PARTS)]
        found = run_cells(
            neighbour_part, parts, rows.features, what="neighbours", n_processes=n_processes, progress=shown
        )
        neighbours, distance = (np.concatenate([part[key] for part in found]) for key in ("neighbours", "distance"))
    return Inputs(rows, data.holdout.features, margin, neighbours, distance, bin_settings(catboost))


def monitor_attacks(
    cells: Sequence[Cell], data: Versions, monitors: Mapping[str, float], *, seed: int, n_simulations: int = 2000
) -> dict[str, Detectability]:
    """How likely each attack is noticed without any model, by attack and budget; its first draw is simulated.

    Parameters
    ----------
    cells
        Of the study.
    data
        v0 to attack.
    monitors
        Section ``scan`` of params.yaml.
    seed, n_simulations
        Of the simulation.
    """
    rows = data.training_rows
    first = {cell.group: cell for cell in reversed(cells) if cell.attack not in (CLEAN, PLACEBO)}
    known = Knowledge(margin=np.zeros(len(rows.y_true)), source=simulated_sources(len(rows.y_true)))
    settings = {name: monitors[name] for name in ("false_alarm_rate", "n_reviewed", "honest_error_rate")}
    found = {}
    for group, cell in reversed(first.items()):
        poisoned = attack(cell.attack, rows, cell.rate, rng=np.random.default_rng(cell.attack_seed), knowledge=known)
        found[group] = detectability(
            poisoned.y_true, poisoned.y_seen, **settings, n_simulations=n_simulations, rng=np.random.default_rng(seed)
        )
    return found


def needed_for(defence: str) -> list[str]:
    """Defences to run so that one of them can be shown; the policy chooses among others.

    Examples
    --------
    >>> needed_for("policy"), needed_for("knn")
    (['none', 'out_of_fold', 'policy'], ['none', 'knn'])
    """
    if defence == "policy":
        return ["none", "out_of_fold", "policy"]
    return ["none"] if defence == "none" else ["none", defence]


def gate_on_sets(cells: Sequence[Cell], results: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """Whether the gate's criterion on training labels refuses the sets of false frauds, and passes the clean one.

    Only that criterion is asked, the scan of the labels, on the first draw of each rate: a refusal by one required
    criterion is a refusal. Attacks of other kinds pass it oftener; ``scan.<attack>.alarmed`` says how often.
    """
    refused: dict[str, bool] = {}
    for cell, result in zip(cells, results, strict=True):
        if cell.attack in ("legit_to_fraud", CLEAN) and cell.group not in refused and "scan.alarmed" in result:
            words = ["the scan alarmed"] if result["scan.alarmed"] else []
            refused[cell.group] = not decide(judge_scan(words)).promoted
    poisoned = {name: value for name, value in refused.items() if name != CLEAN}
    return {
        "gate.poisoned_sets": len(poisoned),
        "gate.poisoned_sets_refused": sum(poisoned.values()),
        "gate.clean_promoted": not refused[CLEAN],
    }


def placebo_promotions(
    cells: Sequence[Cell],
    results: Sequence[Mapping[str, np.ndarray]],
    effects: Effects,
    holdout: Arrays,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    seed: int,
) -> dict[str, Any]:
    """How often the gate's rule, and simpler ones, promote one of two equally good models: the placebo trainings."""
    own = [scored(result, "none") for cell, result in zip(cells, results, strict=True) if cell.attack == PLACEBO]
    costs = [
        expected_cost_eur(holdout.y_true, m.y_score >= m.threshold, holdout.amount_eur, decision["review_cost_eur"])
        for m in own
    ]
    found = false_promotions(own, costs, holdout, decision=decision, n_replicates=n_replicates, seed=seed)
    return {
        "gate.false_promotion_rate": found.gate,
        "gate.without_floor_rate": found.interval_alone,
        "gate.f1_rule_rate": found.f1_rule,
        "gate.pairs": found.n_pairs,
        "gate.cost_floor_eur": effects.floor["expected_cost_eur"],
    }
