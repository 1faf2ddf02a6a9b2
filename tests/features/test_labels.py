import numpy as np
import polars as pl

from fraud_core.features.labels import labels_as_of, share_known

EVENTS = pl.DataFrame(
    {
        "time": [0, 5, 6, 20],
        "label": pl.Series([1, 1, 0, 1], dtype=pl.Int8),
        "reported_at": [8, 10, None, 25],
    }
)


def test_fraud_is_known_after_its_report_and_not_in_its_very_second():
    for moment, labels, reports in (
        (8, [0, 0, 0], [None, None, None]),
        (9, [1, 0, 0], [8, None, None]),
        (11, [1, 1, 0], [8, 10, None]),
        (100, [1, 1, 0, 1], [8, 10, None, 25]),
    ):
        known = labels_as_of(EVENTS, moment)
        assert known["label"].to_list() == labels
        assert known["reported_at"].to_list() == reports


def test_event_of_the_moment_itself_has_not_happened_and_types_stay():
    known = labels_as_of(EVENTS, 5)
    assert known["time"].to_list() == [0]
    assert known.schema == EVENTS.schema


def test_share_of_known_frauds_grows_to_those_that_are_ever_reported():
    day = 86_400
    events = pl.DataFrame(
        {
            "time": [0, day, 0, 0],
            "label": [1, 1, 1, 0],
            "reported_at": [day, 4 * day, None, None],
        }
    )
    found = share_known(events, np.array([0.5, 1.0, 2.9, 3.0, 99.0]))
    np.testing.assert_allclose(found, np.array([0, 1, 1, 2, 2]) / 3)
    assert share_known(events.filter(pl.col("label") == 0), np.array([1.0])).tolist() == [0.0]
