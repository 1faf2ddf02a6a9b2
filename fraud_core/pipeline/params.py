"""params.yaml as frozen structs; unknown keys are
refused, and a study gets only what it declares.
"""

from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from fraud_core.data.yaml_text import decode_yaml
from fraud_core.errors import ParameterError
from fraud_core.model.parameters import ModelParameters
from fraud_core.pipeline.paths import PROFILES
from fraud_core.pipeline.study_params import (
    Attack,
    BaselineStudy,
    Count,
    DataStudy,
    Defence,
    DriftStudy,
    EntitiesStudy,
    ExplainStudy,
    FairnessStudy,
    PoisoningStudy,
    Positive,
    SelectStudy,
    Share,
    _Section,
)
from fraud_core.poisoning.attacks.label_flips import Direction
from fraud_core.policy.actions import PolicySettings


class DataSource(_Section, frozen=True, forbid_unknown_fields=True):
    card: str


class Poison(_Section, frozen=True, forbid_unknown_fields=True):
    direction: Direction
    rates: list[Share]
    seed: int


class Decision(_Section, frozen=True, forbid_unknown_fields=True):
    alert_budget: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
    review_cost_eur: Annotated[float, msgspec.Meta(ge=0.0)]


class Sweep(_Section, frozen=True, forbid_unknown_fields=True):
    attack: Attack
    rate: Share
    defence: Defence
    seed: int


class Scan(_Section, frozen=True, forbid_unknown_fields=True):
    false_alarm_rate: Share
    n_reviewed: Count
    honest_error_rate: Share
    n_canaries: Count


class Certificate(_Section, frozen=True, forbid_unknown_fields=True):
    parts: list[Annotated[int, msgspec.Meta(ge=3)]]
    vote_budget: Share
    flips: list[Count]


class DriftThresholds(_Section, frozen=True, forbid_unknown_fields=True):
    n_bins: Annotated[int, msgspec.Meta(ge=2)]
    psi_threshold: Positive
    domain_threshold: Annotated[float, msgspec.Meta(gt=0.5, le=1.0)]
    alpha: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class EntityModel(_Section, frozen=True, forbid_unknown_fields=True):
    seed: int
    stream: dict[str, Any]
    windows_days: list[Count]
    label_delay_days: Count
    allowed_lateness_days: Count
    test_days: Count
    validation_days: Count
    first_day: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Profile(_Section, frozen=True, forbid_unknown_fields=True):
    data: DataStudy
    baseline: BaselineStudy
    poisoning: PoisoningStudy
    drift: DriftStudy
    entities: EntitiesStudy
    fairness: FairnessStudy
    explain: ExplainStudy
    select: SelectStudy


class Params(_Section, frozen=True, forbid_unknown_fields=True):
    """The whole of params.yaml."""

    data: DataSource
    poison: Poison
    decision: Decision
    policy: PolicySettings
    model: ModelParameters
    poisoning: Sweep
    scan: Scan
    certificate: Certificate
    drift: DriftThresholds
    entity_model: EntityModel
    quick: Profile
    full: Profile


class Study(msgspec.Struct, frozen=True):
    """A study: its notebook, the shared sections it reads,
    and where its own parameters stand in params.yaml.
    """

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
        raise ParameterError(
            f"{path.name}: no such file; restore it with `git checkout params.yaml`"
        )
    try:
        return decode_yaml(path.read_bytes(), Params)
    except msgspec.MsgspecError as error:
        raise ParameterError(
            f"{path.name}: {error}{_allowed_at(str(error))}; correct it (each key is explained in "
            "its comment)"
        ) from error


def _allowed_at(message: str) -> str:
    """The names that may stand where msgspec found another one; empty elsewhere."""
    if "Invalid enum value" not in message:
        return ""
    if "attack" in message:
        return f", expected one of {', '.join(get_args(Attack))}"
    return f", expected one of {', '.join(get_args(Defence))}" if "defence" in message else ""


def notebook_parameters(params: Params, study: str, profile: str) -> dict[str, Any]:
    """The parameters that a study's notebook receives:
    its own, flat, and each shared section as one dict.

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
            f"expected a study among {known} and a profile among {', '.join(PROFILES)}, got "
            f"{study!r} and {profile!r}"
        )
    shared = {section: msgspec.to_builtins(getattr(params, section)) for section in entry.shared}
    return msgspec.to_builtins(own) | shared
