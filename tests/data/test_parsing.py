from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, strategies as some

from fraud_core.data.parsing import (
    SECONDS,
    parse_floats,
    parse_identities,
    parse_integers,
    parse_labels,
    parse_times,
)

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
LARGEST = 2**63 - 1


@given(some.lists(some.integers(-(2**63), LARGEST), min_size=1))
def test_every_integer_of_64_bits_stays_what_it_is(numbers):
    for raw in (pl.Series(numbers, dtype=pl.Int64), pl.Series([str(number) for number in numbers])):
        parsed = parse_integers(raw)
        assert parsed.values.to_list() == numbers
        assert not parsed.broken.any()


@given(some.lists(some.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_float_survives_being_written_as_text(numbers):
    assert parse_floats(pl.Series([repr(number) for number in numbers])).values.to_list() == numbers


@given(some.lists(some.floats(), min_size=1))
def test_a_float_is_an_integer_only_where_float64_holds_every_one(numbers):
    parsed = parse_integers(pl.Series(numbers, dtype=pl.Float64))
    for number, value, broken in zip(numbers, parsed.values, parsed.broken, strict=True):
        whole = np.isfinite(number) and number == int(number) and abs(number) <= 2**53
        assert (value == number) if whole else value is None
        assert broken == (not whole and not np.isnan(number))


@pytest.mark.parametrize(
    "raw",
    [
        pl.Series([2**63], dtype=pl.UInt64),
        pl.Series(["1" * 20]),
        pl.Series(["1e300"]),
        pl.Series([1e300]),
        pl.Series([0.5]),
        pl.Series(["0x10"]),
        pl.Series(["1_000"]),
        pl.Series([True]),
        pl.Series([NOON]),
        pl.Series([timedelta(1)]),
        pl.Series([[1]]),
    ],
)
def test_what_is_no_integer_is_broken_and_never_an_exception(raw):
    assert parse_integers(raw).broken.to_list() == [True]


@pytest.mark.parametrize(
    "raw", [pl.Series([True]), pl.Series([NOON]), pl.Series([b"1"]), pl.Series([[1.0]])]
)
def test_what_is_no_number_is_broken(raw):
    assert parse_floats(raw).broken.to_list() == [True]


@pytest.mark.parametrize(
    "raw",
    [
        pl.Series(["7", "8", "7"]),
        pl.Series([7, 8, 7], dtype=pl.UInt8),
        pl.Series([7.0, 8.0, 7.0]),
        pl.Series([" 7", "8 ", "7"]),
        pl.Series(["7", "8", "7"], dtype=pl.Categorical),
        pl.Series(["7", "8", "7"], dtype=pl.Enum(["7", "8"])),
    ],
)
def test_one_identity_is_one_text_however_it_was_stored(raw):
    assert parse_identities(raw).values.to_list() == ["7", "8", "7"]


def test_neighbours_beyond_the_exact_integers_stay_two_or_are_refused():
    exact = parse_identities(pl.Series([2**53, 2**53 + 1]))
    assert exact.values.n_unique() == 2
    rounded = parse_identities(pl.Series([float(2**53 + 2)]))
    assert rounded.broken.to_list() == [True]


@pytest.mark.parametrize("nobody", ["", "  ", "NaN", "null", "None"])
def test_nobody_is_no_identity(nobody):
    assert parse_identities(pl.Series([nobody])).values.to_list() == [None]


@pytest.mark.parametrize("raw", [pl.Series([0.5]), pl.Series([True]), pl.Series([NOON])])
def test_a_measurement_is_no_identity(raw):
    assert parse_identities(raw).broken.to_list() == [True]


@pytest.mark.parametrize(
    "raw", [["1", "0"], [1, 0], [1.0, 0.0], [True, False], ["TRUE", "f"], ["1.0", "0"]]
)
def test_labels_of_every_kind(raw):
    assert parse_labels(pl.Series(raw)).values.to_list() == [1, 0]


@pytest.mark.parametrize("raw", [["2"], [2], [0.5], ["yes"], [NOON], [-1]])
def test_other_labels_are_broken(raw):
    assert parse_labels(pl.Series(raw)).broken.to_list() == [True]


@pytest.mark.parametrize("unit", ["seconds", "milliseconds", "microseconds", "nanoseconds"])
def test_an_epoch_in_its_unit_and_in_every_other(unit):
    number = round(NOON.timestamp() / SECONDS[unit])
    for other in ("seconds", "milliseconds", "microseconds", "nanoseconds"):
        parsed = parse_times(pl.Series([number, None]), other)
        if other == unit:
            assert parsed.values.to_list() == [NOON.timestamp(), None]
        else:  # a thousand times too large or too small: no year of a payment
            assert parsed.broken.to_list() == [True, False]


@pytest.mark.parametrize(
    ("raw", "time_format"),
    [
        (["2024-05-01 12:00:00"], "%Y-%m-%d %H:%M:%S"),
        (["2024-05-01T14:00:00+02:00"], "%Y-%m-%dT%H:%M:%S%z"),
        (["01.05.2024 12:00"], "%d.%m.%Y %H:%M"),
        ([NOON], None),
        ([NOON.replace(tzinfo=None)], None),
    ],
)
def test_times_as_text_and_typed(raw, time_format):
    assert parse_times(pl.Series(raw), "text", time_format).values.to_list() == [NOON.timestamp()]


def test_a_typed_zone_is_kept_and_a_date_is_its_midnight():
    zoned = pl.Series([NOON]).dt.convert_time_zone("Asia/Tokyo")
    assert parse_times(zoned, "text").values.to_list() == [NOON.timestamp()]
    midnight = datetime(2024, 5, 1, tzinfo=UTC).timestamp()
    assert parse_times(pl.Series([date(2024, 5, 1)]), "text").values.to_list() == [midnight]


@pytest.mark.parametrize(
    "raw", [[time(12)], [timedelta(hours=12)], [12], [True], ["noon"], ["1024-05-01 12:00:00"]]
)
def test_what_is_no_instant_is_broken_and_never_an_exception(raw):
    assert parse_times(pl.Series(raw), "text", "%Y-%m-%d %H:%M:%S").broken.to_list() == [True]


@pytest.mark.parametrize("raw", [[NOON], [date(2024, 5, 1)], [timedelta(1)]])
def test_typed_times_are_no_numbers_of_a_unit(raw):
    assert parse_times(pl.Series(raw), "seconds").broken.to_list() == [True]
