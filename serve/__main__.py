"""``python -m serve``: the service under uvicorn."""

import socket
import sys

import uvicorn

from fraud_core.errors import FraudCoreError, ParameterError
from fraud_core.model.bundle import load_bundle
from serve.app import create_app
from serve.settings import Settings, read_settings

GRACE_SECONDS = 10
MAX_CONNECTIONS = 1000


def main() -> int:
    """Check settings, bundle and address, then serve until told to stop; what is wrong is one clear line."""
    try:
        settings = read_settings()
        load_bundle(settings.model_dir)
        listening = _listen(settings)
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"listening on http://{settings.host}:{settings.port}, documentation at /docs", flush=True)
    config = uvicorn.Config(
        create_app(settings), log_level="warning", timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except (OSError, UnicodeError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or "no such address"
        raise ParameterError(
            f"FRAUD_HOST {settings.host[:60]}, FRAUD_PORT {settings.port}: cannot listen: {reason}; choose another"
        ) from error
    return listening


if __name__ == "__main__":
    raise SystemExit(main())
