from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from fraud_core.data.event_card import EventCard, EventColumns, decode_event_card, to_stream
from fraud_core.data.simulator import StreamSettings, simulate_stream
from fraud_core.errors import ContractError, ParameterError
from fraud_core.features.labels import labels_as_of
from fraud_core.features.offline import DAY_SECONDS, add_features

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
NAMES = EventColumns("ts", "card", "shop", "eur", "fraud", id="n", reported_at="told")
FOREIGN = ("ts", "card", "shop", "eur", "fraud", "n", "told")


@pytest.fixture(scope="module")
def stream():
    return simulate_stream(
        StreamSettings(n_customers=60, n_terminals=80, n_days=20, radius=20.0), seed=5
    )


def foreign(stream, write):
    """The stream as another house would keep it: its own
    names, identities as text, times as `write` writes them.
    """
    return stream.select(
        ts=write(pl.col("time")),
        card="C" + pl.col("customer_id").cast(pl.String).str.zfill(6),
        shop="T" + pl.col("terminal_id").cast(pl.String).str.zfill(6),
        eur=pl.col("amount_eur").cast(pl.String),
        fraud=pl.col("label").cast(pl.String),
        n=pl.col("transaction_id").cast(pl.String),
        told=write(pl.col("reported_at")),
    )


def text(seconds):
    return (pl.lit(MONDAY).dt.replace_time_zone(None) + pl.duration(seconds=seconds)).dt.strftime(
        "%d.%m.%Y %H:%M:%S"
    )


WAYS = {
    "text": (text, {"time_format": "%d.%m.%Y %H:%M:%S"}),
    "seconds": (lambda each: (each + int(MONDAY.timestamp())).cast(pl.String), {}),
    "milliseconds": (
        lambda each: ((each + int(MONDAY.timestamp())) * 1000 + 7).cast(pl.String),
        {},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_foreign_table_gives_the_features_of_the_stream(stream, way):
    write, more = WAYS[way]
    found = to_stream(
        foreign(stream, write), EventCard("f", "F", "simulated", "f.csv", NAMES, way, **more)
    )
    names = [
        name
        for name in add_features(stream).columns
        if name.startswith(("customer_", "terminal_", "night", "we"))
    ]
    names = [name for name in names if not name.endswith("_id")]
    ours, theirs = (
        add_features(each).select("time", "amount_eur", "label", "reported_at", *names)
        for each in (stream, found)
    )
    assert theirs.equals(ours)


def card(**more):
    return EventCard("f", "F", "real", "f.csv", NAMES, "seconds", **more)


def one(**more):
    row = {
        "ts": ["1704153600", "1704153700"],
        "card": ["a", "b"],
        "shop": ["x", "y"],
        "eur": ["1.5", "2"],
        "fraud": ["0", "1"],
        "n": ["1", "2"],
        "told": ["", "1704157200"],
    }
    return pl.DataFrame(row | more)


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("ts", "noon", "column ts: seconds since 1970 between.* in every row.*'noon' in row 2"),
        ("eur", "-3", "column eur: an amount from 0 to 1e.12.*'-3' in row 2"),
        ("eur", "nan", "column eur"),
        ("fraud", "yes", "column fraud: a label, 0 or 1.*'yes' in row 2"),
        ("fraud", "2", "column fraud: a label, 0 or 1"),
        ("card", None, "column card: an identity"),
        ("n", "1", "column n: each identity once"),
        ("told", "1704153000", "column told: a report after the payment"),
        ("told", "soon", "column told: seconds since 1970"),
    ],
)
def test_bad_row_is_named(column, value, match):
    good = one()
    broken = good.with_columns(pl.Series(column, [good[column][0], value]))
    with pytest.raises(ContractError, match=match):
        to_stream(broken, card())


def test_missing_column_is_named():
    with pytest.raises(ContractError, match="column shop"):
        to_stream(one().drop("shop"), card())


