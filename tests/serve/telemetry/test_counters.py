import os
from pathlib import Path

import pytest

from serve.telemetry.counters import (
    INFERENCE_BUCKETS,
    MOST_KEPT,
    REQUEST_BUCKETS,
    Counters,
    forget_workers,
)


def test_buckets_separate_milliseconds():
    assert sum(bound < 0.1 for bound in REQUEST_BUCKETS) >= 5


def test_counters_of_all_workers_add_up(tmp_path):
    first = Counters(tmp_path, ["POST /predict"])
    first.request("POST /predict", 200, 0.002)
    first.event("decision_block")
    (tmp_path / "7.counters").write_bytes(next(tmp_path.glob("*.counters")).read_bytes())
    (tmp_path / "8.counters").write_bytes(b"of another version")
    (histogram,) = first.merged().requests().values()
    assert (histogram.counts.sum(), histogram.total_seconds) == (2, 0.004)
    assert first.merged().events()["decision_block"] == 2
    assert first.own().events()["decision_block"] == 1
    first.close()


def test_duration_counts_in_the_first_bucket_that_holds_it(tmp_path):
    counters = Counters(tmp_path, [])
    for seconds in (0.0, INFERENCE_BUCKETS[0], 0.00002, 1.0):
        counters.inference(seconds)
    histogram = counters.own().inference()
    counters.close()
    assert histogram.counts.tolist() == [2, 1] + [0] * (len(INFERENCE_BUCKETS) - 2) + [1]
    assert histogram.total_seconds == sum((0.0, INFERENCE_BUCKETS[0], 0.00002, 1.0))


def test_unknown_routes_and_statuses_share_one_place_each(tmp_path):
    counters = Counters(tmp_path, ["GET /a"])
    for route, status in (("GET /a", 200), ("GET /a", 418), ("GET /a", 599), ("GET /b", 200)):
        counters.request(route, status, 0.1)
    found = {key: one.counts.sum() for key, one in counters.own().requests().items()}
    counters.close()
    assert found == {("GET /a", 200): 1, ("GET /a", 0): 2, ("other", 200): 1}


def test_files_of_an_earlier_start_are_forgotten_and_the_last_states_kept(tmp_path):
    (tmp_path / "7.counters").touch()
    for number in range(MOST_KEPT + 3):
        state = tmp_path / f"{number}.drift"
        state.touch()
        os.utime(state, (number, number))
    forget_workers(tmp_path)
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {f"{number}.drift" for number in range(3, MOST_KEPT + 3)}


def test_every_block_of_the_file_is_on_the_disk_before_a_request(tmp_path):
    counters = Counters(tmp_path, [f"GET /{number}" for number in range(40)])
    (file,) = tmp_path.iterdir()
    seen = file.stat()
    counters.close()
    assert seen.st_blocks * 512 >= seen.st_size > 4096


@pytest.mark.parametrize("folder", [Path("/proc/none"), Path("/dev/full")])
def test_counters_are_in_memory_where_no_file_can_be_made(folder, capsys):
    counters = Counters(folder, ["GET /a"])
    counters.request("GET /a", 200, 0.1)
    (histogram,) = counters.merged().requests().values()
    counters.close()
    assert histogram.counts.sum() == 1
    assert capsys.readouterr().err.count("no file for the counters of this worker") == 1


def test_file_that_another_still_maps_is_replaced_and_not_emptied(tmp_path):
    first = Counters(tmp_path, ["GET /a"])
    second = Counters(tmp_path, ["GET /a"])
    first.request("GET /a", 200, 0.1)
    assert (len(first.own().requests()), len(second.own().requests())) == (1, 0)
    first.close()
    second.close()
