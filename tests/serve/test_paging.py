"""Pages while decisions are written by many clients and two workers: none is missed."""

import http.client
import json
import threading
import time

import pytest

from tests.network import ANSWER_SECONDS, free_port, wait_until_ready
from tests.serve.conftest import start
from tests.serve.load import Load
from tests.serve.store.conftest import migrate, new_database
from tests.waiting import wait_until_ended

N_WRITERS = 16
SECONDS = 4.0


def follow(port, until):
    """Identifiers on page after page until a moment, and then until a page is empty."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    seen, cursor = [], "0" * 32
    while True:
        last = until.is_set()
        connection.request("GET", f"/v1/decisions?limit=50&cursor={cursor}")
        page = json.loads(connection.getresponse().read())
        seen += [decision["decision_id"] for decision in page["decisions"]]
        cursor = page.get("tail_cursor") or (seen or [cursor])[-1]
        if last and not page["decisions"]:
            connection.close()
            return seen


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_pages_that_follow_many_writers_miss_no_decision(request, environment, decision, kind):
    own = {"FRAUD_PORT": str(free_port()), "FRAUD_WORKERS": "2"}
    if kind == "postgresql":
        own["FRAUD_STORE_URL"] = new_database(request.getfixturevalue("postgresql"))
        migrate(own["FRAUD_STORE_URL"])
    port, ended, seen = int(own["FRAUD_PORT"]), threading.Event(), []
    with start(**environment | own) as process:
        try:
            wait_until_ready(port, process)
            reader = threading.Thread(target=lambda: seen.extend(follow(port, ended)))
            reader.start()
            with Load(port, "/v1/decisions", decision, n_clients=N_WRITERS) as writers:
                time.sleep(SECONDS)
            ended.set()
            reader.join()
        finally:
            process.terminate()
            wait_until_ended(process)
    assert writers.broken == []
    assert {status for status, _ in writers.answers} == {200}
    acknowledged = [json.loads(body)["decision_id"] for _, body in writers.answers]
    assert len(acknowledged) > 100
    assert set(acknowledged) - set(seen) == set()
    assert len(set(seen)) == len(seen)
