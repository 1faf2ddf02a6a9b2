from litestar.testing import TestClient

from serve.app import create_app
from tests.serve.telemetry.memory import in_memory


def test_request_and_inference_are_spans(traced, spans, settings, transactions):
    with TestClient(create_app(settings, traced)) as client:
        client.post("/predict", json=transactions[0])
        client.post("/predict", content=b"{}", headers={"Content-Type": "application/json"})
    names = [span.name for span in spans.get_finished_spans()]
    assert names == ["model inference", "POST /predict", "POST /predict"]
    inference, request, refused = spans.get_finished_spans()
    assert inference.parent.span_id == request.context.span_id
    assert inference.start_time >= request.start_time
    assert refused.attributes["http.response.status_code"] == 400


def test_only_the_sampled_share_is_traced_and_everything_is_counted(spans, settings, transactions):
    with TestClient(create_app(settings, lambda counters: in_memory(spans, 0.0))) as client:
        client.post("/predict", json=transactions[0])
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
        client.post("/predict", json=transactions[0], headers={"traceparent": parent + "0"})
        assert spans.get_finished_spans() == ()
        client.post("/predict", json=transactions[0], headers={"traceparent": parent + "1"})
        assert len(spans.get_finished_spans()) == 2
        counted = client.get("/metrics").text
    assert (
        'fraud_http_request_duration_seconds_count{route="POST /predict",status="200"} 3.0'
        in counted
    )
    assert "fraud_inference_duration_seconds_count 3.0" in counted


def test_trace_of_the_caller_is_continued(traced, spans, settings, transactions):
    with TestClient(create_app(settings, traced)) as client:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        client.post("/predict", json=transactions[0], headers={"traceparent": parent})
    assert {f"{span.context.trace_id:032x}" for span in spans.get_finished_spans()} == {
        parent.split("-")[1]
    }
