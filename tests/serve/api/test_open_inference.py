import pytest

from tests.serve.requests import infer, inputs


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
            (lambda sent: [sent[0] | {"shape": [6]}, *sent[1:]], "V1"),
            (lambda sent: [sent[0] | {"data": ["x"] * 5}, *sent[1:]], "V1"),
            (lambda sent: [sent[0] | {"data": [None] * 5}, *sent[1:]], "V1"),
            (lambda sent: [sent[0] | {"data": [1e9] * 5}, *sent[1:]], "V1"),
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

    def test_binary_tensors_are_refused(self, client):
        headers = {"Inference-Header-Content-Length": "10", "Content-Type": "application/json"}
        assert (
            client.post("/v2/models/champion/infer", content=b"{}", headers=headers).status_code
            == 415
        )
