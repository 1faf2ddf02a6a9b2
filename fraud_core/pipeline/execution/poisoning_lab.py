"""The poisoning laboratory at work: what its cells share,
computed once and kept, and the cells in processes.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.evaluation.metrics import expected_cost_eur
from fraud_core.evaluation.study_table import Measurement
from fraud_core.model.parameters import read_model_parameters
from fraud_core.pipeline.execution.cell_cache import run_cells
from fraud_core.pipeline.execution.progress import progress_bar
from fraud_core.pipeline.execution.run_codec import decode_run, run_encoded
from fraud_core.pipeline.storage.dataset_versions import Versions
from fraud_core.poisoning.attacks.definition import ThreatModel
from fraud_core.poisoning.attacks.registry import attack
from fraud_core.poisoning.defences.out_of_fold import OUT_OF_FOLD
from fraud_core.poisoning.defences.registry import SELECTOR, defence_named
from fraud_core.poisoning.detection.monitors import Detectability, detectability
from fraud_core.poisoning.detection.quantised_pool import bin_settings
from fraud_core.poisoning.study.bench import NONE
from fraud_core.poisoning.study.cells import (
    Cell,
    Inputs,
    Part,
    clean_log_odds_part,
    neighbour_part,
    simulated_sources,
)
from fraud_core.poisoning.study.conditions import CLEAN, NULL_RUN, Condition
from fraud_core.poisoning.study.effects import Effects
from fraud_core.poisoning.study.run_results import RunResult
from fraud_core.promotion.comparison import false_promotions
from fraud_core.promotion.gate import check_scan, decide

NEIGHBOUR_PARTS = 8
# cleanlab imports tqdm, which warns in a notebook kernel that has no widgets; no bar is ever drawn
# here.
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
) -> list[RunResult]:
    """Run the cells of a poisoning study; finished ones
    are kept, so that an interrupted study continues.

    Parameters
    ----------
    cells
        As from `fraud_core.poisoning.study.cells.grid`.
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
    list of RunResult
        As from `fraud_core.poisoning.study.bench.run_cell`, in the order of the cells.
    """
    shown = progress or progress_bar()
    estimator = read_model_parameters(model).config()
    bins = bin_settings(estimator.settings) if estimator.name == "catboost" else {}
    inputs = _inputs(cells, data, bins, defences, n_processes, shown)
    settings = {"estimator": estimator, "decision": dict(decision), "defences": list(defences)}
    # Attacked cells take longest and go first, so that the processes end together.
    order = sorted(cells, key=lambda cell: not cell.condition.is_attack)
    stored = run_cells(
        run_encoded, order, inputs, settings, what="cells", n_processes=n_processes, progress=shown
    )
    by_name = {cell.name: decode_run(flat) for cell, flat in zip(order, stored, strict=True)}
    return [by_name[cell.name] for cell in cells]


def _inputs(
    cells: Sequence[Cell],
    data: Versions,
    bins: Mapping[str, Any],
    defences: Sequence[str],
    n_processes: int,
    shown: Callable[[str, int, int], None],
) -> Inputs:
    rows = data.training_rows
    log_odds = neighbours = distance = np.empty(0)
    if any("log_odds" in cell.condition.entry.needs for cell in cells if cell.condition.is_attack):
        whole = run_cells(
            clean_log_odds_part,
            [Part(0, 1)],
            rows,
            what="boundary of a clean model",
            n_processes=1,
            progress=shown,
        )
        log_odds = whole[0]["log_odds"]
    if any("neighbours" in defence_named(name).needs for name in defences if name != SELECTOR):
        parts = [Part(number, NEIGHBOUR_PARTS) for number in range(NEIGHBOUR_PARTS)]
        dealt = run_cells(
            neighbour_part,
            parts,
            rows.X,
            what="neighbours",
            n_processes=n_processes,
            progress=shown,
        )
        neighbours, distance = (
            np.concatenate([part[key] for part in dealt]) for key in ("neighbours", "distance")
        )
    return Inputs(rows, data.holdout.X, log_odds, neighbours, distance, bins)


def monitor_attacks(
    cells: Sequence[Cell],
    data: Versions,
    monitors: Mapping[str, float],
    *,
    seed: int,
    n_simulations: int = 2000,
) -> dict[Condition, Detectability]:
    """How likely each attack is noticed without any model,
    by attack and budget; its first draw is simulated.

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
    first = {cell.condition: cell for cell in reversed(cells) if cell.condition.is_attack}
    known = ThreatModel(log_odds=np.zeros(len(rows)), source=simulated_sources(len(rows)))
    noticed = {}
    for condition, cell in reversed(first.items()):
        rng = np.random.default_rng(cell.attack_seed)
        poisoned = attack(condition.attack, rows, condition.attack_rate, rng=rng, knowledge=known)
        noticed[condition] = detectability(
            poisoned.y_true,
            poisoned.y_observed,
            false_alarm_rate=monitors["false_alarm_rate"],
            n_reviewed=int(monitors["n_reviewed"]),
            honest_error_rate=monitors["honest_error_rate"],
            n_simulations=n_simulations,
            rng=np.random.default_rng(seed),
        )
    return noticed


