import jsonschema
import msgspec
import pytest

from fraud_core.bundle.load import load_bundle
from fraud_core.bundle.schema import Contract, EntityWindows, Field
from serve.api.body_schemas import body_schemas
from serve.http.transaction import transaction_reader

FIELDS = (Field("Amount", "float", 0.0, None), Field("risk", "float", 0.0, 1.0, nullable=True))
NAMES = {"customer_id": "c", "terminal_id": "t", "amount_eur": 1.0}
OF_ENTITIES = Contract("t", FIELDS, ("Amount", "risk"), "Amount", EntityWindows((1, 7), 7))


@pytest.fixture(scope="module")
def schemas(champion):
    return body_schemas(load_bundle(champion).bundle.contract)


def fits(schema, body):
    return jsonschema.Draft202012Validator(schema).is_valid(body)


@pytest.mark.parametrize("name", ["transaction", "decision", "batch"])
def test_examples_fit_their_schema(schemas, name):
    for example in schemas[name]["examples"]:
        assert fits(schemas[name], example)


def test_example_of_a_transaction_can_be_read(schemas, champion):
    reader = transaction_reader(load_bundle(champion).bundle.contract)
    (example,) = schemas["transaction"]["examples"]
    _, amount_eur = reader.read(msgspec.json.encode(example))
    assert amount_eur == example["Amount"]


@pytest.mark.parametrize(
    "change",
    [{"colour": 1}, {"transaction_id": "a b"}, {"occurred_at": "1969-01-01T00:00:00Z"}],
)
def test_request_that_the_service_refuses_does_not_fit(schemas, decision, change):
    assert fits(schemas["decision"], decision)
    assert not fits(schemas["decision"], decision | change)
    assert not fits(
        schemas["decision"],
        {k: decision[k] for k in decision if k not in change} | {"features": {}},
    )


def test_batch_holds_one_to_a_hundred_requests(schemas, decision):
    item = {"request": decision}
    for number, fitting in ((0, False), (1, True), (100, True), (101, False)):
        assert fits(schemas["batch"], {"items": [item] * number}) == fitting


def test_forms_of_other_protocols_fit(schemas, client, rows):
    row = rows[0]
    tensors = [
        {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in row.items()
    ]
    names = list(schemas["invocation"]["properties"]["dataframe_records"]["items"]["properties"])
    tensors.sort(key=lambda tensor: names.index(tensor["name"]))
    assert fits(schemas["inference"], {"inputs": tensors})
    assert not fits(schemas["inference"], {"inputs": tensors[1:]})
    assert fits(schemas["invocation"], {"dataframe_records": [row]})
    assert not fits(schemas["invocation"], {"dataframe_records": []})


def test_model_of_entities_takes_features_or_names_and_not_both():
    schema = body_schemas(OF_ENTITIES)["decision"]
    about = {"transaction_id": "t-1", "occurred_at": "2026-01-31T12:00:00Z"}
    features = {"features": {"Amount": 1.0, "risk": None}}
    assert fits(schema, about | features)
    assert fits(schema, about | {"entities": NAMES})
    assert not fits(schema, about)
    assert not fits(schema, about | features | {"entities": NAMES})
