from prometheus_client.parser import text_string_to_metric_families

from serve.telemetry.counters import Counters
from serve.telemetry.prometheus import prometheus_text


def test_unknown_paths_share_one_label(client):
    for number in range(20):
        client.get(f"/scan/{number}")
    counted = client.get("/metrics").text
    assert 'fraud_http_request_duration_seconds_count{route="other",status="404"} 20.0' in counted
    assert "scan" not in counted


def test_text_holds_what_was_counted_and_the_gauges(tmp_path):
    counters = Counters(tmp_path, ["POST /predict"])
    for seconds in (0.0004, 0.002, 99.0):
        counters.request("POST /predict", 200, seconds)
    counters.event("label_recorded")
    text = prometheus_text(counters, {"fraud.drift.rows": 7.0}).decode()
    counters.close()
    samples = {
        (sample.name, sample.labels.get("le"), sample.labels.get("event")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    name = "fraud_http_request_duration_seconds"
    ends = ("0.0005", "0.0025", "5", "+Inf")
    assert [samples[f"{name}_bucket", end, None] for end in ends] == [1, 2, 2, 3]
    assert samples[f"{name}_count", None, None] == 3
    assert samples[f"{name}_sum", None, None] == 99.0024
    assert samples["fraud_events_total", None, "label_recorded"] == 1
    assert samples["fraud_events_total", None, "decision_block"] == 0
    assert samples["fraud_drift_rows", None, None] == 7
