"""An answer to a caller: what some work made, or the problem that hindered it."""

from collections.abc import Awaitable

from litestar.types import Send

from serve.features.entities import FeatureStoreUnavailable
from serve.http.asgi import reply, reply_problem
from serve.http.transaction import InvalidTransaction, Problem
from serve.runtime.service import Service
from serve.store.group_commit import StoreUnavailable

RETRY = ((b"retry-after", b"1"),)
FEATURES_DOWN = Problem(
    "Feature store not reachable",
    503,
    "features_unavailable",
    "nothing was decided; send the request again",
)


def hindrance(
    service: Service, error: StoreUnavailable | FeatureStoreUnavailable, store_down: Problem
) -> Problem:
    """The problem of a store that cannot be reached, which is counted.

    Parameters
    ----------
    store_down
        What is said when it is the store of decisions and labels.
    """
    if isinstance(error, FeatureStoreUnavailable):
        service.counters.event("features_unavailable")
        return FEATURES_DOWN
    service.counters.event("store_unavailable")
    return store_down


async def answer_with(
    work: Awaitable[bytes], send: Send, service: Service, *, store_down: Problem, status: int = 200
) -> None:
    """Send what some work makes, or the problem that hindered it.

    Parameters
    ----------
    work
        Makes the body of the answer, JSON.
    store_down
        As in `hindrance`.
    status
        Of an answer without a problem.
    """
    try:
        content = await work
    except InvalidTransaction as error:
        await reply_problem(send, error.problem)
    except (StoreUnavailable, FeatureStoreUnavailable) as error:
        await reply_problem(send, hindrance(service, error, store_down), RETRY)
    else:
        await reply(send, status, content)
