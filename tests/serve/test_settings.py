import pytest

from fraud_core.errors import ParameterError
from serve.settings import read_settings


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
