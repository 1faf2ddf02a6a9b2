"""Headline metrics of a study: the names of metrics.json, and the rows of its table they stand for.

The table holds every metric; pages, the gate and DVC read these few by a name that no parameter
changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.study_table import StudyTable


@dataclass(frozen=True)
class Headline:
    """One metric of a table by its columns; a column that is None holds nothing there.

    Attributes
    ----------
    metric, group, model, attack
        As in the table.
    kind
        What the number is, such as `int` for a count.
    table
        Name of the data, where the study reads several.
    """

    metric: str
    group: str | None = None
    model: str | None = None
    attack: str | None = None
    kind: Callable[[float], Any] = float
    table: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that choose the row."""
        chosen = {name: getattr(self, name) for name in ("metric", "group", "model", "attack")}
        return chosen if self.table is None else chosen | {"table": self.table}

    def read(self, table: StudyTable) -> Any:
        """The metric with its interval where it has one, a number of its kind elsewhere."""
        value = table.only(**self.columns).estimate
        return value if isinstance(value, Estimate) else self.kind(value)


def headline_metrics(table: StudyTable, names: Mapping[str, Headline]) -> dict[str, Any]:
    """The metrics of metrics.json by name; one that the table does not hold has none.

    Examples
    --------
    >>> from fraud_core.evaluation.study_table import Measurement
    >>> table = StudyTable.from_measurements(
    ...     [Measurement("frauds", 12, group="v1")], table="ulb", study="drift"
    ... )
    >>> names = {"v1.frauds": Headline("frauds", "v1", kind=int), "v1.rows": Headline("rows", "v1")}
    >>> headline_metrics(table, names)
    {'v1.frauds': 12}
    """
    return {name: one.read(table) for name, one in names.items() if table.has(**one.columns)}
