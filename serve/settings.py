"""Settings of the service, from the environment alone."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fraud_core.errors import ParameterError

ACCESS = ("keys", "tokens", "open")
TOKEN_SETTINGS = ("FRAUD_JWKS_URL", "FRAUD_JWT_AUDIENCE", "FRAUD_JWT_ISSUER")

# Default, least and most of each bound, which is a field and FRAUD_ before its name.
BOUNDS = {
    "max_body_bytes": (16_384, 1_024, 1_048_576),
    "max_batch_bytes": (262_144, 1_024, 16_777_216),
    "max_batch": (100, 1, 1_000),
    "max_uri_bytes": (4_096, 256, 65_536),
    "max_headers": (64, 8, 1_000),
    "max_head_bytes": (16_384, 1_024, 262_144),
    "head_seconds": (10, 1, 300),
    "idle_seconds": (5, 1, 3_600),
}


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes
    ----------
    model_dir, shadow_dir
        Folders of the bundle that decides (FRAUD_MODEL_DIR) and of a challenger that is only
        compared (FRAUD_SHADOW_DIR).
    public_key
        PEM of the key that must have signed them (FRAUD_PUBLIC_KEY_FILE); None asks for no
        signature.
    host, port, workers
        Where to listen (FRAUD_HOST, FRAUD_PORT), and with how many processes (FRAUD_WORKERS; one
        for each core).
    access
        ``keys`` (the default), ``tokens`` or ``open`` (FRAUD_ACCESS).
    keys
        JSON array of keys (FRAUD_KEYS_FILE or FRAUD_KEYS).
    jwks_url, jwt_audience, jwt_issuer
        Of the identity provider, for tokens (FRAUD_JWKS_URL, FRAUD_JWT_AUDIENCE, FRAUD_JWT_ISSUER).
    requests_per_second
        Of one caller over all workers (FRAUD_REQUESTS_PER_SECOND).
    max_body_bytes, max_batch_bytes, max_batch
        Larger requests are refused with 413 (FRAUD_MAX_BODY_BYTES), larger batches too
        (FRAUD_MAX_BATCH_BYTES), and batches of more requests with 400 (FRAUD_MAX_BATCH).
    max_uri_bytes, max_headers, max_head_bytes
        A longer path with its query is refused with 414 (FRAUD_MAX_URI_BYTES), more headers
        (FRAUD_MAX_HEADERS) and larger heads (FRAUD_MAX_HEAD_BYTES) with 431.
    head_seconds, idle_seconds
        A head that takes longer is refused with 408 (FRAUD_HEAD_SECONDS); a connection that is idle
        after an answer is closed (FRAUD_IDLE_SECONDS).
    otlp_endpoint, trace_ratio
        Where traces and metrics go (OTEL_EXPORTER_OTLP_ENDPOINT; None means nowhere), and the share
        of requests that are traced (FRAUD_TRACE_RATIO).
    state_dir
        Folder of what must outlive the process (FRAUD_STATE_DIR).
    store_url
        Database of decisions, labels and audit (FRAUD_STORE_URL, or a file that holds it,
        FRAUD_STORE_URL_FILE).
    feature_store
        Feast's configuration, for a model of customers and terminals (FRAUD_FEATURE_STORE).
    """

    model_dir: Path
    shadow_dir: Path | None
    public_key: bytes | None
    host: str
    port: int
    workers: int
    access: str
    keys: bytes
    jwks_url: str
    jwt_audience: str
    jwt_issuer: str
    requests_per_second: int
    max_body_bytes: int
    max_batch_bytes: int
    max_batch: int
    max_uri_bytes: int
    max_headers: int
    max_head_bytes: int
    head_seconds: int
    idle_seconds: int
    otlp_endpoint: str | None
    trace_ratio: float
    state_dir: Path
    store_url: str
    feature_store: Path | None


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises
    ------
    ParameterError
        Naming the variable, when a value is malformed or out of range, or one that is needed is
        missing.

    Examples
    --------
    >>> read_settings({"FRAUD_PORT": "9000", "FRAUD_ACCESS": "open"}).port
    9000
    """
    state_dir = Path(_text(environment, "FRAUD_STATE_DIR", "state"))
    access = _text(environment, "FRAUD_ACCESS", "keys")
    if access not in ACCESS:
        raise ParameterError(
            f"FRAUD_ACCESS: expected one of {', '.join(ACCESS)}, got {access[:20]!r}"
        )
    for name in TOKEN_SETTINGS if access == "tokens" else ():
        if not environment.get(name, "").strip():
            raise ParameterError(f"{name}: expected a value, since FRAUD_ACCESS is tokens")
    return Settings(
        model_dir=Path(_text(environment, "FRAUD_MODEL_DIR", "models/champion")),
        shadow_dir=_path(environment, "FRAUD_SHADOW_DIR"),
        public_key=_content(environment, "FRAUD_PUBLIC_KEY_FILE"),
        host=_text(environment, "FRAUD_HOST", "127.0.0.1"),
        port=_whole(environment, "FRAUD_PORT", 8000, 1, 65535),
        workers=_whole(environment, "FRAUD_WORKERS", os.cpu_count() or 1, 1, 256),
        access=access,
        keys=_keys(environment) if access == "keys" else b"",
        jwks_url=environment.get("FRAUD_JWKS_URL", ""),
        jwt_audience=environment.get("FRAUD_JWT_AUDIENCE", ""),
        jwt_issuer=environment.get("FRAUD_JWT_ISSUER", ""),
        requests_per_second=_whole(environment, "FRAUD_REQUESTS_PER_SECOND", 5_000, 1, 10_000_000),
        **_bounds(environment),
        otlp_endpoint=environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        trace_ratio=_share(environment, "FRAUD_TRACE_RATIO", "0.01"),
        state_dir=state_dir,
        store_url=_store_url(environment, state_dir),
        feature_store=_path(environment, "FRAUD_FEATURE_STORE"),
    )


def _bounds(environment: Mapping[str, str]) -> dict[str, int]:
    """Bounds of requests and connections, by their fields."""
    return {
        name: _whole(environment, f"FRAUD_{name.upper()}", *bounds)
        for name, bounds in BOUNDS.items()
    }


def _keys(environment: Mapping[str, str]) -> bytes:
    content = _content(environment, "FRAUD_KEYS_FILE")
    if content is None:
        content = environment.get("FRAUD_KEYS", "").encode()
    if not content:
        raise ParameterError(
            "FRAUD_KEYS_FILE: expected a file of API keys (`python -m serve.auth.api_keys NAME "
            "SCOPE...` makes one); "
            "FRAUD_ACCESS=open serves without any, for development alone"
        )
    return content


def _content(environment: Mapping[str, str], name: str) -> bytes | None:
    path = _path(environment, name)
    try:
        return None if path is None else path.read_bytes()
    except OSError as error:
        raise ParameterError(
            f"{name}: the file cannot be read: {error.strerror}; check the path"
        ) from error


def _share(environment: Mapping[str, str], name: str, default: str) -> float:
    text = environment.get(name, default)
    if not re.fullmatch(r"(0(\.[0-9]{1,9})?|1(\.0+)?)", text):
        raise ParameterError(f"{name}: expected a share from 0 to 1, got {text[:20]!r}")
    return float(text)


def _store_url(environment: Mapping[str, str], state_dir: Path) -> str:
    file = _path(environment, "FRAUD_STORE_URL_FILE")
    if file is None:
        return _text(environment, "FRAUD_STORE_URL", f"sqlite:///{state_dir}/decisions.db")
    if environment.get("FRAUD_STORE_URL"):
        raise ParameterError(
            "FRAUD_STORE_URL and FRAUD_STORE_URL_FILE: expected one of the two, got both"
        )
    try:
        return _text(
            {"FRAUD_STORE_URL_FILE": file.read_text("utf-8").strip()}, "FRAUD_STORE_URL_FILE", ""
        )
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"FRAUD_STORE_URL_FILE {file.name[:60]}: cannot be read; check the path"
        ) from error


def _text(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name, default)
    if not text.strip():
        raise ParameterError(
            f"{name}: expected a value, got an empty one; leave it out for {default}"
        )
    return text


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    return Path(_text(environment, name, "none")) if name in environment else None


def _whole(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name, str(default))
    if not re.fullmatch("[0-9]{1,8}", text) or not low <= int(text) <= high:
        raise ParameterError(
            f"{name}: expected a whole number from {low} to {high}, got {text[:20]!r}"
        )
    return int(text)
