"""Counters of one worker in a mapped file, so that any
worker can add up those of all and none is ever locked.

A counter is a 64-bit float at a fixed place, changed by one process alone; a reader of another
process sees each place whole. The file of a worker that ended stays until the service starts again,
so that totals never fall. Every block of the file is allocated before it is mapped: a write to a
hole on a full disk would end the process with SIGBUS. Where no file can be had the worker counts in
its memory.
"""

import mmap
import os
import sys
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Upper ends of the histograms' buckets in seconds: a request takes about a millisecond, an
# inference less.
REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
INFERENCE_BUCKETS = (
    0.00001,
    0.000025,
    0.00005,
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
)
STATUSES = (200, 201, 400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 499, 500, 503)
OTHER_STATUS = 0
MOST_KEPT = 16  # drift states of workers that ended
EVENTS = (
    "decision_approve",
    "decision_review",
    "decision_block",
    "decision_abstain",
    "decision_replayed",
    "label_recorded",
    "store_unavailable",
    "features_unavailable",
    "shadow_compared",
    "shadow_disagreed",
    "shadow_failed",
    "model_reloaded",
    "model_reload_refused",
)


@dataclass(frozen=True)
class Histogram:
    """Counts of durations: below or at each bucket's end and above, their sum in seconds."""

    buckets: tuple[float, ...]
    counts: np.ndarray
    total_seconds: float


class Counters:
    """All counters of one worker.

    Parameters
    ----------
    folder
        Where the workers' files are; made when it is not there. When it can take no file, that is
        said once, and the counters are in memory: then no other worker sees them.
    routes
        Labels of the routes, such as ``POST /predict``; unknown ones share ``other``.
    """

    def __init__(self, folder: Path, routes: Iterable[str]) -> None:
        self._folder = folder
        self._routes = (*routes, "other")
        self._statuses = {status: k for k, status in enumerate((*STATUSES, OTHER_STATUS))}
        self._width = len(REQUEST_BUCKETS) + 2
        self._first = {
            route: k * len(self._statuses) * self._width for k, route in enumerate(self._routes)
        }
        self._inference = len(self._routes) * len(self._statuses) * self._width
        events = self._inference + len(INFERENCE_BUCKETS) + 2
        self._events = {name: events + k for k, name in enumerate(EVENTS)}
        self._size = events + len(EVENTS)
        self._path = folder / f"{os.getpid()}.counters"
        self._map = _mapped(self._path, 8 * self._size)
        self._values = memoryview(self._map).cast("d")

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        place = self._first.get(route, self._first["other"])
        place += self._statuses.get(status, len(STATUSES)) * self._width
        self._values[place + bisect_left(REQUEST_BUCKETS, seconds)] += 1.0
        self._values[place + self._width - 1] += seconds

    def inference(self, seconds: float) -> None:
        """Count the time of one row in the model."""
        self._values[self._inference + bisect_left(INFERENCE_BUCKETS, seconds)] += 1.0
        self._values[self._inference + len(INFERENCE_BUCKETS) + 1] += seconds

    def event(self, name: str) -> None:
        """Count one event of `EVENTS`."""
        self._values[self._events[name]] += 1.0

    def merged(self) -> "Totals":
        """The sum over the workers that run or ran since the service started."""
        total = np.array(self._values)
        for path in self._folder.glob("*.counters"):
            if path == self._path:
                continue
            with suppress(OSError):  # it was removed meanwhile
                content = path.read_bytes()
                if len(content) == 8 * self._size:
                    total += np.frombuffer(content)
        return Totals(total, self._routes, self._width, self._inference, self._events)

    def own(self) -> "Totals":
        """The counters of this worker."""
        return Totals(
            np.array(self._values), self._routes, self._width, self._inference, self._events
        )

    def close(self) -> None:
        """Let go of the file, which stays."""
        self._values.release()
        self._map.close()


@dataclass(frozen=True)
class Totals:
    """Counters at one moment."""

    values: np.ndarray
    routes: Sequence[str]
    width: int
    inference_place: int
    event_places: dict[str, int]

    def requests(self) -> dict[tuple[str, int], Histogram]:
        """Durations by route and status, of those that occurred."""
        durations = {}
        for r, route in enumerate(self.routes):
            for s, status in enumerate((*STATUSES, OTHER_STATUS)):
                place = (r * (len(STATUSES) + 1) + s) * self.width
                part = self.values[place : place + self.width]
                if part[:-1].any():
                    durations[route, status] = Histogram(
                        REQUEST_BUCKETS, part[:-1], float(part[-1])
                    )
        return durations

    def inference(self) -> Histogram:
        """Durations of the model."""
        part = self.values[self.inference_place : self.inference_place + len(INFERENCE_BUCKETS) + 2]
        return Histogram(INFERENCE_BUCKETS, part[:-1], float(part[-1]))

    def events(self) -> dict[str, float]:
        """Number of each event."""
        return {name: float(self.values[place]) for name, place in self.event_places.items()}


def forget_workers(folder: Path) -> None:
    """Remove the files of the workers of an earlier start, those that can be removed."""
    for path in folder.glob("*.counters"):
        _remove(path)
    states = sorted(folder.glob("*.drift"), key=_changed)
    for path in states[:-MOST_KEPT]:
        _remove(path)


def _mapped(path: Path, n_bytes: int) -> mmap.mmap:
    """A new file of zeros in memory, every block of it on
    the disk; memory alone where there can be no such file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # never emptied in place: whoever still maps a file of this name would be ended by it
        path.unlink(missing_ok=True)
        with path.open("x+b") as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            return mmap.mmap(file.fileno(), n_bytes)
    except OSError as error:
        print(
            f"warning: FRAUD_STATE_DIR: no file for the counters of this worker: {error.strerror}; "
            "/metrics of other workers leaves them out",
            file=sys.stderr,
            flush=True,
        )
        _remove(path)
        return mmap.mmap(-1, n_bytes)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _changed(path: Path) -> float:
    """When a file was written last; 0 when it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
