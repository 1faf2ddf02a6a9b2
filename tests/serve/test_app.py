import asyncio
import json
import shutil
import time

import msgspec
import numpy as np
import pytest

from fraud_core.bundle import load as bundle
from fraud_core.errors import BundleError, ParameterError
from fraud_core.pipeline.storage.dataset_versions import open_versions
from serve.api.endpoints import ENDPOINTS
from serve.app import create_app
from serve.scoring.champion import load_champion
from serve.settings import read_settings
from tests.conftest import ROOT


def test_prediction_equals_the_offline_score_exactly(client, champion, versions, transactions):
    offline = bundle.load_bundle(champion).bundle.probability(versions.holdout.X)
    for row, expected in list(zip(transactions, offline, strict=True))[:200]:
        answer = client.post("/predict", json=row)
        assert answer.status_code == 200
        assert answer.json()["fraud_probability"] == expected


def test_answer_names_what_decided(client, champion, transactions):
    served = bundle.load_bundle(champion).bundle
    scores = served.probability(
        np.array([[row[n] for n in served.contract.model_features] for row in transactions])
    )
    for row in (transactions[int(scores.argmax())], transactions[int(scores.argmin())]):
        answer = client.post("/predict", json=row).json()
        assert set(answer) == {"fraud_probability", "prediction", "threshold", "model_version"}
        assert answer["threshold"] == served.policy.threshold
        assert answer["prediction"] == int(answer["fraud_probability"] >= answer["threshold"])
        assert answer["model_version"] == served.version
    assert {
        client.post("/predict", json=transactions[int(k)]).json()["prediction"]
        for k in (scores.argmax(), scores.argmin())
    } == {0, 1}


def test_order_of_the_fields_does_not_matter(client, transactions):
    row = transactions[0]
    answers = [client.post("/predict", json=r).json() for r in (row, dict(reversed(row.items())))]
    assert answers[0] == answers[1]


def test_whole_numbers_are_numbers(client, transactions):
    assert client.post("/predict", json=transactions[0] | {"Amount": 12}).status_code == 200


JSON = {"Content-Type": "application/json"}


def refused(client, body, status=400, headers=JSON):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/predict", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


@pytest.mark.parametrize("name", ["Amount", r"\u0056\u0031"])
def test_field_that_is_sent_twice_is_refused(client, transactions, name):
    body = json.dumps(transactions[0])[:-1] + f', "{name}": 1.0}}'
    problem = refused(client, body.encode())
    assert (problem["code"], problem["field"]) == ("duplicate_field", json.loads(f'"{name}"'))


def test_cost_of_refusing_grows_with_the_body_and_not_with_its_square(client):
    def seconds(quotes):
        body = b'{"' + b'\\"' * quotes
        started = time.perf_counter()
        refused(client, body)
        return time.perf_counter() - started

    small, large = (min(seconds(n) for _ in range(15)) for n in (1000, 8000))
    assert large < 30 * small


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/msgpack", ""]
)
def test_other_media_types_are_refused(client, transactions, kind):
    problem = refused(client, transactions[0], status=415, headers={"Content-Type": kind})
    assert problem["code"] == "unsupported_media_type"


def test_compressed_body_is_refused(client, transactions):
    refused(client, transactions[0], status=415, headers=JSON | {"Content-Encoding": "gzip"})


def test_names_that_a_client_invents_are_cut_and_cleaned(client, transactions):
    problem = refused(client, transactions[0] | {"x\n" * 4000: 1.0})
    assert len(problem["field"]) == 64
    assert "\n" not in problem["field"]
    assert len(json.dumps(problem)) < 500


def test_key_that_is_not_utf8_still_names_the_field_before_it(client):
    assert refused(client, b'{"Time": 1, "V\xe9": 2}')["field"] == "Time"


def test_missing_field_is_named_and_never_filled(client, transactions):
    row = dict(transactions[0])
    del row["V14"]
    problem = refused(client, row)
    assert (problem["code"], problem["field"]) == ("missing_field", "V14")


def test_unknown_field_is_named(client, transactions):
    problem = refused(client, transactions[0] | {"V29": 0.0})
    assert (problem["code"], problem["field"]) == ("unknown_field", "V29")


@pytest.mark.parametrize("value", ["1.5", True, None, [1.0], {}])
def test_wrong_type_is_named(client, transactions, value):
    problem = refused(client, transactions[0] | {"V3": value})
    assert (problem["code"], problem["field"]) == ("invalid_field", "V3")


@pytest.mark.parametrize("field", ["Time", "Amount"])
def test_negative_time_or_amount_is_out_of_range(client, transactions, field):
    problem = refused(client, transactions[0] | {field: -0.5})
    assert problem["field"] == field
    assert "0.5" not in problem["detail"]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_nan_and_infinities_name_the_field(client, transactions, literal):
    body = json.dumps(transactions[0] | {"V7": 12345.678}).replace("12345.678", literal)
    assert refused(client, body.encode())["field"] == "V7"


