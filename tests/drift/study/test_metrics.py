"""The table of the study holds every figure once; metrics.json is a view of it under few names."""

from dataclasses import replace

import numpy as np
import pytest

from fraud_core.drift.performance.cbpe import CbpeResult
from fraud_core.drift.performance.shift_decomposition import Decomposition
from fraud_core.drift.replay.block_replay import replay_rows
from fraud_core.drift.study import headline
from fraud_core.drift.study.attribution import AttributionScores, AttributionStudy
from fraud_core.drift.study.error_rates import Calibration
from fraud_core.drift.study.metrics import (
    STATES,
    attribution_rows,
    calibration_rows,
    cbpe_rows,
    drift_table,
    performance_rows,
    window_rows,
)
from fraud_core.drift.study.streams import stream_rows
from fraud_core.drift.two_sample.windows import compare_windows, prepare_window
from fraud_core.evaluation.bootstrap import Estimate
from fraud_core.evaluation.verdicts import Verdict
from tests.drift.replay.test_block_replay import block
from tests.drift.study.test_streams import made_run

HALF, FELL = Estimate(0.5, 0.4, 0.6), Estimate(-0.2, -0.3, -0.1)
THRESHOLDS = {"psi_threshold": 0.1, "domain_threshold": 0.6, "alpha": 0.05}
CONFUSION = {
    "none": {"none": 7, "label_shift": 0},
    "label_shift": {"inconclusive": 2, "label_shift": 1},
}
SCORES = AttributionScores(HALF, HALF, HALF, HALF, CONFUSION, ((0.9, 0.8, 10),))
CALIBRATED = Calibration(
    HALF,
    {5000: HALF},
    {"psi_010_n2000": HALF, "some_rows": HALF},
    {(h, r): HALF for h in ("night", "day") for r in ("whole_day", "same_hours")},
)


def moved(rng, n_rows=1000):
    rows, current = rng.normal(size=(1000, 3)), rng.normal(size=(n_rows, 3))
    current[:, 1] += 1.0
    prepared = prepare_window(rows, list("abc"), n_bins=10, rng=rng)
    return compare_windows(prepared, current, **THRESHOLDS, rng=rng)


def study(window, calibrated=CALIBRATED):
    figures = {"average_precision": HALF, "recall_at_budget": HALF}
    parts = {"log_loss": Decomposition(0.1, 0.2, HALF, HALF, HALF, HALF, 100.0)}
    free, attribution = (
        CbpeResult(HALF, HALF, HALF, 20.0, 19),
        AttributionStudy(None, SCORES, SCORES, SCORES, SCORES, HALF),
    )
    blocks = [block(24.0), block(32.0, "suppressed_labels", 10.0)]
    return drift_table(
        [
            *window_rows(window),
            *calibration_rows(calibrated),
            *performance_rows(figures, figures, {"average_precision": FELL}, parts, margin=0.05),
            *cbpe_rows(free, free, free),
            *attribution_rows(attribution),
            *replay_rows(blocks, blocks, attack_hour=28.0),
        ],
        stream_rows([made_run(7, 1.0)]),
        table="toy",
    )


def test_window_counts_what_moved_and_names_the_most(rng):
    table = study(moved(rng))
    found = headline.headline(table)
    assert (found["most.feature"], found["features.compared"], found["features.material"]) == (
        "b",
        3,
        1,
    )
    index = table.only("population_stability_index", group="b")
    assert index.verdict == Verdict.FAIL
    assert index.interval.ci_low < found["most.population_stability_index"]
    assert found["domain.area"].value > 0.6


def test_unknown_window_has_no_figures_of_the_whole_and_passes_nothing(rng):
    window = moved(rng, n_rows=50)
    table = study(window)
    assert window.state == "insufficient_data"
    assert not {"domain.area", "reconstruction.error_change"} & set(headline.headline(table))
    assert {row.verdict for row in table.where(metric="population_stability_index")} == {
        STATES["insufficient_data"]
    }


def test_fall_is_a_verdict_of_the_table_and_a_word_of_metrics_json(rng):
    window = moved(rng)
    change = study(window).only("average_precision_change")
    assert (change.interval, change.verdict) == (FELL, Verdict.FAIL)
    said = headline.words(
        window,
        {"average_precision": FELL},
        [block(32.0, "suppressed_labels")],
        [made_run(7, 1.0)],
        margin=0.05,
        attack_hour=28.0,
    )
    assert (said["v1.verdict"], said["window.state"]) == ("fell", "material")
    assert said["replay.detected"] == "after 4 hours"


def test_headline_figures_are_figures_of_the_table_under_few_names(rng):
    table = study(moved(rng))
    found = headline.headline(table)
    values = set(table.frame["value"].to_list())
    numbers = {name: one for name, one in found.items() if not isinstance(one, str)}
    assert {one.value if isinstance(one, Estimate) else one for one in numbers.values()} <= values
    absent = {f"{stream}." for stream in ("replay.stream.covariate",)}
    named = {name for name in headline.NAMES if not name.startswith(tuple(absent))}
    assert named <= set(found)
    assert len(found) < 60
    assert isinstance(found["cbpe.realised_frauds"], int)
    assert found["decomposition.log_loss.y_given_x_shift"] == HALF


def test_attribution_is_reported_by_cause_and_by_what_it_read(rng):
    table = study(moved(rng))
    assert table.only("attribution_called_none", group="none").value == 7
    assert table.only("attribution_inconclusive", group="label_shift").value == 2
    assert not table.has("attribution_called_label_shift", group="none")
    assert table.only("attribution_confidence_excess").value == pytest.approx(0.1)
    assert table.has("attribution_accuracy", group=None, model="features_only")


def test_another_window_size_changes_rows_and_no_name(rng):
    window = moved(rng)
    first = study(window)
    second = study(window, replace(CALIBRATED, by_rows={700: HALF, 9000: HALF}))
    assert first.has("false_alarm_rate", group="5000 rows")
    assert not second.has("false_alarm_rate", group="5000 rows")
    assert len(second) == len(first) + 1
    assert headline.headline(first) == headline.headline(second)
    assert np.isfinite(second.frame["value"].to_numpy()).all()
