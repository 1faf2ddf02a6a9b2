"""Rate of the requests of one caller: a token bucket for each."""

from time import monotonic

MOST_CALLERS = 10_000


class RateLimit:
    """Requests a second for each caller, with a burst of one second.

    Parameters
    ----------
    per_second
        Requests a second of one caller in this worker.

    References
    ----------
    J. Turner (1986), New directions in communications (or which way to the information age?): the
    leaky bucket.

    Examples
    --------
    >>> limit = RateLimit(2.0)
    >>> [limit.allows("till") for _ in range(3)]
    [True, True, False]
    """

    def __init__(self, per_second: float) -> None:
        self._per_second, self._burst = per_second, max(1.0, per_second)
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, caller: str) -> bool:
        """Take one request of a caller, if there is one left."""
        now = monotonic()
        left, at = self._left.get(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        if len(self._left) > MOST_CALLERS:
            self._left.clear()
        self._left[caller] = (left - 1.0 if left >= 1.0 else left, now)
        return left >= 1.0
