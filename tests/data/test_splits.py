import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fraud_core.data.splits import (
    check_seal,
    content_sha256,
    drop_exact_duplicates,
    last_seconds,
    split_by_time,
)
from fraud_core.errors import ParameterError, SealError


def test_v0_and_v1_partition_the_table_in_time(toy, card):
    v0, v1 = split_by_time(toy, card)
    assert_frame_equal(pl.concat([v0, v1]), toy)
    assert v0["Time"].max() < card.split.at <= v1["Time"].min()


def test_row_at_the_cut_belongs_to_v1(toy, card):
    at_cut = toy.with_columns(
        pl.when(pl.int_range(pl.len()) < 200).then(0.0).otherwise(card.split.at).alias("Time")
    )
    assert split_by_time(at_cut, card)[0].height == 200


def test_side_without_frauds_is_refused(toy, card):
    with pytest.raises(ParameterError, match="both classes in v1"):
        split_by_time(
            toy.with_columns(
                pl.when(pl.col("Time") >= card.split.at).then(0).otherwise("Class").alias("Class")
            ),
            card,
        )


def test_duplicates_keep_the_first_in_order():
    table = pl.DataFrame({"a": [2, 1, 2, 2], "b": [0, 0, 0, 1]})
    kept, removed = drop_exact_duplicates(table)
    assert_frame_equal(kept, pl.DataFrame({"a": [2, 1, 2], "b": [0, 0, 1]}))
    assert_frame_equal(removed, pl.DataFrame({"a": [2], "b": [0]}))


def test_last_seconds_by_hand():
    assert last_seconds(np.array([0.0, 10.0, 20.0]), 10.0).tolist() == [False, True, True]


@pytest.mark.parametrize(
    "other",
    [
        pl.DataFrame({"a": [1.0, 2.5], "b": ["x", "y"]}),
        pl.DataFrame({"a": [1.0, 2.0], "c": ["x", "y"]}),
        pl.DataFrame({"b": ["x", "y"], "a": [1.0, 2.0]}),
        pl.DataFrame({"a": [2.0, 1.0], "b": ["y", "x"]}),
        pl.DataFrame({"a": [1.0, 2.0], "b": ["xy", ""]}),
    ],
)
def test_content_digest_changes_with_any_change(other):
    assert content_sha256(other) != content_sha256(pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))


def test_content_digest_survives_csv_and_parquet(toy, tmp_path):
    toy.write_csv(tmp_path / "t.csv")
    toy.write_parquet(tmp_path / "t.parquet")
    digests = {
        content_sha256(t)
        for t in (toy, pl.read_csv(tmp_path / "t.csv"), pl.read_parquet(tmp_path / "t.parquet"))
    }
    assert len(digests) == 1


def test_altered_holdout_is_refused(toy):
    sealed = content_sha256(toy)
    check_seal(toy, sealed, file="v1.parquet")
    with pytest.raises(SealError, match=r"v1\.parquet.*altered"):
        check_seal(toy.with_columns(pl.col("Class").reverse()), sealed, file="v1.parquet")