def test_delay_stands_in_for_a_column_of_reports():
    names = EventColumns("ts", "card", "shop", "eur", "fraud")
    found = to_stream(
        one(), EventCard("f", "F", "real", "f.csv", names, "seconds", report_delay_days=2)
    )
    assert found["reported_at"].to_list() == [None, found["time"][1] + 2 * DAY_SECONDS]


def test_typed_datetimes_are_taken_as_they_are():
    when = pl.Series("ts", [MONDAY, MONDAY + timedelta(seconds=100)])
    names = EventColumns("ts", "card", "shop", "eur", "fraud")
    card = EventCard("f", "F", "real", "f.parquet", names, "text", report_delay_days=1)
    assert to_stream(one().with_columns(when), card)["time"].to_list() == [0, 100]


def test_card_without_any_word_on_reports_is_refused():
    with pytest.raises(ParameterError, match=r"either columns\.reported_at or report_delay_days"):
        decode_event_card(
            b"{name: a, title: A, kind: real, file: a.csv, time: text,"
            b" columns: {time: t, customer: c, terminal: m, amount: a, label: y}}",
            name="a.yaml",
        )
    with pytest.raises(ParameterError, match="not a card of events"):
        decode_event_card(b"{name: a, colour: red}", name="a.yaml")


def test_labels_of_a_moment_are_those_that_were_reported(stream):
    moment = 10 * DAY_SECONDS
    known = labels_as_of(stream, moment)
    assert known["time"].max() < moment
    assert 0 < known["label"].sum() < stream.filter(pl.col("time") < moment)["label"].sum()
    assert known.filter(pl.col("label") == 1)["reported_at"].max() < moment
    assert (
        known.filter(pl.col("label") == 0)["reported_at"].null_count()
        == (known["label"] == 0).sum()
    )
    assert labels_as_of(stream, 10**12)["label"].equals(stream["label"])


@pytest.mark.parametrize("delay", [-3, float("nan"), float("inf"), 1e9])
def test_a_delay_that_no_report_can_have_is_refused(delay):
    text = (
        (
            "{name: a, title: A, kind: real, file: a.csv, time: seconds, report_delay_days: "
            f"{delay}, columns: {{time: t, customer: c, terminal: m, amount: a, label: y}}}}"
        )
        .replace("nan", ".nan")
        .replace(" inf", " .inf")
    )
    with pytest.raises(ParameterError, match="expected report_delay_days from 0 to 3650"):
        decode_event_card(text.encode(), name="a.yaml")


def test_one_column_in_two_roles_is_refused():
    with pytest.raises(ParameterError, match="column c has 2 roles"):
        decode_event_card(
            b"{name: a, title: A, kind: real, file: a.csv, time: seconds, report_delay_days: 1,"
            b" columns: {time: t, customer: c, terminal: c, amount: a, label: y}}",
            name="a.yaml",
        )


def test_typed_times_under_a_number_name_the_way_out():
    typed = one().with_columns(pl.Series("ts", [MONDAY, MONDAY]))
    with pytest.raises(ContractError, match="write `time: text` in the card"):
        to_stream(typed, card())


@pytest.mark.parametrize(
    ("column", "values", "match"),
    [
        (
            "ts",
            [1704153600000, 1704153700000],
            "seconds since 1970 between the years 1980 and 2199",
        ),
        ("ts", [1e300, 1e300], "seconds since 1970"),
        ("eur", ["1e300", "1"], "an amount from 0 to 1e"),
        ("card", ["", "b"], "column card: an identity"),
        ("card", [float("nan"), 1.0], "column card: an identity"),
        ("card", [0.5, 1.0], "column card: an identity"),
    ],
)
def test_values_that_no_payment_has_are_refused(column, values, match):
    with pytest.raises(ContractError, match=match):
        to_stream(one().with_columns(pl.Series(column, values)), card())


def test_customers_are_the_same_however_they_were_stored():
    as_text = to_stream(one(card=["7", " 7 "]), card())
    as_float = to_stream(one().with_columns(pl.Series("card", [7.0, 7.0])), card())
    assert as_text["customer"].to_list() == as_float["customer"].to_list() == ["7", "7"]
    assert as_text["customer_id"].to_list() == [0, 0]
