"""The card of a stream with its features: what the model
on entity history is trained on, and what its service is asked.
"""

from collections.abc import Sequence

import polars as pl

from fraud_core.data.card import Column, DatasetCard, Split
from fraud_core.errors import ParameterError
from fraud_core.features.labels import labels_as_of
from fraud_core.features.offline import first_and_last_second
from fraud_core.features.windows import (
    DAY_SECONDS,
    NULLABLE,
    feature_lookback_seconds,
    feature_names,
)

MOST_PAYMENTS, MOST_EUR = 1e7, 1e7


def entity_card(
    title: str,
    *,
    windows_days: Sequence[int],
    label_delay_days: int,
    test_from_day: int,
    validation_days: int,
) -> DatasetCard:
    """The dataset card of a featured stream.

    Parameters
    ----------
    windows_days, label_delay_days
        As of `fraud_core.features.offline.add_features`.
    test_from_day
        First day of the test.
    validation_days
        Last days of the training rows, for calibration and threshold.

    Examples
    --------
    >>> card = entity_card(
    ...     "T", windows_days=[1], label_delay_days=7, test_from_day=9, validation_days=2
    ... )
    >>> card.model_features[:2], card.column("terminal_risk_1d").nullable
    (['amount_eur', 'seconds_since_last'], True)
    """
    reach = feature_lookback_seconds(windows_days, label_delay_days)
    return DatasetCard(
        name="stream",
        title=title,
        kind="simulated" if title.startswith("simulated") else "real",
        description="Payments with the point-in-time features of their customer and terminal.",
        credit="This project.",
        file="",
        duplicates="keep",
        columns=(
            Column("time", "time", "int", min=0, unit="second"),
            Column("amount_eur", "amount", "float", min=0.0, max=MOST_EUR, unit="euro"),
            *(_column(name, reach) for name in feature_names(windows_days)),
            Column("label", "label", "int", min=0, max=1),
        ),
        split=Split(
            at=float(test_from_day * DAY_SECONDS),
            validation_seconds=float(validation_days * DAY_SECONDS),
        ),
    )


def _column(name: str, reach: int) -> Column:
    most = {
        "customer_m": MOST_EUR,
        "terminal_r": 1.0,
        "seconds_si": float(reach),
        "night": 1.0,
        "weekend": 1.0,
    }.get(name[:10], MOST_PAYMENTS)
    return Column(name, "feature", "float", min=0.0, max=most, nullable=name.startswith(NULLABLE))


def split_stream(
    featured: pl.DataFrame, card: DatasetCard, *, label_delay_days: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Training rows with the labels that were known
    when the test began, and test rows with the truth.

    The days of the label delay before the test teach nothing: their frauds are not reported yet.

    Raises
    ------
    ParameterError
        When one side holds one class alone.
    """
    start = int(card.cut.at)
    early = labels_as_of(featured, start).filter(
        pl.col("time") < start - label_delay_days * DAY_SECONDS
    )
    late = featured.filter(pl.col("time") >= start)
    validation = early.filter(
        pl.col("time") >= first_and_last_second(early["time"])[1] - card.cut.validation_seconds
    )
    for side, rows in (("training", early), ("validation", validation), ("test", late)):
        if rows["label"].n_unique() < 2:
            raise ParameterError(
                f"entity_model: expected fraud and genuine payments among the {side} rows, found "
                f"{rows.height} rows "
                "of at most one kind; take a longer stream, or another test_from_day or "
                "validation_days"
            )
    columns = card.names()
    return early.sort("time", maintain_order=True).select(columns), late.sort(
        "time", maintain_order=True
    ).select(columns)
