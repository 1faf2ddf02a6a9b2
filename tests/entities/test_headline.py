"""The table of the study holds every figure once; metrics.json is a view of it."""

from itertools import product

from fraud_core.entities.headline import headline, stream_rows, way_rows
from fraud_core.entities.study import METRICS
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.prequential import LEFT_OUT
from fraud_core.evaluation.study_table import StudyTable

WAYS = ("raw", "features", "random_split")
FOUND = {
    f"{way}.{metric}": Estimate(k / 20, 0.0, 1.0)
    for k, (way, metric) in enumerate(product((*WAYS, "features.gain"), METRICS))
}
LEFT = {f"folds.left_out.{r}.{p}": 0.25 for r, p in product(LEFT_OUT, ("first", "last"))}
COUNTS = {"payments": 900, "fraud_share": 0.5, "skew_events": 10, "skew_mismatches": 0}


def study(known):
    rows = [*way_rows(FOUND), *stream_rows(COUNTS | {"cards_in_a_day": 33.5}, known, LEFT)]
    return StudyTable.from_measurements(rows, table="simulated", study="entities")


def test_headline_figures_are_figures_of_the_table():
    table = study({7: 0.7, 30: 0.9})
    found = headline(table, 100)
    values = set(table.frame["value"].to_list())
    numbers = {one.value if isinstance(one, Estimate) else float(one) for one in found.values()}
    assert numbers <= values
    assert len(table) == len(FOUND) + len(COUNTS) + 1 + 2 + len(LEFT)
    assert found["features.gain.card_precision_at_100"] == found["investigated.gain"]
    assert found["labels.known_after_7_days"] == 0.7
    assert isinstance(found["stream.payments"], int)


def test_another_age_of_the_labels_changes_rows_and_no_name():
    first, second = study({7: 0.7, 30: 0.9}), study({7: 0.7, 30: 0.9, 60: 1.0})
    assert headline(first, 100) == headline(second, 100)
    assert second.only("labels_known_share", group="60 days").value == 1.0
    assert not first.has("labels_known_share", group="60 days")
