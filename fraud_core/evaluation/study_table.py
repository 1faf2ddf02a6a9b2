"""Table of a study: one tidy row for each value of a metric, so
that values are chosen by columns and never by parts of a name.

A change of a parameter changes rows. metrics.json, pages, goals and drawings are views of the
table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from types import EllipsisType
from typing import Any

import numpy as np
import polars as pl

from fraud_core.errors import ResultError
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.verdicts import Verdict

SCHEMA = {
    "table": pl.String,
    "study": pl.String,
    "attack": pl.String,
    "poison_rate": pl.Float64,
    "defence": pl.String,
    "model": pl.String,
    "group": pl.String,
    "seed": pl.Int64,
    "metric": pl.String,
    "value": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "verdict": pl.String,
}
KEYS = tuple(SCHEMA)[:9]
SAME_RATE = 1e-9
SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Measurement:
    """One value of a metric of a study.

    Attributes
    ----------
    metric
        What was measured; its unit is in its name.
    value, ci_low, ci_high
        The value and its 95% interval; None for the ends where it has none.
    attack, poison_rate
        What was done to the labels, and the share of each attacked class, in [0, 1]; None where
        nothing was.
    defence, group
        What cleaned them; the group of people, payments or features that the value is of.
    model
        The model or the method, where a study compares several.
    seed
        Of one draw; None for a value over all draws.
    verdict
        What the evidence says, where the study says so.
    """

    metric: str
    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    attack: str | None = None
    poison_rate: float | None = None
    defence: str | None = None
    model: str | None = None
    group: str | None = None
    seed: int | None = None
    verdict: Verdict | None = None

    @classmethod
    def of(cls, metric: str, estimate: Estimate | float, **columns: Any) -> "Measurement":
        """A metric with its interval, or without one.

        Examples
        --------
        >>> Measurement.of("recall", Estimate(0.5, 0.4, 0.6), defence="knn").ci_high
        0.6
        """
        if isinstance(estimate, Estimate):
            return cls(metric, estimate.value, estimate.ci_low, estimate.ci_high, **columns)
        return cls(metric, float(estimate), **columns)

    @property
    def interval(self) -> Estimate:
        """The value with its interval; a value without one is its own."""
        low, high = (self.value if end is None else end for end in (self.ci_low, self.ci_high))
        return Estimate(self.value, low, high)

    @property
    def estimate(self) -> Estimate | float:
        """The value with its interval where it has one."""
        return self.value if self.ci_low is None else self.interval


@dataclass(frozen=True)
class StudyTable:
    """The values of a study, one row each.

    Attributes
    ----------
    frame
        Columns as in `SCHEMA`, null where a column says nothing of a value.
    """

    frame: pl.DataFrame

    @classmethod
    def from_measurements(
        cls, rows: Iterable[Measurement], *, table: str, study: str
    ) -> "StudyTable":
        """The table of some values.

        Parameters
        ----------
        rows
            In the order in which they are to be shown.
        table, study
            Name of the data, and of the study.

        Raises
        ------
        ResultError
            When a value is not finite, or two values are distinguished by no column.

        Examples
        --------
        >>> StudyTable.from_measurements(
        ...     [Measurement("recall", 0.5)], table="ulb", study="poisoning"
        ... ).frame.shape
        (1, 13)
        """
        columns = [field.name for field in fields(Measurement)]
        records = [
            {name: getattr(row, name) for name in columns} | {"table": table, "study": study}
            for row in rows
        ]
        for record in records:
            ends = (record["value"], record["ci_low"], record["ci_high"])
            if not all(end is None or np.isfinite(end) for end in ends):
                raise ResultError(
                    f"{_said(record)}: expected finite values, got {ends}; leave it out"
                )
        return cls._checked(pl.DataFrame(records, schema=SCHEMA))

    @classmethod
    def joined(cls, *tables: "StudyTable") -> "StudyTable":
        """The values of several tables, such as those of payments and of simulated streams.

        Raises
        ------
        ResultError
            When two values are distinguished by no column.

        Examples
        --------
        >>> parts = (
        ...     StudyTable.from_measurements(
        ...         [Measurement("recall", 0.5)], table=name, study="drift"
        ...     )
        ...     for name in ("ulb", "simulated")
        ... )
        >>> StudyTable.joined(*parts).only("recall", table="ulb").value
        0.5
        """
        return cls._checked(pl.concat([table.frame for table in tables]))

    @classmethod
    def _checked(cls, frame: pl.DataFrame) -> "StudyTable":
        twice = frame.filter(frame.select(KEYS).is_duplicated())
        if twice.height:
            raise ResultError(
                f"{_said(twice.row(0, named=True))}: expected one value, got several; name a "
                "column more"
            )
        return cls(frame)

    def where(
        self,
        *,
        metric: str | EllipsisType = ...,
        attack: str | EllipsisType | None = ...,
        poison_rate: float | EllipsisType | None = ...,
        defence: str | EllipsisType | None = ...,
        model: str | EllipsisType | None = ...,
        group: str | EllipsisType | None = ...,
        seed: int | EllipsisType | None = None,
        table: str | EllipsisType = ...,
    ) -> "StudyTable":
        """The rows with some values; ``...`` is any value, None is null.

        Without a seed the rows over all draws are taken.

        Examples
        --------
        >>> rows = [
        ...     Measurement("recall", 0.5, defence="knn"),
        ...     Measurement("recall", 0.6, defence="knn", seed=1),
        ... ]
        >>> len(
        ...     StudyTable.from_measurements(rows, table="ulb", study="poisoning").where(
        ...         metric="recall"
        ...     )
        ... )
        1
        """
        columns = {
            "metric": metric,
            "attack": attack,
            "poison_rate": poison_rate,
            "defence": defence,
            "model": model,
            "group": group,
            "seed": seed,
            "table": table,
        }
        return StudyTable(
            self.frame.filter(*(_equal(name, v) for name, v in columns.items() if v is not ...))
        )

    def only(self, metric: str, **columns: Any) -> Measurement:
        """The one value with some values of the columns, as in `where`.

        Raises
        ------
        ResultError
            When no value or several have them.

        Examples
        --------
        >>> table = StudyTable.from_measurements(
        ...     [Measurement("recall", 0.5)], table="ulb", study="poisoning"
        ... )
        >>> table.only("recall").value
        0.5
        """
        chosen = list(self.where(metric=metric, **columns))
        if len(chosen) != 1:
            known = sorted(set(self.frame["metric"].to_list()))
            hint = "name another column" if chosen else f"metrics are {', '.join(known[:12])}"
            raise ResultError(
                f"{_said({'metric': metric, **columns})}: expected one value, got "
                f"{len(chosen) or 'none'}; {hint}"
            )
        return chosen[0]

    def has(self, metric: str, **columns: Any) -> bool:
        """Whether there is a value with some values of the columns, as in `where`."""
        return len(self.where(metric=metric, **columns)) > 0

    def to_write(self) -> pl.DataFrame:
        """The rows in the order of their columns, values with
        six significant digits: equal values, equal bytes.

        Examples
        --------
        >>> table = StudyTable.from_measurements(
        ...     [Measurement("recall", 1 / 3)], table="ulb", study="poisoning"
        ... )
        >>> table.to_write()["value"].to_list()
        [0.333333]
        """
        ordered = self.frame.sort(KEYS, nulls_last=False)
        return ordered.with_columns(
            pl.Series(name, [_rounded(value) for value in ordered[name]], dtype=pl.Float64)
            for name in ("value", "ci_low", "ci_high")
        )

    def __iter__(self) -> Iterator[Measurement]:
        for record in self.frame.drop("table", "study").iter_rows(named=True):
            verdict = record.pop("verdict")
            yield Measurement(**record, verdict=None if verdict is None else Verdict(verdict))

    def __len__(self) -> int:
        return self.frame.height


def _equal(column: str, value: Any) -> pl.Expr:
    if value is None:
        return pl.col(column).is_null()
    if column == "poison_rate":
        return (pl.col(column) - value).abs() < SAME_RATE
    return pl.col(column) == value


def _said(columns: dict[str, Any]) -> str:
    named = {name: columns.get(name) for name in KEYS}
    return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
