"""The Open Inference Protocol and MLflow's scoring
protocol, by real clients and by wrong requests.
"""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.network import ANSWER_SECONDS, free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import wait_until_ended

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
