"""The Open Inference Protocol and MLflow's scoring
protocol, by real clients and by wrong requests.
"""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fraud_core.bundle.load import load_bundle
from tests.network import ANSWER_SECONDS, free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import wait_until_ended

ROWS = 5


@pytest.fixture(scope="session")
def bundle(champion):
    return load_bundle(champion).bundle


@pytest.fixture
def rows(transactions):
    return [
        {name: value for name, value in row.items() if name != "Time"}
        for row in transactions[:ROWS]
    ]


@pytest.fixture
def expected(bundle, rows):
    names = bundle.contract.model_features
    return bundle.probability(np.array([[row[name] for name in names] for row in rows])).tolist()


def inputs(rows):
    return [
        {
            "name": name,
            "shape": [len(rows)],
            "datatype": "FP64",
            "data": [row[name] for row in rows],
        }
        for name in rows[0]
    ]


def infer(client, body, model="champion"):
    return client.post(f"/v2/models/{model}/infer", json=body)


class TestInference:
    def test_scores_are_those_of_the_model(self, client, rows, expected, bundle):
        answer = infer(client, {"inputs": inputs(rows), "id": "r-1"}).json()
        outputs = {output["name"]: output for output in answer["outputs"]}
        assert outputs["fraud_probability"]["data"] == expected
        assert outputs["prediction"]["data"] == [
            int(p >= bundle.policy.threshold) for p in expected
        ]
        assert (answer["id"], answer["model_version"]) == ("r-1", bundle.version)

    def test_one_output_can_be_asked_for(self, client, rows):
        answer = infer(client, {"inputs": inputs(rows), "outputs": [{"name": "prediction"}]}).json()
        assert [output["name"] for output in answer["outputs"]] == ["prediction"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            (lambda sent: sent[:-1], "Amount"),
            (lambda sent: [*sent, sent[0]], "V1"),
            (lambda sent: [sent[0] | {"shape": [ROWS + 1]}, *sent[1:]], "V1"),
            (lambda sent: [sent[0] | {"data": ["x"] * ROWS}, *sent[1:]], "V1"),
            (lambda sent: [sent[0] | {"data": [None] * ROWS}, *sent[1:]], "V1"),
            (lambda sent: [sent[0] | {"data": [1e9] * ROWS}, *sent[1:]], "V1"),
            (lambda sent: [*sent, sent[0] | {"name": "V99"}], "V99"),
        ],
        ids=["missing", "twice", "shape", "text", "null", "range", "unknown"],
    )
    def test_wrong_input_is_named(self, client, rows, change, field):
        answer = infer(client, {"inputs": change(inputs(rows))})
        assert answer.status_code == 400
        assert answer.json()["field"] == field
        assert answer.json()["error"] == answer.json()["detail"]

    def test_other_model_and_other_version_are_not_found(self, client, rows, bundle):
        assert infer(client, {"inputs": inputs(rows)}, "another").status_code == 404
        assert client.get("/v2/models/champion/versions/0").status_code == 404
        assert client.get(f"/v2/models/champion/versions/{bundle.version}").status_code == 200

    def test_too_many_rows_are_refused(self, client, rows):
        answer = infer(client, {"inputs": inputs(rows * 21)})
        assert (answer.status_code, "1 to 100 rows" in answer.json()["detail"]) == (400, True)

    def test_binary_tensors_are_refused(self, client):
        headers = {"Inference-Header-Content-Length": "10", "Content-Type": "application/json"}
        assert (
            client.post("/v2/models/champion/infer", content=b"{}", headers=headers).status_code
            == 415
        )


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

    def test_row_and_field_are_named(self, client, rows):
        rows[2] = rows[2] | {"Amount": -1.0}
        answer = client.post("/invocations", json={"dataframe_records": rows}).json()
        assert answer["field"] == "Amount"
        assert answer["detail"].startswith("row 3, Amount: ")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("path", ["/v2/models/champion/infer", "/invocations"])
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    body=ANYTHING,
    key=st.sampled_from(["inputs", "instances", "dataframe_records", "dataframe_split"]),
)
def test_anything_else_is_a_problem_and_never_a_failure(client, path, body, key):
    for sent in (body, {key: body}):
        answer = client.post(
            path, content=json.dumps(sent), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, answer.text


@pytest.mark.slow
def test_clients_of_triton_and_mlflow_get_the_scores(environment, rows, expected, bundle):
    """Real clients against a process of its own."""
    import tritonclient.http as triton
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    port = free_port()
    with start(**environment, FRAUD_PORT=str(port), FRAUD_WORKERS="1") as process:
        try:
            wait_until_ready(port, process)
            client = triton.InferenceServerClient(f"127.0.0.1:{port}")
            assert client.is_server_live()
            assert client.is_server_ready()
            assert client.is_model_ready("champion")
            described = client.get_model_metadata("champion")
            assert described["versions"] == [bundle.version]
            tensors = []
            for tensor_info in described["inputs"]:
                tensor = triton.InferInput(
                    tensor_info["name"], [len(rows)], tensor_info["datatype"]
                )
                tensor.set_data_from_numpy(
                    np.array([row[tensor_info["name"]] for row in rows]), binary_data=False
                )
                tensors.append(tensor)
            wanted = [triton.InferRequestedOutput("fraud_probability", binary_data=False)]
            scored = client.infer("champion", tensors, outputs=wanted)
            assert scored.as_numpy("fraud_probability").tolist() == expected
            with pytest.raises(triton.InferenceServerException, match="the field is required"):
                client.infer("champion", tensors[:-1])
            client.close()
            mlflow = ScoringServerClient("127.0.0.1", port)
            mlflow.wait_server_ready(timeout=ANSWER_SECONDS)
            assert list(mlflow.invoke(pd.DataFrame(rows)).get_predictions()[0]) == expected
        finally:
            process.terminate()
            wait_until_ended(process)
