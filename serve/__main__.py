"""``python -m serve``: the service under uvicorn."""

import sys

import uvicorn

from fraud_core.errors import FraudCoreError
from fraud_core.model.bundle import load_bundle
from serve.app import create_app
from serve.settings import read_settings


def main() -> int:
    """Check the bundle, then serve until told to stop; a bundle that cannot be served is one clear line."""
    try:
        settings = read_settings()
        version = load_bundle(settings.model_dir).version
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"model {version} on http://{settings.host}:{settings.port}, documentation at /docs", flush=True)
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_level="warning")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