def test_only_undefined_numbers_are_called_so(client):
    assert "NaN and infinities" in refused(client, b'{"Time": NaN}')["detail"]
    assert "NaN and infinities" not in refused(client, b'{"Time": 1,}')["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"1", b"{", b"\xff\xfe", b'{"V1": ', b"[" * 5000, b"Time=1"]
)
def test_anything_else_is_a_client_error(client, body):
    refused(client, body)


def test_body_that_is_too_large_is_refused(client):
    refused(client, b"{" + b" " * 20_000 + b"}", status=413)


def test_get_and_unknown_paths_are_problems(client):
    refused_method = client.get("/predict")
    assert refused_method.status_code == 405
    assert "POST" in refused_method.headers["allow"]
    answer = client.get("/nothing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_health(client, champion):
    assert client.get("/health/live").json() == {"status": "live"}
    assert (
        client.get("/health/ready").json()["model_version"]
        == bundle.load_bundle(champion).bundle.version
    )


def test_openapi_describes_every_field_of_the_contract(client, champion):
    document = client.get("/docs/openapi.json").json()
    schema = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    names = [field.name for field in bundle.load_bundle(champion).bundle.contract.fields]
    assert list(schema["properties"]) == names
    assert schema["required"] == names
    assert schema["properties"]["Amount"]["minimum"] == 0.0
    answers = document["paths"]["/predict"]["post"]["responses"]
    assert set(answers) == {"200", "400", "401", "403", "408", "413", "415", "429"}
    assert "application/problem+json" in answers["400"]["content"]
    served = {endpoint.route.split(" ")[1] for endpoint in ENDPOINTS if endpoint.shown}
    assert set(document["paths"]) == served


def test_documentation_page_needs_no_network(client):
    page = client.get("/docs").text
    assert "//" not in page.split("SwaggerUIBundle({")[0].replace("<!--", "")
    for asset in (
        "swagger-ui-bundle.js",
        "swagger-ui.css",
        "swagger-ui-standalone-preset.js",
        "favicon-32x32.png",
    ):
        assert f"/assets/{asset}" in page
        assert client.get(f"/assets/{asset}").status_code == 200
    for other in ("index.html", "%00", "a" * 300, "swagger-ui.css/x", "..%2f__init__.py"):
        assert client.get(f"/assets/{other}").status_code == 404


def test_altered_bundle_is_not_served(champion, environment, tmp_path):
    copy = tmp_path / "champion"
    shutil.copytree(champion, copy)
    (copy / "policy.json").write_text((copy / "policy.json").read_text().replace("0.05", "0.95"))
    app = create_app(read_settings(environment | {"FRAUD_MODEL_DIR": str(copy)}))

    async def start():
        async with app.lifespan():
            pass

    altered = pytest.RaisesExc(BundleError, match=r"policy\.json was altered")
    with pytest.RaisesGroup(altered, allow_unwrapped=True, flatten_subgroups=True):
        asyncio.run(start())


@pytest.mark.parametrize("name", ["FRAUD_HOST", "FRAUD_MODEL_DIR"])
def test_empty_setting_is_refused(name):
    with pytest.raises(ParameterError, match=f"{name}: expected a value"):
        read_settings({"FRAUD_ACCESS": "open", name: ""})


@pytest.mark.parametrize("value", ["0", "70000", "http", "-1", "\u0668\u0660", "9" * 5000])
def test_malformed_setting_names_the_variable(value):
    with pytest.raises(ParameterError, match="FRAUD_PORT"):
        read_settings({"FRAUD_ACCESS": "open", "FRAUD_PORT": value})


def test_telemetry_is_off_unless_an_endpoint_is_named(settings):
    assert settings.otlp_endpoint is None
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "FRAUD_ACCESS": "open"}
    assert read_settings(named).otlp_endpoint is not None


ULB = ROOT / "data" / "v1" / "transactions_2023.parquet"


@pytest.mark.slow
@pytest.mark.skipif(
    not ULB.is_file() or not (ROOT / "models/champion").is_dir(),
    reason="no data yet: run `make run`",
)
def test_every_row_of_v1_scores_online_what_it_scores_offline(tmp_path, monkeypatch):
    """All rows of the holdout through the reader and the
    row scorer of the service: the same bytes as the batch.
    """
    monkeypatch.chdir(ROOT)
    holdout = open_versions("data")
    champion = load_champion(ROOT / "models/champion")
    offline = champion.bundle.probability(holdout.holdout.X)
    rows = holdout.v1.select([field.name for field in champion.bundle.contract.fields])
    for row, expected in zip(rows.iter_rows(named=True), offline, strict=True):
        values, amount_eur = champion.reader.read(msgspec.json.encode(row))
        assert (
            champion.scorer.probability(values) == champion.decider.probability(values) == expected
        )
        assert amount_eur == row["Amount"]
