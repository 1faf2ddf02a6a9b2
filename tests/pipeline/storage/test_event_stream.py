import json

import polars as pl
import pytest

from fraud_core.errors import ContractError, ParameterError
from fraud_core.pipeline.storage import event_stream as events

CARD = """
name: shop
title: a shop
kind: simulated
file: shop.csv
columns: {time: ts, customer: card, terminal: till, amount: eur, label: fraud}
time: text
report_delay_days: 3
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "shop.yaml").write_text(CARD)
    rows = {
        "ts": ["2024-01-03 10:00:00", "2024-01-04 11:00:00"],
        "card": [7, 8],
        "till": [1, 1],
        "eur": [1.5, 2.0],
        "fraud": [0, 1],
    }
    pl.DataFrame(rows).write_csv(tmp_path / "shop.csv")
    return tmp_path


def test_own_events_are_taken_and_given_up_again(project):
    assert events.use_events(project / "shop.yaml") == "events: a shop (shop.csv)"
    data = events.open_events("data", {}, seed=1)
    assert data.title == "payments of a shop (simulated)"
    assert data.events["time"].to_list() == [2 * 86_400 + 36_000, 3 * 86_400 + 39_600]
    assert events.use_events(None).startswith("events: simulated; your own events are kept")
    assert json.loads((project / "data/raw/events/source.json").read_text()) == {
        "origin": "simulated"
    }
    small = {"n_customers": 40, "n_terminals": 50, "n_days": 3, "radius": 20.0}
    assert events.open_events("data", small, seed=1).title == "simulated payments"


def test_refused_events_leave_the_earlier_ones(project):
    events.use_events(project / "shop.yaml")
    (project / "shop.csv").write_text("ts,card\n1,2\n")
    with pytest.raises(ContractError, match="column till"):
        events.use_events(project / "shop.yaml")
    assert events.open_events("data", {}, seed=1).events.height == 2
    with pytest.raises(ParameterError, match=r"CARD=.*no such file"):
        events.use_events(project / "other.yaml")


def test_unknown_setting_of_the_stream_is_named():
    with pytest.raises(ParameterError, match=r"entities\.stream.*n_shops"):
        events.open_events("toy", {"n_shops": 3}, seed=1)