def needed_for(defence: str) -> list[str]:
    """Defences to run so that one of them can be shown; the policy chooses among others.

    Examples
    --------
    >>> needed_for("policy"), needed_for("knn")
    (['none', 'out_of_fold', 'policy'], ['none', 'knn'])
    """
    if defence == SELECTOR:
        return [NONE, OUT_OF_FOLD.name, SELECTOR]
    return [NONE] if defence == NONE else [NONE, defence]


def gate_on_sets(cells: Sequence[Cell], results: Sequence[RunResult]) -> list[Measurement]:
    """Whether the gate's criterion on training labels refuses
    the sets of false frauds, and passes the clean one.

    Only that criterion is asked, the scan of the labels, on the first draw of each rate: a refusal
    by one required criterion is a refusal. Attacks of other kinds pass it oftener; the metric
    ``scan_alarmed`` says how often.
    """
    refused: dict[Condition, bool] = {}
    for cell, result in zip(cells, results, strict=True):
        asked = cell.condition == CLEAN or (
            cell.condition.is_attack and cell.condition.entry.adds_false_frauds_only
        )
        if asked and cell.condition not in refused and result.scan is not None:
            words = ["the scan alarmed"] if result.scan.alarmed else []
            refused[cell.condition] = not decide(check_scan(words)).promoted
    poisoned = {condition: value for condition, value in refused.items() if condition != CLEAN}
    return [
        Measurement("gate_poisoned_sets", len(poisoned)),
        Measurement("gate_poisoned_sets_refused", sum(poisoned.values())),
        Measurement("gate_clean_promoted", not refused[CLEAN]),
    ]


def null_run_promotions(
    cells: Sequence[Cell],
    results: Sequence[RunResult],
    effects: Effects,
    holdout: Transactions,
    *,
    decision: Mapping[str, float],
    n_replicates: int,
    seed: int,
) -> list[Measurement]:
    """How often the gate's rule, and simpler ones, promote
    one of two equally good models: the null run trainings.
    """
    runs = zip(cells, results, strict=True)
    own = [result.defences[NONE].scored for cell, result in runs if cell.condition == NULL_RUN]
    costs = [
        expected_cost_eur(
            holdout.y_observed,
            m.y_score >= m.threshold,
            holdout.amount_eur,
            decision["review_cost_eur"],
        )
        for m in own
    ]
    promoted = false_promotions(
        own, costs, holdout, decision=decision, n_replicates=n_replicates, seed=seed
    )
    return [
        Measurement.of("gate_false_promotion_rate", promoted.gate),
        Measurement.of("gate_without_null_band_rate", promoted.without_null_band),
        Measurement.of("gate_f1_rule_rate", promoted.f1_rule),
        Measurement("gate_pairs", promoted.n_pairs),
        Measurement("gate_cost_null_band_eur", effects.null_band["expected_cost_eur"]),
    ]
