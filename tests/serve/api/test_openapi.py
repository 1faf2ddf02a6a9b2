import re

from fraud_core.bundle import load as bundle
from serve.api.endpoints import ENDPOINTS


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


def test_every_reference_of_the_document_leads_somewhere(client):
    document = client.get("/docs/openapi.json")
    known = document.json()["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', document.text))
    assert named
    assert named <= set(known)


def test_parts_of_a_path_and_the_key_of_a_decision_are_parameters(client):
    paths = client.get("/docs/openapi.json").json()["paths"]
    asked = {
        (path, method): {(p["name"], p["in"], p["required"]) for p in one.get("parameters", [])}
        for path, methods in paths.items()
        for method, one in methods.items()
    }
    for path, method in asked:
        named = {(part[1:-1], "path", True) for part in path.split("/") if part[:1] == "{"}
        assert named <= asked[path, method]
    assert ("Idempotency-Key", "header", False) in asked["/v1/decisions", "post"]
