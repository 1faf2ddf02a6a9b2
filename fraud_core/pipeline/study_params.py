"""The sections of params.yaml that belong to one study
each, as frozen structs that refuse unknown keys.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from fraud_core.poisoning.attacks.registry import attack_names
from fraud_core.poisoning.defences.registry import SELECTOR, defence_names
from fraud_core.poisoning.defences.undefended import UNDEFENDED

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
if TYPE_CHECKING:
    # the names stand in the registries, which a checker does not run
    Attack = str
    Defence = str
else:
    # An attack on a group needs a column that the payments do not have; it belongs to tables with
    # sensitive attributes.
    Attack = Literal[attack_names(without=("group",))]
    Defence = Literal[(*defence_names(), SELECTOR)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A section: frozen, and unknown keys are refused."""


class DataStudy(_Section, frozen=True, forbid_unknown_fields=True):
    """The data page."""

    n_examples: Count


class BaselineStudy(_Section, frozen=True, forbid_unknown_fields=True):
    """The baseline: seeds, random splits and alternatives tried on v1."""

    seed: int
    n_replicates: Count
    n_random_splits: Count
    n_seeds: Annotated[int, msgspec.Meta(ge=2)]
    n_alternatives: Annotated[int, msgspec.Meta(ge=0)]


class PoisoningStudy(_Section, frozen=True, forbid_unknown_fields=True):
    """The grid of attacks and defences, its null runs and its limits."""

    attacks: dict[Attack, list[Share]]
    defences: list[Defence]
    n_seeds: Count
    n_null_runs: Annotated[int, msgspec.Meta(ge=2)]
    n_scanned: Annotated[int, msgspec.Meta(ge=0)]
    equivalence_margin: Share
    tolerated_eur: Positive
    n_replicates: Count

    def __post_init__(self) -> None:
        lacking = [name for name in (UNDEFENDED.name, SELECTOR) if name not in self.defences]
        if lacking:
            raise ValueError(
                f"defences: expected {UNDEFENDED.name} and {SELECTOR} among them, because every "
                f"page compares the two; add {' and '.join(lacking)}"
            )


class Replay(_Section, frozen=True, forbid_unknown_fields=True):
    """The replay of the two days, block by block."""

    train_hours: Positive
    calibrate_hours: Positive
    block_hours: Positive
    label_delay_hours: Annotated[float, msgspec.Meta(ge=0.0)]
    attack_hour: Positive
    suppressed_share: Share


class StreamReplay(_Section, frozen=True, forbid_unknown_fields=True):
    """The replay of simulated streams, day by day."""

    stream: dict[str, Any]
    first_day: Count
    train_days: Count
    reference_days: Count
    window_days: Count
    label_delay_days: Count
    retrain_days: Count
    alert_share: Share
    change_day: Count
    suppressed_share: Share
    drifts: dict[Literal["covariate", "new_pattern"], Positive]
    n_scenarios: Annotated[int, msgspec.Meta(ge=5)]
    n_seeds: Count


class Resamples(_Section, frozen=True, forbid_unknown_fields=True):
    """Resamples of what is fitted again on each."""

    decomposition: Count
    estimate: Count


class DriftStudy(_Section, frozen=True, forbid_unknown_fields=True):
    """Windows, scenarios and replays of the drift study."""

    seed: int
    equivalence_margin: Share
    n_replicates: Count
    resamples: Resamples
    aa_rows: list[Count]
    aa_windows: list[Count]
    power_rows: Count
    power_windows: Count
    n_scenarios: Count
    replay: Replay
    stream_replay: StreamReplay


class Folds(_Section, frozen=True, forbid_unknown_fields=True):
    """The prequential evaluation of the study of entities."""

    first_day: Annotated[int, msgspec.Meta(ge=0)]
    train_days: Count
    delay_days: Annotated[int, msgspec.Meta(ge=0)]
    test_days: Count
    n_folds: Count
    known: Literal["training_week", "stream"]


class EntitiesStudy(_Section, frozen=True, forbid_unknown_fields=True):
    """The simulated stream and its evaluation."""

    seed: int
    stream: dict[str, Any]
    folds: Folds
    cards_per_day: Count
    n_replicates: Count
    n_skew_events: Count


class Mitigation(_Section, frozen=True, forbid_unknown_fields=True):
    """The search for thresholds by group."""

    miss_cost: Annotated[float, msgspec.Meta(gt=1.0)]
    tolerances: list[Share]
    recommended_tolerance: Share
    minimum_positives: Count
    n_splits: Count
    n_iterations: Annotated[int, msgspec.Meta(ge=0)]


class Suppression(_Section, frozen=True, forbid_unknown_fields=True):
    """Positives of one group that are suppressed in training."""

    attribute: str
    group: str
    shares: list[Share]
    n_seeds: Count
    selection_rates: list[Share]


class VerdictValidation(_Section, frozen=True, forbid_unknown_fields=True):
    """Draws whose disparity is known, to validate the verdicts."""

    disparities: list[Share]
    sizes: list[Count]
    n_draws: Count
    recall: Share
    tolerance: Share


class StreamAudit(_Section, frozen=True, forbid_unknown_fields=True):
    """Simulated streams with a known bias."""

    n_streams: Annotated[int, msgspec.Meta(ge=1)]
    bias: Share
    alert_share: Share


class FairnessStudy(_Section, frozen=True, forbid_unknown_fields=True):
    """The audit, its tolerances, its mitigation and the validation of its verdicts."""

    seed: int
    n_folds: Annotated[int, msgspec.Meta(ge=2)]
    age_bands: list[int]
    selection_rate: Share
    difference_tolerance: Share
    ratio_tolerance: Share
    detectable_disparity: Share
    threshold_rates: list[Share]
    n_replicates: Count
    mitigation: Mitigation
    suppression: Suppression
    verdict_validation: VerdictValidation
    stream: dict[str, Any]
    stream_audit: StreamAudit


class ExplainStudy(_Section, frozen=True, forbid_unknown_fields=True):
    """Rows explained, and attacks under which reasons are compared."""

    seed: int
    n_rows: Count
    n_shown: Count
    n_seeds: Count
    n_draws: Count
    attacks: dict[Attack, Share]


class SelectStudy(_Section, frozen=True, forbid_unknown_fields=True):
    """The gate's limits."""

    seed: int
    n_replicates: Count
    minimum_lift: Positive
    maximum_average_precision: Share
    alert_tolerance: Positive
