"""``python -m serve.healthcheck``: exit code 0 when
the service of this machine answers that it lives.
"""

import http.client
import sys

from fraud_core.errors import FraudCoreError
from serve.settings import read_settings

TIMEOUT_SECONDS = 2.0


def main() -> int:
    """Ask ``/health/live`` over the loopback address."""
    try:
        port = read_settings().port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (OSError, http.client.HTTPException) as error:
        print(f"error: port {port}: no answer ({type(error).__name__})", file=sys.stderr)
        return 1
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    raise SystemExit(main())
