"""Values of a column as numbers, labels, identities and times: one way for every table.

Each function takes a column as it was read, text or typed, and gives the values in one type with
null where there is nothing, beside a mask of the values that are none of that kind. Nothing is
rounded: an integer that float64 does not hold is refused, not changed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

EXACT_INTEGERS = 2**53  # the largest range in which float64 holds every integer
SECONDS = {
    "days": 86_400.0,
    "hours": 3_600.0,
    "minutes": 60.0,
    "seconds": 1.0,
    "milliseconds": 1e-3,
    "microseconds": 1e-6,
    "nanoseconds": 1e-9,
}
# Card payments are younger, and no log holds the next century. A unit that is wrong by a thousand
# lands outside.
PLAUSIBLE_YEARS = (1980, 2199)
LABELS = {"1": 1, "0": 0, "1.0": 1, "0.0": 0, "true": 1, "false": 0, "t": 1, "f": 0}
NO_IDENTITY = ("nan", "null", "none")
WHOLE = r"^[+-]?\d+(\.0*)?$"


@dataclass(frozen=True)
class Parsed:
    """A column in one type.

    Attributes
    ----------
    values
        Null where there is nothing, or nothing of this kind.
    broken
        True where there is something that is not of this kind.
    """

    values: pl.Series
    broken: pl.Series


def parse_floats(raw: pl.Series) -> Parsed:
    """Measured numbers as float64.

    Examples
    --------
    >>> parse_floats(pl.Series(["1.5", " 2e3 ", "", "x"])).values.to_list()
    [1.5, 2000.0, None, None]
    """
    values = _text_or_typed(raw)
    if values.dtype == pl.String or values.dtype.is_numeric():
        return _parsed(values, values.cast(pl.Float64, strict=False))
    return _none(values, pl.Float64)


def parse_integers(raw: pl.Series) -> Parsed:
    """Whole numbers as int64, exactly.

    Examples
    --------
    >>> parse_integers(pl.Series(["9007199254740993", "7.0", "1e3", "1.5"])).values.to_list()
    [9007199254740993, 7, 1000, None]
    """
    values = _text_or_typed(raw)
    if values.dtype == pl.String:
        plain = values.str.contains(WHOLE)
        exact = values.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
        chosen = pl.when(plain).then(exact).otherwise(_whole(values.cast(pl.Float64, strict=False)))
        return _parsed(values, pl.select(chosen).to_series())
    if values.dtype.is_integer():
        return _parsed(values, values.cast(pl.Int64, strict=False))
    if values.dtype.is_float() or values.dtype.is_decimal():
        return _parsed(values, _whole(values.cast(pl.Float64)))
    return _none(values, pl.Int64)


def _whole(numbers: pl.Series) -> pl.Series:
    fits = (numbers == numbers.floor()) & (numbers.abs() <= EXACT_INTEGERS)
    return pl.select(pl.when(fits).then(numbers)).to_series().cast(pl.Int64, strict=False)


def parse_labels(raw: pl.Series) -> Parsed:
    """Labels as 0 or 1, from numbers, booleans, or the words true and false.

    Examples
    --------
    >>> parse_labels(pl.Series([True, False, None])).values.to_list()
    [1, 0, None]
    """
    values = raw.cast(pl.Int64) if raw.dtype == pl.Boolean else _text_or_typed(raw)
    if values.dtype.is_temporal():
        return _none(values, pl.Int64)
    words = values.cast(pl.String).str.to_lowercase()
    return _parsed(values, words.replace_strict(LABELS, default=None, return_dtype=pl.Int64))


def parse_identities(raw: pl.Series) -> Parsed:
    """Whose payment it is, as text: the same identity is the same text however it was stored.

    An identity loses the space around it, and a whole number that was stored as a float its
    ``.0``. Empty text, NaN and the words nan, null and none are nobody.

    Examples
    --------
    >>> parse_identities(pl.Series([7.0, 8.0])).values.to_list()
    ['7', '8']
    >>> parse_identities(pl.Series(["a ", "NaN", ""])).values.to_list()
    ['a', None, None]
    """
    values = _text_or_typed(raw)
    if values.dtype == pl.String:
        nobody = values.str.to_lowercase().is_in(NO_IDENTITY)
        return Parsed(pl.select(pl.when(~nobody).then(values)).to_series(), nobody.fill_null(False))
    if values.dtype.is_float() or values.dtype.is_decimal():
        whole = _parsed(values, _whole(values.cast(pl.Float64)))
        return Parsed(whole.values.cast(pl.String), whole.broken)
    if values.dtype.is_integer():
        return _parsed(values, values.cast(pl.String))
    return _none(values, pl.String)


def parse_times(raw: pl.Series, unit: str, time_format: str | None = None) -> Parsed:
    """Instants as seconds since 1970, UTC, float64.

    Parameters
    ----------
    unit
        One of `SECONDS`, or ``text`` for text in `time_format` and for typed dates and times; a
        typed one without a zone is taken as UTC.
    time_format
        In the letters of `strftime`; with ``%z`` the zone is read.

    Examples
    --------
    >>> parse_times(pl.Series(["1700000000000"]), "milliseconds").values.to_list()
    [1700000000.0]
    >>> parse_times(pl.Series(["1700000000000"]), "seconds").broken.to_list()
    [True]
    """
    if unit != "text":
        numbers = parse_floats(raw)
        return _plausible(Parsed(numbers.values * SECONDS[unit], numbers.broken))
    values = _text_or_typed(raw)
    if values.dtype == pl.String:
        instants = values.str.to_datetime(time_format, strict=False, time_unit="us")
    elif values.dtype == pl.Date or isinstance(values.dtype, pl.Datetime):
        zone = getattr(values.dtype, "time_zone", None)
        utc = values if zone is None else values.dt.convert_time_zone("UTC")
        instants = utc.cast(pl.Datetime("us", None if zone is None else "UTC"))
    else:
        return _none(values, pl.Float64)
    return _plausible(_parsed(values, instants.dt.epoch("us") / 1_000_000))


def _plausible(seconds: Parsed) -> Parsed:
    first, last = (_second_of(year) for year in (PLAUSIBLE_YEARS[0], PLAUSIBLE_YEARS[1] + 1))
    outside = ((seconds.values < first) | ~(seconds.values < last)).fill_null(False)
    kept = pl.select(pl.when(~outside).then(seconds.values)).to_series()
    return Parsed(kept, seconds.broken | outside)


def _second_of(year: int) -> float:
    return datetime(year, 1, 1, tzinfo=UTC).timestamp()


def _text_or_typed(raw: pl.Series) -> pl.Series:
    """Text without the space around it and with null for empty; NaN and dictionaries undone."""
    if isinstance(raw.dtype, pl.Categorical | pl.Enum):
        raw = raw.cast(pl.String)
    if raw.dtype == pl.String:
        text = raw.str.strip_chars()
        return text.set(text == "", None)
    return raw.fill_nan(None) if raw.dtype.is_float() else raw


def _parsed(values: pl.Series, parsed: pl.Series) -> Parsed:
    return Parsed(parsed, values.is_not_null() & parsed.is_null())


def _none(values: pl.Series, dtype: type[pl.DataType]) -> Parsed:
    """A column of another kind altogether: everything in it is broken."""
    return Parsed(pl.Series(values.name, [None] * len(values), dtype=dtype), values.is_not_null())
