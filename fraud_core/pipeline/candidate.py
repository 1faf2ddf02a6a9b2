"""The candidate: the model trained on v0 as plain files, and its promotion to champion."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from fraud_core.data.card import DatasetCard
from fraud_core.drift.univariate import bin_edges, bin_shares
from fraud_core.errors import BundleError, FraudCoreError
from fraud_core.model import bundle
from fraud_core.model.champion import DecidingModel, TrainingRows, train
from fraud_core.model.export import to_oblivious_trees
from fraud_core.model.intervals import Scored
from fraud_core.pipeline.params import Params
from fraud_core.pipeline.paths import results_folder, within_project
from fraud_core.pipeline.progress import progress_bar
from fraud_core.pipeline.results import read_metrics
from fraud_core.pipeline.versions import TOY, Versions, open_versions
from fraud_core.promotion.comparison import saving_over
from fraud_core.promotion.gate import Criterion, judge_champion

CANDIDATE = Path("models/candidate")
CHAMPION = Path("models/champion")
TOY_CANDIDATE = Path("scratch/toy-candidate")
RECORD = Path("models/promotions.jsonl")
EXPORT_TOLERANCE = 1e-8
EXPORT_ROWS = 10_000
COMPARISON_REPLICATES = 2000
REFERENCE_BINS = 20
LIBRARIES = ("numpy", "polars", "scikit-learn", "catboost", "msgspec")


def train_candidate(params: Params) -> None:
    """Train each servable estimator on v0, keep the best on the validation hours, and write it as plain files."""
    import msgspec

    versions = open_versions("data", params.data.card)
    rows = versions.training_rows
    model, decision = msgspec.to_builtins(params.model), msgspec.to_builtins(params.decision)
    show = progress_bar()
    trained: dict[str, DecidingModel] = {}
    for number, name in enumerate(params.model.candidates):
        show("training candidates", number, len(params.model.candidates))
        trained[name] = train(
            name, rows, settings=model[name], seed=params.model.seed, n_threads=params.model.n_threads, **decision
        )
    show("training candidates", len(trained), len(trained))
    best = max(trained, key=lambda name: trained[name].validation_average_precision)
    written = write_candidate(CANDIDATE, trained[best], rows, versions, model=model, decision=decision)
    print(f"{CANDIDATE}: {best}, model version {written}")


def open_candidate(data_dir: str) -> bundle.Bundle:
    """The candidate that would be promoted; for ``"toy"`` one that is trained on the spot from toy data."""
    if data_dir != TOY:
        return bundle.read_content(within_project(CANDIDATE))
    versions = open_versions(TOY)
    decision = {"alert_budget": 0.05, "review_cost_eur": 5.0}
    chosen = train("catboost", versions.training_rows, settings={"iterations": 30}, seed=1, n_threads=1, **decision)
    write_candidate(TOY_CANDIDATE, chosen, versions.training_rows, versions, model={}, decision=decision)
    return bundle.read_content(within_project(TOY_CANDIDATE))


def write_candidate(
    place: Path,
    chosen: DecidingModel,
    rows: TrainingRows,
    versions: Versions,
    *,
    model: dict[str, Any],
    decision: dict[str, Any],
) -> str:
    """Write a trained model as plain files after checking that they score alike; returns the model version.

    Raises
    ------
    BundleError
        When the plain form differs from the library's scores by more than 1e-8.
    """
    trees = to_oblivious_trees(chosen.estimator)
    sample = rows.features[-EXPORT_ROWS:]
    worst = float(np.abs(trees.margin(sample) - chosen.estimator.margin(sample)).max())
    if worst > EXPORT_TOLERANCE:
        raise BundleError(f"the exported trees differ from CatBoost's scores by {worst:.1e}, over {EXPORT_TOLERANCE:g}")
    folder = within_project(place)
    shutil.rmtree(folder, ignore_errors=True)
    return bundle.write_content(
        folder,
        contract=_contract(versions.card),
        trees=trees,
        policy=bundle.Policy(
            slope=chosen.calibration.slope,
            intercept=chosen.calibration.intercept,
            threshold=chosen.operating_point.threshold,
            **decision,
        ),
        reference=_reference(chosen, rows, versions.card),
        origin={
            "estimator": chosen.estimator.name,
            "data_sha256": versions.content_sha256,
            "parameters": {"model": model, "decision": decision},
            "validation": {
                "average_precision": chosen.validation_average_precision,
                "rows": int(rows.validation.sum()),
                "frauds": int(rows.y_true[rows.validation].sum()),
            },
        },
    )


def _contract(card: DatasetCard) -> bundle.Contract:
    asked = [column for column in card.columns if column.role in ("time", "feature", "amount")]
    fields = tuple(bundle.Field(column.name, column.type, column.min, column.max) for column in asked)
    return bundle.Contract(card=card.name, fields=fields, model_features=tuple(card.model_features))


def _reference(chosen: DecidingModel, rows: TrainingRows, card: DatasetCard) -> dict[str, Any]:
    """Bin edges and shares of each feature over v0, and of the score over the validation hours."""

    def describe(values: np.ndarray) -> dict[str, Any]:
        edges = bin_edges(values.astype(np.float64), REFERENCE_BINS)
        return {"edges": edges.tolist(), "shares": bin_shares(values, edges).tolist(), "rows": len(values)}

    features = {name: describe(rows.features[:, k]) for k, name in enumerate(card.model_features)}
    return {"features": features, "score": describe(chosen.scored(rows.features[rows.validation]).y_score)}


def promote(profile: str, *, override: tuple[str, str] | None = None) -> str:
    """Make the candidate the champion when the gate passed it and it beats the champion; record the decision.

    Parameters
    ----------
    profile
        Whose judgement counts, quick or full.
    override
        Who promotes in spite of the gate, and why; both are recorded beside the evidence, which stays as it is.

    Returns
    -------
    str
        One line that says what happened; a champion that is not beaten stays, which is no error.

    Raises
    ------
    FraudCoreError
        When the gate refused the candidate, or judged another one; the champion stays as it was.
    """
    candidate, champion = within_project(CANDIDATE), within_project(CHAMPION)
    judged = read_metrics(results_folder(profile, "select"))
    version_found = bundle.content_version(candidate)
    if judged["candidate.version"] != version_found:
        raise FraudCoreError(
            f"the gate judged model {judged['candidate.version']}, models/candidate is {version_found}; "
            f"judge it with `dvc repro select@{profile}`"
        )
    if not judged["gate.promoted"] and not override:
        _record(version_found, judged, promoted=False)
        raise FraudCoreError(f"model {version_found} is not promoted: {judged['gate.reasons']}")
    if (champion / "manifest.json").is_file() and bundle.read_manifest(champion).model_version == version_found:
        bundle.load_bundle(champion)
        return f"champion: model {version_found}, already promoted"
    comparison = against_champion(profile)
    evidence = judged if comparison is None else judged | {"gate.champion": comparison.evidence}
    if comparison is not None and comparison.outcome != "pass" and not override:
        _record(version_found, evidence, promoted=False)
        kept = bundle.read_manifest(champion).model_version
        return f"champion: model {kept} stays; {comparison.evidence}"
    partial = champion.with_name(f".champion-{os.getpid()}")
    shutil.copytree(candidate, partial)
    bundle.write_manifest(partial, git_revision=git_revision(), library_versions={n: version(n) for n in LIBRARIES})
    _swap(partial, champion)
    _record(version_found, evidence, promoted=True, override=override)
    return f"champion: model {version_found}, promoted" + (
        f" by {override[0]} in spite of the gate" if override else ""
    )


def against_champion(profile: str) -> Criterion | None:
    """The candidate against the champion on the sealed holdout; None without a champion of the same data.

    A champion of another data set, or of another v1, cannot be compared and gives way.
    """
    champion, candidate = within_project(CHAMPION), bundle.read_content(within_project(CANDIDATE))
    if not (champion / "manifest.json").is_file():
        return None
    served = bundle.load_bundle(champion)
    judged_on = [b.origin["data_sha256"]["v1"] for b in (served, candidate)]
    if served.contract != candidate.contract or judged_on[0] != judged_on[1]:
        return None
    holdout = open_versions("data", candidate.contract.card).holdout
    models = [Scored(b.probability(holdout.features), b.policy.threshold) for b in (served, candidate)]
    decision = {"alert_budget": candidate.policy.alert_budget, "review_cost_eur": candidate.policy.review_cost_eur}
    saving = saving_over(
        *models, holdout, decision=decision, n_replicates=COMPARISON_REPLICATES, rng=np.random.default_rng(0)
    )
    floor = read_metrics(results_folder(profile, "poisoning"))["placebo.expected_cost_eur_floor"]
    return judge_champion(saving, floor_eur=float(floor))


def _swap(partial: Path, champion: Path) -> None:
    """Put a complete folder in the place of the champion; the old one stays until the new one is there."""
    old = champion.with_name(f".previous-{os.getpid()}")
    if champion.exists():
        champion.rename(old)
    partial.rename(champion)
    shutil.rmtree(old, ignore_errors=True)


def _record(
    model_version: str, judged: dict[str, Any], *, promoted: bool, override: tuple[str, str] | None = None
) -> None:
    """Append the decision to the record; an override stands beside the evidence and never in its place."""
    gate = {name: value for name, value in judged.items() if name.startswith("gate.")}
    entry = {
        "at_utc": datetime.now(UTC).isoformat(timespec="seconds"), "model_version": model_version,
        "promoted": promoted, "git_revision": git_revision(), "evidence": gate,
        "override": None if override is None else {"by": override[0], "why": override[1]},
    }  # fmt: skip
    path = within_project(RECORD)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        out.write(json.dumps(entry, sort_keys=True) + "\n")


def git_revision() -> str:
    """The commit that is checked out, with ``-dirty`` when tracked files differ from it; ``unknown`` without git."""
    root = within_project(".")
    try:
        command = ["git", "describe", "--always", "--abbrev=40", "--match=", "--dirty"]
        run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return run.stdout.strip() or "unknown"
