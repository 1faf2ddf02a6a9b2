"""Records that are read and added: decisions by time, labels, lineages."""

import pytest

from fraud_core.bundle.load import load_bundle
from serve.store.tables import decisions, new_id, now_us
from tests.serve.requests import LABEL, decide
from tests.serve.store.conftest import decision_row


def test_decisions_are_listed_by_time_a_page_at_a_time(client, decision):
    made = [decide(client, decision | {"transaction_id": f"t-{k}"}) for k in range(5)]
    pages, cursor = [], ""
    while cursor is not None:
        page = client.get(
            "/v1/decisions", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        pages.append(page["decisions"])
        cursor = page["next_cursor"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one for page in pages for one in page] == made
    later = client.get("/v1/decisions", params={"from": made[3]["decided_at"]}).json()["decisions"]
    assert later == made[3:]
    assert (
        client.get("/v1/decisions", params={"to": made[0]["decided_at"]}).json()["decisions"] == []
    )
    assert client.get(f"/v1/decisions/{made[0]['decision_id']}").json() == made[0]


def test_tail_goes_on_where_it_ended_and_says_nothing_twice(client, decision):
    def tail(cursor):
        page = client.get("/v1/decisions", params={"cursor": cursor, "limit": 2}).json()
        return page["decisions"], page["tail_cursor"]

    nothing = client.get("/v1/decisions").json()
    assert nothing == {"decisions": [], "next_cursor": None, "tail_cursor": "0" * 32}
    first = decide(client, decision)
    seen, cursor = tail(nothing["tail_cursor"])
    assert seen == [first]
    assert tail(cursor) == ([], cursor)
    second = decide(client, decision | {"transaction_id": "t-2"})
    assert tail(cursor)[0] == [second]
    assert tail(first["decision_id"])[0] == [second]  # what was a cursor before is one still
    assert tail("f" * 32)[0] == [first, second]  # of a decision that is not there any more
    assert tail("0" * 16 + "f" * 16)[0] == []


def test_decision_that_is_recorded_late_appears_after_the_cursor(client, decision):
    at = now_us()
    cursor = client.get("/v1/decisions").json()["tail_cursor"]
    first = decide(client, decision)
    page = client.get("/v1/decisions", params={"cursor": cursor}).json()
    late = decision_row() | {"decision_id": new_id(at), "answer": '{"late":true}'}
    writer = client.app.state.service.writer
    with client.portal() as portal:
        portal.call(writer.write, decisions, late)
    assert page["decisions"] == [first]
    after = client.get("/v1/decisions", params={"cursor": page["tail_cursor"]}).json()
    assert after["decisions"] == [{"late": True}]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "cursor=1", "from=today", "colour=red", "&&", "%ff"],
)
def test_malformed_query_is_refused(client, query):
    answer = client.get(f"/v1/decisions?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")


def test_unknown_records_are_not_found(client):
    for path in ("/v1/decisions/0", "/v1/lineage/0"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "application/problem+json",
        )


def test_label_is_recorded_once_and_never_changed(client):
    first = client.post("/v1/labels", json=LABEL)
    assert first.status_code == 201
    assert client.post("/v1/labels", json=LABEL).json() == first.json()
    other = client.post("/v1/labels", json=LABEL | {"state": "legitimate"})
    assert (other.status_code, other.json()["code"]) == (409, "event_conflict")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "maybe"},
        {"amount_eur": -1.0},
        {"occurred_at": "x"},
        {"source": ""},
        {"decision_id": "x"},
    ],
)
def test_malformed_label_names_the_field(client, change):
    answer = client.post("/v1/labels", json=LABEL | change)
    assert (answer.status_code, answer.json()["field"]) == (400, next(iter(change)))


def test_lineage_of_the_model_that_serves_names_every_digest(client, champion):
    promoted = load_bundle(champion)
    lineage = client.get(f"/v1/lineage/{promoted.lineage_id}").json()
    assert lineage["manifest"]["sha256"] == promoted.manifest.sha256
    assert lineage["manifest"]["data_sha256"] == promoted.manifest.data_sha256
    about = client.get("/v1/model").json()
    assert (about["lineage_id"], about["model_version"]) == (
        promoted.lineage_id,
        promoted.bundle.version,
    )
