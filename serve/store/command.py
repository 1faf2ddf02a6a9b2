"""A command on the store of the settings: it is opened,
used and closed, and what goes wrong is one clear line.
"""

import sys
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from fraud_core.errors import FraudCoreError
from serve.settings import read_settings
from serve.store.tables import open_engine


def run_on_store(act: Callable[[Engine], None]) -> int:
    """Run a command on the store; returns the exit code."""
    try:
        engine = open_engine(read_settings().store_url)
        try:
            act(engine)
        finally:
            engine.dispose()
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except SQLAlchemyError as error:
        print(
            f"error: FRAUD_STORE_URL: the store refused ({type(error).__name__}); is it running?",
            file=sys.stderr,
        )
        return 1
    return 0
