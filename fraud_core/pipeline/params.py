"""params.yaml as frozen structs; unknown keys are refused, and a study gets only what it declares."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from fraud_core.errors import ParameterError
from fraud_core.model.calibration import Method
from fraud_core.model.policy import PolicySettings
from fraud_core.pipeline.paths import PROFILES

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Flip = Literal["legit_to_fraud", "fraud_to_legit", "symmetric"]
# An attack on a group needs a column that the payments do not have; it belongs to tables with sensitive attributes.
Attack = Literal[
    "legit_to_fraud", "fraud_to_legit", "symmetric", "boundary", "targeted_mode", "backdoor", "injection", "source"
]
Defence = Literal[
    "none", "confident_learning", "knn", "micro_models", "trusted_loss", "provenance", "out_of_fold", "policy"
]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class DataSource(_Section):
    card: str


class Poison(_Section):
    direction: Flip
    rates: list[Share]
    seed: int


class Decision(_Section):
    alert_budget: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
    review_cost_eur: Annotated[float, msgspec.Meta(ge=0.0)]


class Model(_Section):
    seed: int
    n_threads: Count
    catboost: dict[str, Any]
    logistic_regression: dict[str, Any]
    hist_gradient_boosting: dict[str, Any]
    calibration: dict[Literal["catboost", "logistic_regression", "hist_gradient_boosting"], Method]
    candidates: list[str]


class Sweep(_Section):
    attack: Attack
    rate: Share
    defence: Defence
    seed: int


class Scan(_Section):
    false_alarm_rate: Share
    n_reviewed: Count
    honest_error_rate: Share
    n_canaries: Count


class Certificate(_Section):
    parts: list[Annotated[int, msgspec.Meta(ge=3)]]
    vote_budget: Share
    flips: list[Count]


class DriftLimits(_Section):
    n_bins: Annotated[int, msgspec.Meta(ge=2)]
    psi_limit: Positive
    domain_limit: Annotated[float, msgspec.Meta(gt=0.5, le=1.0)]
    alpha: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class EntityModel(_Section):
    seed: int
    stream: dict[str, Any]
    windows_days: list[Count]
    label_delay_days: Count
    late_days: Count
    test_days: Count
    validation_days: Count
    first_day: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class DataStudy(_Section):
    n_examples: Count


class BaselineStudy(_Section):
    seed: int
    n_replicates: Count
    n_random_splits: Count
    n_seeds: Annotated[int, msgspec.Meta(ge=2)]
    n_alternatives: Annotated[int, msgspec.Meta(ge=0)]


class PoisoningStudy(_Section):
    attacks: dict[Attack, list[Share]]
    defences: list[Defence]
    n_seeds: Count
    n_placebo: Annotated[int, msgspec.Meta(ge=2)]
    n_scanned: Annotated[int, msgspec.Meta(ge=0)]
    equivalence_limit: Share
    tolerated_eur: Positive
    n_replicates: Count


class Replay(_Section):
    train_hours: Positive
    calibrate_hours: Positive
    block_hours: Positive
    label_delay_hours: Annotated[float, msgspec.Meta(ge=0.0)]
    attack_hour: Positive
    hidden_share: Share


class StreamReplay(_Section):
    stream: dict[str, Any]
    first_day: Count
    train_days: Count
    reference_days: Count
    window_days: Count
    label_delay_days: Count
    retrain_days: Count
    alert_share: Share
    change_day: Count
    hidden_share: Share
    drifts: dict[Literal["covariate", "new_pattern"], Positive]
    n_scenarios: Annotated[int, msgspec.Meta(ge=5)]
    n_seeds: Count


class Resamples(_Section):
    decomposition: Count
    estimate: Count


class DriftStudy(_Section):
    seed: int
    equivalence_limit: Share
    n_replicates: Count
    resamples: Resamples
    aa_rows: list[Count]
    aa_windows: list[Count]
    power_rows: Count
    power_windows: Count
    n_scenarios: Count
    replay: Replay
    stream_replay: StreamReplay


class Folds(_Section):
    first_day: Annotated[int, msgspec.Meta(ge=0)]
    train_days: Count
    delay_days: Annotated[int, msgspec.Meta(ge=0)]
    test_days: Count
    n_folds: Count
    known: Literal["training_week", "stream"]


class EntitiesStudy(_Section):
    seed: int
    stream: dict[str, Any]
    folds: Folds
    cards_per_day: Count
    n_replicates: Count
    n_parity: Count


class Mitigation(_Section):
    miss_cost: Annotated[float, msgspec.Meta(gt=1.0)]
    tolerances: list[Share]
    recommended_tolerance: Share
    minimum_positives: Count
    n_splits: Count
    n_iterations: Annotated[int, msgspec.Meta(ge=0)]


class Hiding(_Section):
    attribute: str
    group: str
    shares: list[Share]
    n_seeds: Count
    selection_rates: list[Share]


class Trial(_Section):
    gaps: list[Share]
    sizes: list[Count]
    n_draws: Count
    recall: Share
    limit: Share


class StreamAudit(_Section):
    n_streams: Annotated[int, msgspec.Meta(ge=1)]
    bias: Share
    alert_share: Share


class FairnessStudy(_Section):
    seed: int
    n_folds: Annotated[int, msgspec.Meta(ge=2)]
    age_bands: list[int]
    selection_rate: Share
    difference_limit: Share
    ratio_limit: Share
    detectable_gap: Share
    threshold_rates: list[Share]
    n_replicates: Count
    mitigation: Mitigation
    hiding: Hiding
    trial: Trial
    stream: dict[str, Any]
    stream_audit: StreamAudit


class ExplainStudy(_Section):
    seed: int
    n_rows: Count
    n_shown: Count
    n_seeds: Count
    n_draws: Count
    attacks: dict[str, Share]


class SelectStudy(_Section):
    seed: int
    n_replicates: Count
    minimum_lift: Positive
    maximum_average_precision: Share
    alert_tolerance: Positive


class Profile(_Section):
    data: DataStudy
    baseline: BaselineStudy
    poisoning: PoisoningStudy
    drift: DriftStudy
    entities: EntitiesStudy
    fairness: FairnessStudy
    explain: ExplainStudy
    select: SelectStudy


class Params(_Section):
    """The whole of params.yaml."""

    data: DataSource
    poison: Poison
    decision: Decision
    policy: PolicySettings
    model: Model
    poisoning: Sweep
    scan: Scan
    certificate: Certificate
    drift: DriftLimits
    entity_model: EntityModel
    quick: Profile
    full: Profile


class Study(msgspec.Struct, frozen=True):
    """A study: its notebook, the shared sections it reads, and where its own parameters stand in params.yaml."""

    notebook: str
    shared: tuple[str, ...] = ()


STUDIES: dict[str, Study] = {
    "data": Study("00_data"),
    "baseline": Study("10_baseline", shared=("decision", "model")),
    "entities": Study("15_entities", shared=("model",)),
    "poisoning": Study("20_poisoning", shared=("decision", "model", "scan", "certificate")),
    "drift": Study("30_drift", shared=("decision", "drift", "model")),
    "fairness": Study("40_fairness", shared=("decision", "model")),
    "explain": Study("50_explain", shared=("decision", "model")),
    "select": Study("60_select", shared=("decision",)),
}
# Runs that take one point of a section instead of a profile's grid.
SWEEPS: dict[str, Study] = {"sweep": Study("25_sweep", shared=("decision", "model"))}


def read_params(path: Path) -> Params:
    """Read params.yaml.

    Raises
    ------
    ParameterError
        When a key is unknown, missing, of another type or out of range; the message names the key.
    """
    if not path.is_file():
        raise ParameterError(f"{path.name}: no such file; restore it with `git checkout params.yaml`")
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=Params)
    except msgspec.MsgspecError as error:
        raise ParameterError(f"{path.name}: {error}; correct the key (each is explained in its comment)") from error


def notebook_parameters(params: Params, study: str, profile: str) -> dict[str, Any]:
    """The parameters that a study's notebook receives: its own, flat, and each shared section as one dict.

    Raises
    ------
    ParameterError
        When there is no such study or profile.
    """
    if study in SWEEPS:
        entry, own = SWEEPS[study], params.poisoning
    elif study in STUDIES and profile in PROFILES:
        entry, own = STUDIES[study], getattr(getattr(params, profile), study)
    else:
        known = ", ".join([*STUDIES, *SWEEPS])
        raise ParameterError(
            f"expected a study among {known} and a profile among {', '.join(PROFILES)}, got {study!r} and {profile!r}"
        )
    shared = {section: msgspec.to_builtins(getattr(params, section)) for section in entry.shared}
    return msgspec.to_builtins(own) | shared
