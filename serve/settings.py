"""Settings of the service, from the environment alone."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fraud_core.errors import ParameterError


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes
    ----------
    model_dir
        Folder of the bundle (FRAUD_MODEL_DIR).
    host, port
        Where to listen (FRAUD_HOST, FRAUD_PORT).
    max_body_bytes
        Larger requests are refused with 413 (FRAUD_MAX_BODY_BYTES).
    otlp_endpoint
        Where traces and metrics go (OTEL_EXPORTER_OTLP_ENDPOINT); None means telemetry is off.
    state_dir
        Folder of what must outlive the process (FRAUD_STATE_DIR).
    store_url
        Database of decisions, labels and audit (FRAUD_STORE_URL, or a file that holds it, FRAUD_STORE_URL_FILE).
    """

    model_dir: Path
    host: str
    port: int
    max_body_bytes: int
    otlp_endpoint: str | None
    state_dir: Path
    store_url: str


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises
    ------
    ParameterError
        Naming the variable, when a value is malformed or out of range.

    Examples
    --------
    >>> read_settings({"FRAUD_PORT": "9000"}).port
    9000
    """
    state_dir = Path(_text(environment, "FRAUD_STATE_DIR", "state"))
    return Settings(
        model_dir=Path(_text(environment, "FRAUD_MODEL_DIR", "models/champion")),
        host=_text(environment, "FRAUD_HOST", "127.0.0.1"),
        port=_whole(environment, "FRAUD_PORT", 8000, 1, 65535),
        max_body_bytes=_whole(environment, "FRAUD_MAX_BODY_BYTES", 16_384, 1_024, 1_048_576),
        otlp_endpoint=environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        state_dir=state_dir,
        store_url=_store_url(environment, state_dir),
    )


def _store_url(environment: Mapping[str, str], state_dir: Path) -> str:
    file = _path(environment, "FRAUD_STORE_URL_FILE")
    if file is None:
        return _text(environment, "FRAUD_STORE_URL", f"sqlite:///{state_dir}/decisions.db")
    if environment.get("FRAUD_STORE_URL"):
        raise ParameterError("FRAUD_STORE_URL and FRAUD_STORE_URL_FILE: expected one of the two, got both")
    try:
        return _text({"FRAUD_STORE_URL_FILE": file.read_text("utf-8").strip()}, "FRAUD_STORE_URL_FILE", "")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"FRAUD_STORE_URL_FILE {file.name[:60]}: cannot be read; check the path") from error


def _text(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name, default)
    if not text.strip():
        raise ParameterError(f"{name}: expected a value, got an empty one; leave it out for {default}")
    return text


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(_text(environment, name, "none")) if name in environment else None


def _whole(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name, str(default))
    if not re.fullmatch("[0-9]{1,8}", text) or not low <= int(text) <= high:
        raise ParameterError(f"{name}: expected a whole number from {low} to {high}, got {text[:20]!r}")
    return int(text)
