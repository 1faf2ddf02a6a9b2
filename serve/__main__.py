"""``python -m serve``: workers under uvicorn, one for each core."""

import socket
import sys
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.supervisors import Multiprocess

from fraud_core.errors import FraudCoreError, ParameterError
from serve.runtime.service import check_feature_store, kept_challenger, kept_champion
from serve.runtime.state_lock import locked
from serve.scoring.champion import load_champion
from serve.settings import Settings, read_settings
from serve.store.prepare import prepare_tables
from serve.store.tables import open_engine
from serve.telemetry.counters import forget_workers

GRACE_SECONDS = 10
MAX_CONNECTIONS = 1000


def main() -> int:
    """Check address, state folder, bundle and store, then serve
    until told to stop; what is wrong is one clear line.
    """
    try:
        settings = read_settings()
        # Before anything is changed in the state folder, which may be that of a running service.
        with _listen(settings) as listening, locked(settings.state_dir):
            _check(settings)
            _serve(settings, listening)
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(settings: Settings, listening: socket.socket) -> None:
    print(
        f"listening on http://{settings.host}:{settings.port} with {settings.workers} workers, "
        "documentation at /docs",
        flush=True,
    )
    config = _server_config(settings)
    if settings.workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
    else:
        Multiprocess(config, sockets=[listening]).run()


def _server_config(settings: Settings) -> uvicorn.Config:
    from serve.app import connections, create_app

    return uvicorn.Config(
        # with the settings of this start: a worker reads no file of keys again
        partial(create_app, settings),
        factory=True,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=settings.idle_seconds,
        limit_concurrency=MAX_CONNECTIONS,
        workers=settings.workers,
        loop="uvloop",
        # uvicorn only calls it, which its type does not say
        http=cast(Any, connections(settings)),
        ws="none",
        lifespan="on",
        server_header=False,
        access_log=False,
        proxy_headers=False,
    )


def _check(settings: Settings) -> None:
    """Find out before any worker starts what would stop each of them."""
    from serve.app import open_access

    champion = load_champion(settings.model_dir, settings.public_key)
    check_feature_store(settings, champion)
    kept_champion(settings).restart(settings.model_dir, champion.lineage_id)
    if settings.shadow_dir is not None:
        challenger = load_champion(settings.shadow_dir, settings.public_key)
        kept_challenger(settings).restart(settings.shadow_dir, challenger.lineage_id)
    open_access(settings)
    if settings.access == "open":
        print(
            "warning: FRAUD_ACCESS=open: everybody who reaches this address may do everything",
            flush=True,
        )
    engine = open_engine(settings.store_url)
    if not prepare_tables(engine):
        print(
            "warning: the store is not reachable; /v1/decisions answers 503 until it is", flush=True
        )
    engine.dispose()
    forget_workers(settings.state_dir / "workers")


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
            f"FRAUD_HOST {settings.host[:60]}, FRAUD_PORT {settings.port}: cannot listen: "
            f"{reason}; choose another"
        ) from error
    listening.set_inheritable(True)
    return listening


if __name__ == "__main__":
    raise SystemExit(main())
