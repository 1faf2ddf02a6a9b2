"""The stream monitor: the last rows and the last
hours of a stream against the reference of a bundle.

Rows wait in a block and are counted into bins together; a window is a ring of buckets of such
counts. Memory is fixed when the monitor is made: about 0.2 MB for 30 variables of 20 bins, never
more with traffic or time. Counts add up, so the states of several workers are merged by addition,
and a state survives a restart as plain data.

The monitor reads no clock: whoever observes says what time it is.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fraud_core.drift.monitoring.reference_histogram import DAY_SECONDS, Reference
from fraud_core.drift.monitoring.window_verdict import WindowVerdict, evaluate_window
from fraud_core.drift.two_sample.binned import MINIMUM_ROWS
from fraud_core.errors import ParameterError

FORMAT = 1
BLOCK_ROWS = 256
BUCKETS = 8
Window = Literal["rows", "time"]


@dataclass
class _Bucket:
    place: int
    counts: np.ndarray  # (n_cells,)
    stratum_rows: np.ndarray  # (n_strata,)


class StreamMonitor:
    """Watches rows and scores of one worker; not thread-safe, one event loop owns it.

    Parameters
    ----------
    reference
        From `reference_of_bundle` or `build_reference`.
    window_rows
        Length of the window by count: it holds at least the last `window_rows` rows once they came,
        at most an eighth and a block more.
    window_seconds
        Length of the window by time, in eight buckets aligned to the clock.
    minimum_rows
        Below it a window is ``insufficient_data``.
    psi_threshold
        practical-significance threshold of the population stability index.
    alpha
        False discovery rate over the variables of one look at one window.

    Examples
    --------
    >>> from fraud_core.drift.monitoring.reference_histogram import build_reference
    >>> rng = np.random.default_rng(0)
    >>> reference = build_reference(rng.normal(size=(5000, 2)), ["x", "score"], n_bins=10)
    >>> monitor = StreamMonitor(reference, window_rows=1000)
    >>> for value in rng.normal(1.0, 1.0, size=1000):
    ...     monitor.observe([value], rng.normal(), 0.0)
    >>> monitor.verdict("rows", 0.0).material
    ('x',)
    """

    def __init__(
        self,
        reference: Reference,
        *,
        window_rows: int = 2000,
        window_seconds: float = 3600.0,
        minimum_rows: int = MINIMUM_ROWS,
        psi_threshold: float = 0.1,
        alpha: float = 0.05,
    ) -> None:
        if window_rows < BUCKETS or window_seconds <= 0 or minimum_rows < 1:
            raise ParameterError(
                f"drift monitor: expected window_rows >= {BUCKETS}, window_seconds > 0 and "
                "minimum_rows >= 1, got "
                f"{window_rows}, {window_seconds:g} and {minimum_rows}"
            )
        self.reference = reference
        self._window = {"window_rows": window_rows, "window_seconds": window_seconds}
        self._minimum_rows, self._psi_threshold, self._alpha = minimum_rows, psi_threshold, alpha
        self._bucket_rows, self._bucket_seconds = (
            -(-window_rows // BUCKETS),
            window_seconds / BUCKETS,
        )
        self._size, self._filled = min(BLOCK_ROWS, self._bucket_rows), 0
        # the reference was counted on what the model sees, float32; a price on an edge must fall on
        # the same side
        self._features = np.empty((self._size, len(reference.names) - 1), dtype=np.float32)
        self._scores = np.empty(self._size)
        self._rows: deque[_Bucket] = deque(maxlen=BUCKETS + 1)
        self._time: deque[_Bucket] = deque(maxlen=BUCKETS + 1)
        self._place, self._stratum, self._until = 0, 0, -np.inf

    def observe(self, features: Sequence[float] | np.ndarray, score: float, now: float) -> None:
        """Take one row; a few hundred nanoseconds, and a tenth of a millisecond once in a block.

        Parameters
        ----------
        features
            Shape (n_features,), in the model's order.
        score
            The calibrated probability that was given.
        now
            Time in seconds, of any fixed origin at a midnight; a clock that steps back counts into
            the bucket in use.
        """
        if now >= self._until:
            self._turn(now)
        self._features[self._filled] = features
        self._scores[self._filled] = score
        self._filled += 1
        if self._filled == self._size:
            self._flush()

    def observe_many(self, features: np.ndarray, scores: np.ndarray, now: float) -> None:
        """Take many rows of one instant, shapes (n, n_features) and (n,)."""
        if now >= self._until:
            self._turn(now)
        self._flush()
        for start in range(0, len(scores), self._size):
            part = slice(start, start + self._size)
            self._add(np.asarray(features[part], dtype=np.float32), scores[part])

    def verdict(self, window: Window, now: float) -> WindowVerdict:
        """Evaluate a window: some milliseconds, so ask at intervals and not at every row.

        Parameters
        ----------
        window
            ``rows`` for the window by count, ``time`` for the window by time that ends now.
        now
            As in `observe`.
        """
        self._flush()
        buckets: Iterable[_Bucket] = self._rows
        if window == "time":
            oldest = int(now // self._bucket_seconds) - BUCKETS
            buckets = [bucket for bucket in self._time if bucket.place > oldest]
        counts, stratum_rows = self._empty()
        for bucket in buckets:
            counts, stratum_rows = counts + bucket.counts, stratum_rows + bucket.stratum_rows
        return evaluate_window(
            self.reference,
            counts,
            stratum_rows,
            minimum_rows=self._minimum_rows,
            psi_threshold=self._psi_threshold,
            alpha=self._alpha,
        )

    def to_state(self) -> dict[str, Any]:
        """Everything observed, as plain data: for a
        restart, or for `merge_states` with other workers.
        """
        self._flush()

        def plain(buckets: Iterable[_Bucket]) -> list[dict[str, Any]]:
            return [
                {
                    "place": p.place,
                    "counts": p.counts.tolist(),
                    "stratum_rows": p.stratum_rows.tolist(),
                }
                for p in buckets
            ]

        return {
            "format": FORMAT,
            "reference": self.reference.digest,
            **self._window,
            "rows": plain(self._rows),
            "time": plain(self._time),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state in place of what was observed.

        Raises
        ------
        ParameterError
            When the state belongs to another reference or to other windows.
        """
        expected = {"format": FORMAT, "reference": self.reference.digest, **self._window}
        for key, value in expected.items():
            if state.get(key) != value:
                raise ParameterError(
                    f"drift state, {key}: expected {value}, got {state.get(key)}; start a new one"
                )
        for buckets, name in ((self._rows, "rows"), (self._time, "time")):
            buckets.clear()
            buckets.extend(
                _Bucket(
                    p["place"],
                    np.array(p["counts"], dtype=np.int64),
                    np.array(p["stratum_rows"], dtype=np.int64),
                )
                for p in state[name]
            )
        self._filled, self._until = 0, -np.inf

    def _empty(self) -> tuple[np.ndarray, np.ndarray]:
        reference = self.reference
        return np.zeros(reference.first_cell[-1], dtype=np.int64), np.zeros(
            len(reference.counts), dtype=np.int64
        )

    def _turn(self, now: float) -> None:
        """Enter the bucket and the stratum of `now`; what waits belongs to the ones before."""
        self._flush()
        stratum_seconds = DAY_SECONDS / len(self.reference.counts)
        self._place = int(now // self._bucket_seconds)
        self._stratum = int(now % DAY_SECONDS // stratum_seconds)
        self._until = min(
            (self._place + 1) * self._bucket_seconds, (now // stratum_seconds + 1) * stratum_seconds
        )

    def _flush(self) -> None:
        if self._filled:
            self._add(self._features[: self._filled], self._scores[: self._filled])
            self._filled = 0

    def _add(self, features: np.ndarray, scores: np.ndarray) -> None:
        counts, n_rows = self.reference.count(np.column_stack([features, scores])), len(scores)
        if not self._rows or self._rows[-1].stratum_rows.sum() >= self._bucket_rows:
            self._rows.append(_Bucket(0, *self._empty()))
        if not self._time or self._time[-1].place < self._place:
            self._time.append(_Bucket(self._place, *self._empty()))
        for buckets in (self._rows, self._time):
            buckets[-1].counts += counts
            buckets[-1].stratum_rows[self._stratum] += n_rows


def merge_states(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Add the states of several workers; buckets by time
    meet at their place, buckets by count at their age.

    The window by count of a merged state holds the last rows of each worker.

    Raises
    ------
    ParameterError
        When there is none, or they belong to different references or windows.

    Examples
    --------
    >>> merge_states([])
    Traceback (most recent call last):
    ...
    fraud_core.errors.ParameterError: drift states: expected at least one, got none
    """
    if not states:
        raise ParameterError("drift states: expected at least one, got none")
    same = {key: value for key, value in states[0].items() if key not in ("rows", "time")}
    for state in states[1:]:
        for key, value in same.items():
            if state.get(key) != value:
                raise ParameterError(
                    f"drift states, {key}: expected {value} in all, got {state.get(key)}"
                )
    by_age = [
        [bucket | {"place": age - len(s["rows"])} for age, bucket in enumerate(s["rows"])]
        for s in states
    ]
    return same | {"rows": _add_buckets(by_age), "time": _add_buckets([s["time"] for s in states])}


def _add_buckets(parts: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    total: dict[int, dict[str, Any]] = {}
    for bucket in (bucket for part in parts for bucket in part):
        sums = total.setdefault(bucket["place"], {"counts": 0, "stratum_rows": 0})
        for key in sums:
            sums[key] = sums[key] + np.array(bucket[key])
    kept = sorted(total)[-(BUCKETS + 1) :]
    return [
        {"place": place} | {key: value.tolist() for key, value in total[place].items()}
        for place in kept
    ]
