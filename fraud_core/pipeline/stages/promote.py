"""Promotion: the candidate becomes the champion, with
its lineage, a signature, and a line in the record.
"""

import json
import os
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from fraud_core.bundle import load as bundle
from fraud_core.bundle.signing import sign
from fraud_core.errors import FraudCoreError
from fraud_core.evaluation.bootstrap import ModelScores
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.pipeline.paths import CHAMPION, results_folder, within_project
from fraud_core.pipeline.reporting.results import read_metrics, sibling_evidence
from fraud_core.pipeline.stages.candidate import CANDIDATE
from fraud_core.pipeline.stages.lineage import keep_lineage, source_digests
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.pipeline.tracking.revision import git_revision
from fraud_core.promotion.comparison import compare
from fraud_core.promotion.conclusion import gate_metrics, recorded_gate
from fraud_core.promotion.gate import Criterion, GateDecision, check_champion, check_ranking, decide

PREVIOUS = Path("models/previous-champion")
RECORD = Path("models/promotions.jsonl")
SIGNING_KEY_FILE = "FRAUD_SIGNING_KEY_FILE"
COMPARISON_REPLICATES = 2000
LIBRARIES = ("numpy", "polars", "scikit-learn", "catboost", "msgspec")


def promote(profile: str, *, override: tuple[str, str] | None = None) -> str:
    """Make the candidate the champion when the gate passed
    it and it beats the champion; record the decision.

    Parameters
    ----------
    profile
        Whose judgement counts, quick or full.
    override
        Who promotes in spite of the gate, and why; both are recorded beside the evidence, which
        stays as it is.

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
            f"the gate judged model {judged['candidate.version']}, models/candidate is "
            f"{version_found}; "
            f"judge it with `dvc repro select@{profile}`"
        )
    of = bundle.read_content(candidate).origin["data_sha256"]
    if refused := sibling_evidence(
        str(results_folder(profile, "select")), "select", "gate.promoted", of=of
    ).refused:
        raise FraudCoreError(
            f"the gate's judgement is {refused}; judge it with `dvc repro select@{profile}`"
        )
    if not recorded_gate(judged).promoted and not override:
        _record(version_found, judged, promoted=False)
        raise FraudCoreError(f"model {version_found} is not promoted: {judged['gate.reasons']}")
    if _is_served(champion, version_found):
        return f"champion: model {version_found}, already promoted"
    comparison = against_champion(profile)
    evidence = judged | (gate_metrics(comparison, prefix="gate.champion") if comparison else {})
    if comparison is not None and not comparison.promoted and not override:
        _record(version_found, evidence, promoted=False)
        kept = bundle.read_manifest(champion).model_version
        return f"champion: model {kept} stays; {'; '.join(comparison.refusals)}"
    partial = champion.with_name(f".champion-{os.getpid()}")
    shutil.copytree(candidate, partial)
    seal(partial)
    keep_lineage(partial)
    _swap(partial, champion)
    _record(version_found, evidence, promoted=True, override=override)
    return f"champion: model {version_found}, promoted" + (
        f" by {override[0]} in spite of the gate" if override else ""
    )


def _is_served(champion: Path, version_found: str) -> bool:
    """Whether the champion is this model already; one of another bundle format gives way."""
    if not (champion / "manifest.json").is_file() or not bundle.is_current(champion):
        return False
    same = bundle.read_manifest(champion).model_version == version_found
    if same:
        bundle.load_bundle(champion)
    return same


def seal(folder: Path) -> None:
    """Write the manifest, and its signature when a signing key is configured."""
    code, notebooks = source_digests()
    bundle.write_manifest(
        folder,
        git_revision=git_revision(),
        library_versions={name: version(name) for name in LIBRARIES},
        code_sha256=code,
        notebooks_sha256=notebooks,
    )
    key = os.environ.get(SIGNING_KEY_FILE)
    if key:
        try:
            private = Path(key).read_bytes()
        except OSError as error:
            raise FraudCoreError(
                f"{SIGNING_KEY_FILE}: the file cannot be read: {error.strerror}"
            ) from error
        (folder / bundle.SIGNATURE).write_bytes(
            sign((folder / "manifest.json").read_bytes(), private)
        )


def against_champion(profile: str) -> GateDecision | None:
    """The candidate against the champion on the sealed
    holdout; None without a champion of the same data.

    It must be cheaper, and rank no worse, by more than the luck of a training, which the null run
    of the poisoning study has measured; a null run of other data measures nothing here.

    A champion of another data set, of another v1 or of another bundle format cannot be compared and
    gives way.
    """
    champion, candidate = within_project(CHAMPION), bundle.read_content(within_project(CANDIDATE))
    if not (champion / "manifest.json").is_file() or not bundle.is_current(champion):
        return None
    served = bundle.load_bundle(champion).bundle
    judged_on = [b.origin["data_sha256"]["v1"] for b in (served, candidate)]
    if served.contract != candidate.contract or judged_on[0] != judged_on[1]:
        return None
    versions = open_versions("data", candidate.contract.card)
    holdout = versions.holdout
    before, after = (
        ModelScores(b.probability(holdout.X), b.policy.threshold) for b in (served, candidate)
    )
    decision = {
        "alert_budget": candidate.policy.alert_budget,
        "review_cost_eur": candidate.policy.actions.review_cost_eur,
    }
    null_bands = _null_bands(profile, versions.content_sha256)
    if isinstance(null_bands, str):
        reason = f"how far equally good trainings differ is not known here: {null_bands}"
        return decide(Criterion("champion", Verdict.INSUFFICIENT, reason))
    saving, change = compare(
        before,
        after,
        holdout,
        decision=decision,
        n_replicates=COMPARISON_REPLICATES,
        rng=np.random.default_rng(0),
    )
    return decide(
        check_champion(saving, null_band_eur=null_bands[0]),
        check_ranking(change, null_band=null_bands[1]),
    )


def _null_bands(profile: str, digests: dict[str, str]) -> tuple[float, float] | str:
    """How far cost and average precision move between equally
    good trainings on these data, or why it is not known.
    """
    folder = results_folder(profile, "poisoning")
    evidence = sibling_evidence(
        str(folder), "poisoning", "null_run.expected_cost_eur_null_band", of=digests
    )
    if evidence.refused or evidence.word is None:
        return evidence.refused or f"run `dvc repro poisoning@{profile}`"
    metrics = read_metrics(folder)
    return (
        float(metrics["null_run.expected_cost_eur_null_band"]),
        float(metrics["null_run.average_precision_null_band"]),
    )


def roll_back(by: str, why: str) -> str:
    """Put the previous champion back instead of the
    champion, which becomes the previous one; record it.

    A service that is running takes it over within two seconds.

    Raises
    ------
    FraudCoreError
        When there is no previous champion, or it cannot be served.
    """
    champion, previous = within_project(CHAMPION), within_project(PREVIOUS)
    if not previous.is_dir():
        raise FraudCoreError(f"{PREVIOUS}: there is no previous champion to go back to")
    version = bundle.load_bundle(previous).bundle.version
    partial = champion.with_name(f".champion-{os.getpid()}")
    previous.rename(partial)
    _swap(partial, champion)
    _record(version, {}, promoted=True, override=(by, f"rolled back: {why}"))
    return f"champion: model {version} is back, by {by}"


def _swap(partial: Path, champion: Path) -> None:
    """Put a complete folder instead of the champion, which is kept as the previous one."""
    previous = within_project(PREVIOUS)
    if champion.exists():
        shutil.rmtree(previous, ignore_errors=True)
        champion.rename(previous)
    partial.rename(champion)
    # what watches for another champion sees this one as new, even when it was made long ago
    (champion / "manifest.json").touch()


def _record(
    model_version: str,
    judged: dict[str, Any],
    *,
    promoted: bool,
    override: tuple[str, str] | None = None,
) -> None:
    """Append the decision to the record; an override
    stands beside the evidence and never in its place.
    """
    gate = {
        name.removeprefix("gate."): value
        for name, value in judged.items()
        if name.startswith("gate.")
    }
    kinds = {
        kind: {
            name.removeprefix(f"{kind}."): value
            for name, value in gate.items()
            if name.startswith(f"{kind}.")
        }
        for kind in ("required", "advisory", "champion")
    }
    rest = {
        name: value
        for name, value in gate.items()
        if not name.startswith(tuple(f"{kind}." for kind in kinds))
    }
    entry = {
        "at_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "model_version": model_version,
        "promoted": promoted,
        "git_revision": git_revision(),
        "gate": rest,
        **kinds,
        "override": None if override is None else {"by": override[0], "why": override[1]},
    }
    path = within_project(RECORD)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        out.write(json.dumps(entry, sort_keys=True) + "\n")
