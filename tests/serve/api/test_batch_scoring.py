import asyncio

import pytest
from litestar.testing import TestClient

from serve.api.batch_scoring import by_row, score_rows
from serve.app import create_app
from serve.http.transaction import InvalidTransaction
from tests.serve.requests import infer, inputs


def test_row_and_field_are_named(client, rows):
    rows[2] = rows[2] | {"Amount": -1.0}
    answer = client.post("/invocations", json={"dataframe_records": rows}).json()
    assert answer["field"] == "Amount"
    assert answer["detail"].startswith("row 3, Amount: ")


def test_too_many_rows_are_refused(client, rows):
    answer = infer(client, {"inputs": inputs(rows * 21)})
    assert (answer.status_code, "1 to 100 rows" in answer.json()["detail"]) == (400, True)


def test_rows_are_scored_together_and_each_is_observed(settings, rows, expected):
    app = create_app(settings)
    with TestClient(app):
        service = app.state.service
        assert score_rows(service, rows, service.champion).tolist() == expected
        assert asyncio.run(service.traffic.judge()).rows == len(rows)


def test_columns_of_several_lengths_are_no_rows():
    assert by_row({"a": [1, 2], "b": [3, 4]}) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    assert by_row({}) == []
    with pytest.raises(InvalidTransaction) as refused:
        by_row({"a": [1, 2], "b": [3]})
    assert refused.value.problem.status == 400
