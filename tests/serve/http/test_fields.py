import re
from datetime import UTC, datetime

import msgspec
import pytest

from serve.http.fields import EARLIEST, LATEST, YEARS, Instant, Name


@pytest.mark.parametrize("name", ["a", "A.b_c:d-9", "x" * 64])
def test_name_is_taken_as_it_is(name):
    assert msgspec.convert(name, Name) == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", 'a"b', "ä", "a/b", 7])
def test_other_name_is_refused(name):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, Name)


def test_times_of_one_instant_are_equal_and_a_time_without_a_zone_is_refused():
    zones = ("2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00")
    first, second = (msgspec.convert(text, Instant) for text in zones)
    assert first == second == datetime(2026, 1, 31, 12, tzinfo=UTC)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("2026-01-31T12:00:00", Instant)


def test_documented_years_are_those_that_are_taken():
    pattern = msgspec.json.schema(Instant)["pattern"]
    assert pattern == YEARS
    for year in (1969, 1970, 1999, 2000, 2199, 2200):
        taken = EARLIEST <= datetime(year, 6, 1, tzinfo=UTC) < LATEST
        assert bool(re.match(pattern, f"{year}-06-01T00:00:00Z")) == taken
