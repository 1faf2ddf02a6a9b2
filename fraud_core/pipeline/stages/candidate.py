"""The candidate: the model trained on v0, exported."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fraud_core.bundle import load as bundle
from fraud_core.bundle.arrays import ModelArrays
from fraud_core.bundle.schema import Contract, Described, EntityWindows, Field, Policy, Reference
from fraud_core.data.card import DatasetCard
from fraud_core.data.rows import Transactions
from fraud_core.drift.monitoring.reference_histogram import SCORE, build_reference
from fraud_core.drift.two_sample.binned import MINIMUM_ROWS, bin_edges, bin_shares
from fraud_core.errors import BundleError
from fraud_core.model.export import to_exported_model
from fraud_core.model.parameters import EstimatorParameters, ModelParameters
from fraud_core.model.training import CalibratedClassifier, train
from fraud_core.pipeline.execution.progress import progress_bar
from fraud_core.pipeline.params import Params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import TOY, Versions, open_versions
from fraud_core.poisoning.certification import best_parts, certify, supported_parts
from fraud_core.policy.actions import DecisionPolicy, PolicySettings
from fraud_core.policy.operating_points import policies_under
from fraud_core.policy.selection import LabelledScores, choose_policy
from fraud_core.scoring.leaf_tables import build_leaf_tables, contributions
from fraud_core.scoring.partition_ensemble import PartitionEnsemble

CANDIDATE = Path("models/candidate")
TOY_CANDIDATE = Path("scratch/toy-candidate")
EXPORT_TOLERANCE = 1e-8
REASONS_TOLERANCE = 1e-6
EXPORT_ROWS = 10_000
REFERENCE_BINS = 20
USUAL = (0.05, 0.95)
POLICY_REPLICATES = 2000
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Plan:
    """The sections of params.yaml that make a candidate; all of them are recorded in it."""

    model: ModelParameters
    decision: dict[str, Any]
    policy: dict[str, Any]
    certificate: dict[str, Any]


# For toy data and tests: a model that trains in a second.
TOY_PLAN = Plan(
    model=ModelParameters(
        seed=1, n_threads=1, estimators={"catboost": EstimatorParameters({"iterations": 30})}
    ),
    decision={"alert_budget": 0.05, "review_cost_eur": 5.0},
    policy={
        "loss_share": 1.0,
        "friction_share": 0.1,
        "review_miss_share": 0.1,
        "review_capacity_per_day": 5000.0,
        "abstain_margin": 1.0,
        "friction_eur": 5.0,
        "block_without_review": True,
    },
    certificate={"parts": [5], "vote_budget": 0.05, "flips": [1]},
)


def train_candidate(params: Params) -> None:
    """Train each servable estimator on v0, keep the best
    on the validation hours, and export it.
    """
    versions = open_versions("data", params.data.card)
    plan = plan_of(params)
    names, show = params.model.candidates, progress_bar()
    trained: dict[str, CalibratedClassifier] = {}
    for number, name in enumerate(names):
        show("training candidates", number, len(names))
        trained[name] = train_by(plan, name, versions.training_rows)
    show("training candidates", len(trained), len(trained))
    best = max(trained, key=lambda name: trained[name].validation_average_precision)
    written = write_candidate(CANDIDATE, trained[best], versions, plan)
    print(f"{CANDIDATE}: {best}, model version {written}")


def plan_of(params: Params) -> Plan:
    """The plan that the parameters describe."""
    decision, policy, certificate = (
        msgspec.to_builtins(section)
        for section in (params.decision, params.policy, params.certificate)
    )
    return Plan(params.model, decision, policy, certificate)


def train_by(plan: Plan, name: str, rows: Transactions) -> CalibratedClassifier:
    """Train one estimator with the settings of a plan."""
    return train(plan.model.config(name), rows, **plan.decision)


def open_candidate(data_dir: str) -> bundle.Bundle:
    """The candidate that would be promoted; for ``"toy"``
    one that is trained on the spot from toy data.
    """
    if data_dir != TOY:
        return bundle.read_content(within_project(CANDIDATE))
    versions = open_versions(TOY)
    write_candidate(
        TOY_CANDIDATE, train_by(TOY_PLAN, "catboost", versions.training_rows), versions, TOY_PLAN
    )
    return bundle.read_content(within_project(TOY_CANDIDATE))


def write_candidate(
    place: Path,
    chosen: CalibratedClassifier,
    versions: Versions,
    plan: Plan,
    entities: EntityWindows | None = None,
) -> str:
    """Export a trained model after checking that the exported
    one scores and explains alike; returns its version.

    Parameters
    ----------
    entities
        How its features are made, when they are those of customer and terminal.

    Raises
    ------
    BundleError
        When the exported model differs from the library's scores by more than 1e-8, or the
        contributions from its own by more than 1e-6.
    """
    rows = versions.training_rows
    judged = _judged(chosen, rows, versions.card)
    policy = choose_policy(
        judged,
        PolicySettings(**plan.policy),
        review_cost_eur=plan.decision["review_cost_eur"],
        threshold=chosen.operating_point.threshold,
        n_replicates=POLICY_REPLICATES,
        rng=np.random.default_rng(0),
    )
    folder = within_project(place)
    shutil.rmtree(folder, ignore_errors=True)
    return bundle.write_content(
        folder,
        contract=_contract(versions.card, entities),
        model=_plain_model(chosen, rows, plan),
        policy=Policy(
            slope=chosen.calibration.slope,
            intercept=chosen.calibration.intercept,
            threshold=chosen.operating_point.threshold,
            alert_budget=plan.decision["alert_budget"],
            actions=policy.policy,
        ),
        reference=_reference(chosen, rows, versions),
        origin={
            "estimator": chosen.estimator.name,
            "data_sha256": versions.content_sha256,
            "parameters": msgspec.to_builtins(plan),
            "other_policies": _other_policies(judged, plan),
            "validation": {
                "average_precision": chosen.validation_average_precision,
                "rows": int(rows.is_validation.sum()),
                "frauds": int(rows.y_observed[rows.is_validation].sum()),
                "policy_saving_eur": policy.saving_eur.value,
                "policy_saving_eur_lo": policy.saving_eur.ci_low,
                "policy_saving_eur_hi": policy.saving_eur.ci_high,
                "reviews_per_day": policy.reviews_per_day,
            },
        },
    )


def _plain_model(chosen: CalibratedClassifier, rows: Transactions, plan: Plan) -> ModelArrays:
    """Trees, tables and votes, the first two held against CatBoost on the last rows of v0."""
    from fraud_core.explain.contributions import shap_values

    exported, sample = to_exported_model(chosen.estimator), rows.X[-EXPORT_ROWS:]
    tables = build_leaf_tables(exported.trees, exported.leaf_weight)
    worst = float(
        np.abs(exported.trees.log_odds(sample) - chosen.estimator.decision_function(sample)).max()
    )
    if worst > EXPORT_TOLERANCE:
        raise BundleError(
            f"the exported trees differ from CatBoost's scores by {worst:.1e}, over "
            f"{EXPORT_TOLERANCE:g}"
        )
    expected, _ = shap_values(chosen.estimator.model, sample)
    worst = float(np.abs(contributions(exported.trees, tables, sample) - expected).max())
    if worst > REASONS_TOLERANCE:
        raise BundleError(
            f"the contributions differ from CatBoost's by {worst:.1e}, over {REASONS_TOLERANCE:g}"
        )
    return ModelArrays(exported.trees, tables, _votes(rows, plan))


def _votes(rows: Transactions, plan: Plan) -> PartitionEnsemble:
    """The parts of the certificate; how many is chosen on the validation hours."""
    settings = plan.certificate
    parts = supported_parts(rows, settings["parts"])
    k = best_parts(rows, parts=parts, vote_budget=settings["vote_budget"], flips=settings["flips"])
    return certify(rows.X, rows.y_observed, k=k, alert_budget=settings["vote_budget"])


def _judged(chosen: CalibratedClassifier, rows: Transactions, card: DatasetCard) -> LabelledScores:
    """The validation rows as a policy sees them, with
    the probabilities of the fit that has not seen them.
    """
    late = rows.is_validation
    probability = chosen.calibration.probability(chosen.validation_log_odds)
    return LabelledScores(
        rows.y_observed[late],
        probability,
        rows.amount_eur[late],
        card.cut.validation_seconds / SECONDS_A_DAY,
    )


def _other_policies(judged: LabelledScores, plan: Plan) -> dict[str, Any]:
    """The policy under each other assumption, for the sensitivity table of the selection."""
    policies = policies_under(
        judged, PolicySettings(**plan.policy), plan.decision["review_cost_eur"]
    )
    return {words: msgspec.to_builtins(policy) for words, policy in policies.items()}


def other_policies(candidate: bundle.Bundle) -> dict[str, DecisionPolicy]:
    """The policies under other assumptions that a candidate carries, by what was changed."""
    return msgspec.convert(candidate.origin["other_policies"], dict[str, DecisionPolicy])


def _contract(card: DatasetCard, entities: EntityWindows | None) -> Contract:
    asked = [column for column in card.columns if column.role in ("time", "feature", "amount")]
    if entities is not None:  # their service has no use for a time beside the one of the payment
        asked = [column for column in asked if column.role != "time"]
    fields = tuple(
        Field(column.name, column.type, column.min, column.max, column.nullable) for column in asked
    )
    return Contract(card.name, fields, tuple(card.model_features), card.only("amount"), entities)


def _reference(chosen: CalibratedClassifier, rows: Transactions, versions: Versions) -> Reference:
    """The distribution of each feature over v0, of the score
    over the validation hours, and of both by hour of day.

    Hours are left out when one of them holds too few rows to compare a window with.
    """
    names = versions.card.model_features
    hour = versions.v0[versions.card.only("time")].to_numpy() % SECONDS_A_DAY // 3600
    score = chosen.scored(rows.X[rows.is_validation]).y_score
    features = {name: _described(rows.X[:, k]) for k, name in enumerate(names)}
    if np.bincount(hour.astype(np.intp), minlength=24).min() < MINIMUM_ROWS:
        return Reference(features, _described(score))
    by_hour = _by_hour(rows.X, names, hour) | _by_hour(
        score[:, None], [SCORE], hour[rows.is_validation]
    )
    return Reference(features, _described(score), by_hour)


def _by_hour(
    values: np.ndarray, names: Sequence[str], hour: np.ndarray
) -> dict[str, tuple[tuple[int, ...], ...]]:
    built = build_reference(values, names, n_bins=REFERENCE_BINS, hour=hour)
    return {
        name: tuple(tuple(row) for row in built.counts[:, built.cells(k)].tolist())
        for k, name in enumerate(names)
    }


def _described(column: np.ndarray) -> Described:
    values = column[np.isfinite(column)].astype(np.float64)
    edges = bin_edges(values, REFERENCE_BINS)
    low, high = np.quantile(values, USUAL, method="inverted_cdf").tolist()
    return Described(
        tuple(edges.tolist()),
        tuple(bin_shares(values, edges).tolist()),
        len(values),
        float(values.min()),
        float(values.max()),
        low,
        high,
        len(column) - len(values),
    )
