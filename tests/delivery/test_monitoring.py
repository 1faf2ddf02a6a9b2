"""Prometheus scrapes the real service, and its rules speak when they should."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest
import yaml

from serve.auth.api_keys import main as make_key
from serve.features.ingest import CONSUMER_LAG
from tests.conftest import ROOT
from tests.delivery.tools import need, run
from tests.network import ANSWER_SECONDS, free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import wait_until, wait_until_ended

FOLDER = ROOT / "k8s" / "monitoring"


def test_rules_hold_on_series_with_a_known_answer():
    need("promtool")
    assert "SUCCESS" in run("promtool", "test", "rules", "rules_test.yml", cwd=FOLDER)


def test_every_alert_is_tried_once_firing_and_once_silent():
    alerts = {
        rule["alert"]
        for rule in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]
        if "alert" in rule
    }
    tried = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
    cases = [
        (case["alertname"], bool(case["exp_alerts"]))
        for test in tried
        for case in test["alert_rule_test"]
    ]
    assert {name for name, fires in cases if fires} == alerts
    assert {name for name, fires in cases if not fires} == alerts


def test_every_metric_of_the_rules_is_one_of_the_service(client_metrics):
    asked = set(re.findall(r"\bfraud_[a-z_]+", (FOLDER / "rules.yml").read_text()))
    # the ingestion worker has no port: its one metric goes out by OTLP
    assert asked <= client_metrics | {CONSUMER_LAG.replace(".", "_")}


@pytest.fixture
def client_metrics(environment):
    from litestar.testing import TestClient

    from serve.app import create_app
    from serve.settings import read_settings

    with TestClient(create_app(read_settings(environment))) as client:
        client.get("/health/live")
        return set(re.findall(r"^(fraud_[a-z_]+)", client.get("/metrics").text, re.MULTILINE))


def scraped(address):
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
            return json.loads(answer.read())["data"]["result"]
    except OSError:
        return []


@pytest.mark.slow
def test_prometheus_scrapes_with_a_key_and_counts_what_was_asked(
    environment, transactions, tmp_path, capsys
):
    need("prometheus", "promtool")
    assert make_key(["scraper", "read", "score"]) in (0, None)
    printed = capsys.readouterr()
    key = re.search(r"\S{30,}", printed.err)[0]
    (tmp_path / "keys.json").write_text(printed.out)
    port, prometheus_port = free_port(), free_port()
    process = start(
        **environment
        | {
            "FRAUD_ACCESS": "keys",
            "FRAUD_KEYS_FILE": str(tmp_path / "keys.json"),
            "FRAUD_PORT": str(port),
            "FRAUD_WORKERS": "1",
        }
    )
    for name in ("prometheus.yml", "rules.yml"):
        text = (
            (FOLDER / name)
            .read_text()
            .replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            .replace("15s", "1s")
        )
        (tmp_path / name).write_text(text)
    (tmp_path / "metrics-key").write_text(key)
    run("promtool", "check", "config", "prometheus.yml", cwd=tmp_path)
    scraper = None
    try:
        wait_until_ready(port, process)
        for row in transactions[:5]:
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}/predict",
                json.dumps(row).encode(),
                {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
            )
            urllib.request.urlopen(asked, timeout=ANSWER_SECONDS).close()
        scraper = subprocess.Popen(
            [
                shutil.which("prometheus"),
                "--config.file=prometheus.yml",
                f"--web.listen-address=127.0.0.1:{prometheus_port}",
                "--storage.tsdb.path=data",
            ],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        query = urllib.parse.quote(
            'fraud_http_request_duration_seconds_count{route="POST /predict",status="200"}'
        )
        address = f"http://127.0.0.1:{prometheus_port}/api/v1/query?query={query}"
        figures = wait_until(lambda: scraped(address), "a scraped figure", scraper)
        assert [figure["value"][1] for figure in figures] == ["5"]
    finally:
        for started in (scraper, process):
            if started is not None:
                started.terminate()
                wait_until_ended(started)
