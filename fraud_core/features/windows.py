"""Windows over the history of customers and terminals, on
plain arrays: the one code behind every feature of entities.

A table asks it about all payments at once, the service about one; NumPy is all it needs. Strictly
point-in-time: a payment sees payments of an earlier second alone, and frauds that were reported
before it.
"""

from collections.abc import Sequence

import numpy as np

DAY_SECONDS = 86_400
NIGHT_HOURS = 6
WEEKEND = (5, 6)
# The features that say nothing, NaN, while an entity has no history to speak of.
NULLABLE = ("customer_mean_amount", "terminal_risk", "seconds_since_last")


class History:
    """Events of one kind of entity, ordered by entity and time, so that a window is two searches.

    Parameters
    ----------
    entity, time, cents
        Of each event, shape (n_events,): identity, seconds, amount.
    """

    def __init__(self, entity: np.ndarray, time: np.ndarray, cents: np.ndarray) -> None:
        codes = np.unique(entity, return_inverse=True)[1].astype(np.int64)
        self._origin = int(time.min(initial=0))
        span = int(time.max(initial=0)) - self._origin + 1
        key = codes * span + (time - self._origin)
        # Searches for keys that ascend stay in the caches of a core, so all work is done in this
        # order.
        self._order = np.argsort(key, kind="stable")
        self._key = key[self._order]
        self._base, self._time = np.divmod(self._key, span)
        self._base *= span
        self._total = np.concatenate([[0], np.cumsum(cents[self._order])])
        self._places: dict[int, np.ndarray] = {}

    def window(self, delay: int, seconds: int) -> tuple[np.ndarray, np.ndarray]:
        """Count and cents of the events from ``delay +
        seconds`` to ``delay`` seconds ago, the end excluded.
        """
        first, last = self._position(delay + seconds), self._position(delay)
        return self._as_given(last - first), self._as_given(self._total[last] - self._total[first])

    def since_last(self, reach: int) -> np.ndarray:
        """Seconds since the entity's last event of an earlier
        second, NaN when none is at most `reach` seconds old.
        """
        here = self._position(0)
        before = self._key[np.maximum(here - 1, 0)]
        gap = self._key - before
        known = (here > 0) & (before >= self._base) & (gap <= reach)
        return self._as_given(np.where(known, gap, np.nan))

    def known(self, reported: np.ndarray, delay: int, seconds: int) -> np.ndarray:
        """Number of the events of `window` whose report came before the event that looks back.

        Parameters
        ----------
        reported
            When each event was reported as fraud, seconds, NaN for never; in the order of the
            events as given.
        """
        ordered = reported[self._order]
        flagged = np.flatnonzero(np.isfinite(ordered))
        key, when = self._key[flagged], ordered[flagged] - self._origin
        first, last = (
            np.searchsorted(key, self._base + np.maximum(self._time - ago, 0), side="left")
            for ago in (delay + seconds, delay)
        )
        length = last - first
        row = np.repeat(np.arange(len(length)), length)
        place = np.arange(len(row)) + np.repeat(first - (np.cumsum(length) - length), length)
        return self._as_given(
            np.bincount(row[when[place] < self._time[row]], minlength=len(length))
        )

    def _position(self, ago: int) -> np.ndarray:
        """For each event, the place of the first event of
        its entity that is at most so many seconds old.
        """
        if ago not in self._places:
            asked = self._base + np.maximum(self._time - ago, 0)
            self._places[ago] = np.searchsorted(self._key, asked, side="left")
        return self._places[ago]

    def _as_given(self, ordered: np.ndarray) -> np.ndarray:
        """Values of the ordered events in the order in which the events came."""
        given = np.empty_like(ordered)
        given[self._order] = ordered
        return given


def customer_features(
    history: History, windows_days: Sequence[int], label_delay_days: int
) -> dict[str, np.ndarray]:
    """Time since the last payment, and count and mean
    amount of each window, shape (n_events,) each.

    Parameters
    ----------
    windows_days, label_delay_days
        As of `fraud_core.features.offline.add_features`.

    Examples
    --------
    >>> one = History(np.zeros(2), np.array([0, 60]), np.array([1000, 3000]))
    >>> for name, values in customer_features(one, [1], 7).items():
    ...     print(name, values.tolist())
    seconds_since_last [nan, 60.0]
    customer_count_1d [0, 1]
    customer_mean_amount_1d [nan, 10.0]
    """
    made = {
        "seconds_since_last": history.since_last(
            feature_lookback_seconds(windows_days, label_delay_days)
        )
    }
    for days in windows_days:
        count, cents = history.window(0, days * DAY_SECONDS)
        made[f"customer_count_{days}d"] = count
        made[f"customer_mean_amount_{days}d"] = _ratio(cents / 100, count)
    return made


def terminal_features(
    history: History, reported: np.ndarray, windows_days: Sequence[int], label_delay_days: int
) -> dict[str, np.ndarray]:
    """Count of each window, and the share of known frauds of the window that ended a delay ago.

    Parameters
    ----------
    reported
        As of `History.known`.

    Examples
    --------
    >>> one = History(np.zeros(2), np.array([0, 2 * DAY_SECONDS]), np.zeros(2, int))
    >>> made = terminal_features(one, np.array([60.0, np.nan]), [2], 1)
    >>> made["terminal_count_2d"].tolist(), made["terminal_risk_2d"].tolist()
    ([0, 1], [nan, 1.0])
    """
    made, delay = {}, label_delay_days * DAY_SECONDS
    for days in windows_days:
        made[f"terminal_count_{days}d"] = history.window(0, days * DAY_SECONDS)[0]
        seen, _ = history.window(delay, days * DAY_SECONDS)
        made[f"terminal_risk_{days}d"] = _ratio(
            history.known(reported, delay, days * DAY_SECONDS), seen
        )
    return made


def calendar_features(time: np.ndarray) -> dict[str, np.ndarray]:
    """Whether a payment falls into the night and into
    the weekend; second 0 is the midnight of a Monday.

    Examples
    --------
    >>> {
    ...     name: values.tolist()
    ...     for name, values in calendar_features(np.array([0, 5 * DAY_SECONDS + 43_200])).items()
    ... }
    {'night': [1, 0], 'weekend': [0, 1]}
    """
    return {
        "night": (time % DAY_SECONDS < NIGHT_HOURS * 3600).astype(np.int8),
        "weekend": np.isin(time // DAY_SECONDS % 7, WEEKEND).astype(np.int8),
    }


def feature_names(windows_days: Sequence[int]) -> list[str]:
    """The names of all features, in the order in which they are made.

    Examples
    --------
    >>> feature_names([1])[:3]
    ['seconds_since_last', 'customer_count_1d', 'customer_mean_amount_1d']
    """
    nobody, nothing = np.zeros(0), History(np.zeros(0), np.zeros(0, int), np.zeros(0, int))
    made = customer_features(nothing, windows_days, 0) | terminal_features(
        nothing, nobody, windows_days, 0
    )
    return [*made, *calendar_features(np.zeros(0, int))]


def feature_lookback_seconds(windows_days: Sequence[int], label_delay_days: int) -> int:
    """How far back an event can matter."""
    return (max(windows_days) + label_delay_days) * DAY_SECONDS


def _ratio(numerator: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Numerator over count, NaN where nothing was counted."""
    return np.where(count > 0, numerator / np.maximum(count, 1), np.nan)
