"""Rows and headline figures of the study of entities: the payment
alone, with its history, and the random split that misleads.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fraud_core.entities.study import METRICS
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.headline import Headline, headline_metrics
from fraud_core.evaluation.prequential import LEFT_OUT
from fraud_core.evaluation.study_table import Measurement, StudyTable

RAW, FEATURES, RANDOM_SPLIT = "raw", "features", "random_split"
STEPS = ("first", "last")
CARDS = "card_precision"
NAMES = {
    "skew.mismatches": Headline("skew_mismatches", kind=int),
    "skew.events": Headline("skew_events", kind=int),
    "stream.payments": Headline("payments", kind=int),
    "stream.fraud_share": Headline("fraud_share"),
    "cards_in_a_day": Headline("cards_in_a_day"),
    "labels.known_after_7_days": Headline("labels_known_share", "7 days"),
    "labels.known_after_30_days": Headline("labels_known_share", "30 days"),
    "investigated.raw": Headline(CARDS, model=RAW),
    "investigated.features": Headline(CARDS, model=FEATURES),
    "investigated.gain": Headline(f"{CARDS}_gain", model=FEATURES),
    **{
        f"folds.left_out.{rule}.{step}": Headline(f"left_out_share_{step}_step", rule)
        for rule in LEFT_OUT
        for step in STEPS
    },
}


def way_rows(estimates: Mapping[str, Estimate]) -> Iterator[Measurement]:
    """Every metric of every way to learn, and what the history adds to the payment alone.

    Parameters
    ----------
    estimates
        As `fraud_core.entities.study.study_entities` gives it.
    """
    for way in (RAW, FEATURES, RANDOM_SPLIT):
        for metric in METRICS:
            yield Measurement.of(metric, estimates[f"{way}.{metric}"], model=way)
    for metric in METRICS:
        gain = estimates[f"{FEATURES}.gain.{metric}"]
        yield Measurement.of(f"{metric}_gain", gain, model=FEATURES)


def stream_rows(
    counts: Mapping[str, float],
    labels_known: Mapping[int, float],
    left_out: Mapping[str, float | str],
) -> Iterator[Measurement]:
    """What the stream holds, how soon frauds are reported, and whom each rule leaves out.

    Parameters
    ----------
    counts
        Figures of the whole stream by metric.
    labels_known
        Share of the frauds that were reported, by days after the payment.
    left_out
        As `fraud_core.entities.study.left_out_figures` gives it.
    """
    for metric, value in counts.items():
        yield Measurement(metric, float(value))
    for days, share in labels_known.items():
        yield Measurement("labels_known_share", float(share), group=f"{days} days")
    for rule in LEFT_OUT:
        for step in STEPS:
            share = float(left_out[f"folds.left_out.{rule}.{step}"])
            yield Measurement(f"left_out_share_{step}_step", share, group=rule)


def headline(table: StudyTable, cards_per_day: int) -> dict[str, Any]:
    """The figures of metrics.json by name.

    Parameters
    ----------
    table
        Of the study.
    cards_per_day
        Cards investigated in a day: a part of the names of card precision.

    Examples
    --------
    >>> rows = [Measurement("card_precision", 0.25, model="raw")]
    >>> headline(StudyTable.from_measurements(rows, table="toy", study="entities"), 20)
    {'investigated.raw': 0.25, 'raw.card_precision_at_20': 0.25}
    """
    shown = {metric: metric for metric in METRICS} | {CARDS: f"{CARDS}_at_{cards_per_day}"}
    ways = {
        f"{way}.{name}": Headline(metric, model=way)
        for way in (RAW, FEATURES, RANDOM_SPLIT)
        for metric, name in shown.items()
    }
    gains = {
        f"{FEATURES}.gain.{name}": Headline(f"{metric}_gain", model=FEATURES)
        for metric, name in shown.items()
    }
    return headline_metrics(table, NAMES | ways | gains)
