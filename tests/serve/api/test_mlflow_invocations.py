import pandas as pd
import pytest


class TestInvocations:
    @pytest.mark.parametrize(
        "form", ["dataframe_split", "dataframe_records", "instances", "inputs"]
    )
    def test_each_form_is_scored(self, client, rows, expected, form):
        frame = pd.DataFrame(rows)
        sent = {
            "dataframe_split": frame.to_dict(orient="split"),
            "dataframe_records": rows,
            "instances": rows,
            "inputs": frame.to_dict(orient="list"),
        }[form]
        assert client.post("/invocations", json={form: sent}).json() == {"predictions": expected}

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"dataframe_records": []},
            {"instances": [{}], "inputs": {}},
            {"inputs": {"V1": [1, 2], "V2": [1]}},
            {"dataframe_split": {"columns": ["V1", "V1"], "data": [[1, 2]]}},
        ],
    )
    def test_wrong_form_is_refused(self, client, body):
        answer = client.post("/invocations", json=body)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"


def test_client_that_waits_is_answered(client):
    assert client.get("/ping").status_code == 200
