"""The model of customers and terminals, and the histories that
fill a feature store: `python -m fraud_core features`.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fraud_core.bundle.schema import EntityWindows
from fraud_core.entities.card import entity_card, split_stream
from fraud_core.evaluation.metrics import average_precision
from fraud_core.features.labels import labels_as_of
from fraud_core.features.offline import add_features, first_and_last_second
from fraud_core.features.store_rows import KINDS
from fraud_core.features.store_table import history_rows
from fraud_core.features.windows import DAY_SECONDS, feature_lookback_seconds
from fraud_core.pipeline.execution.progress import progress_bar
from fraud_core.pipeline.params import EntityModel, Params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.stages.candidate import plan_of, train_by, write_candidate
from fraud_core.pipeline.stages.promote import seal
from fraud_core.pipeline.storage.dataset_versions import Versions
from fraud_core.pipeline.storage.event_stream import EventStream, open_events
from fraud_core.pipeline.storage.tables import write_parquet

HISTORIES = Path("data/features")
BUNDLE = Path("models/entities")
STEPS = 4


def make_entity_model(params: Params, *, data_dir: str = "data") -> str:
    """Train on the featured stream, score its last days,
    write the bundle and the histories; returns one line.

    The bundle is sealed but passed no gate: the gate judges models of the payments.

    Raises
    ------
    ParameterError
        When the stream is too short for training, delay, validation and test.
    """
    settings, show = params.entity_model, progress_bar()
    show("model on entity history: events", 0, STEPS)
    stream = open_events(data_dir, settings.stream, settings.seed)
    show("model on entity history: features", 1, STEPS)
    versions = _versions(stream, settings)
    show("model on entity history: training", 2, STEPS)
    plan = plan_of(params)
    chosen = train_by(plan, params.model.studied, versions.training_rows)
    holdout = versions.holdout
    precision = average_precision(holdout.y_observed, chosen.estimator.decision_function(holdout.X))
    windows = EntityWindows(tuple(settings.windows_days), settings.label_delay_days)
    place = within_project(BUNDLE)
    partial = place.with_name(f".{place.name}")
    version = write_candidate(partial, chosen, versions, plan, windows)
    seal(partial)
    show("model on entity history: histories", 3, STEPS)
    write_histories(stream, settings)
    shutil.rmtree(place, ignore_errors=True)
    partial.rename(place)
    show("model on entity history", STEPS, STEPS)
    return (
        f"{BUNDLE}: model {version} of {stream.title}, average precision {precision:.3f} on its "
        f"last {settings.test_days} days; histories in {HISTORIES}"
    )


def write_histories(stream: EventStream, settings: EntityModel) -> None:
    """Write what a feature store holds at the end of the
    stream: one row for each customer and each terminal.

    A fraud that was reported after the last payment is not known yet.
    """
    origin = stream.origin if stream.origin is not None else _seconds_of(settings.first_day)
    folder = within_project(HISTORIES)
    folder.mkdir(parents=True, exist_ok=True)
    known = labels_as_of(stream.events, first_and_last_second(stream.events["time"])[1] + 1)
    for kind in KINDS:
        rows = history_rows(
            known, kind, origin=origin, lookback_seconds=store_lookback_seconds(settings)
        )
        write_parquet(rows, folder / f"{kind}s.parquet")


def store_lookback_seconds(settings: EntityModel) -> int:
    """Lookback of a stored history: the windows, the delay
    of labels, and the allowed lateness of an event.
    """
    return (
        feature_lookback_seconds(settings.windows_days, settings.label_delay_days)
        + settings.allowed_lateness_days * DAY_SECONDS
    )


def _versions(stream: EventStream, settings: EntityModel) -> Versions:
    """Training rows whose windows are full, and test rows."""
    made: dict[str, Any] = {
        "windows_days": settings.windows_days,
        "label_delay_days": settings.label_delay_days,
    }
    featured = add_features(stream.events, **made)
    days = first_and_last_second(featured["time"])[1] // DAY_SECONDS + 1
    card = entity_card(
        stream.title,
        **made,
        test_from_day=days - settings.test_days,
        validation_days=settings.validation_days,
    )
    warm = first_and_last_second(featured["time"])[0] + feature_lookback_seconds(**made)
    early, late = split_stream(featured, card, label_delay_days=settings.label_delay_days)
    return Versions(card, early.filter(early["time"] >= warm), late)


def _seconds_of(day: str) -> int:
    return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
