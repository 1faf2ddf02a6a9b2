"""Counters of one worker in a mapped file, so that any
worker can add up those of all and none is ever locked.

A counter is a 64-bit float at a fixed place, changed by one process alone; a reader of another
process sees each place whole. The file of a worker that ended stays until the service starts again,
so that totals never fall.
"""

import mmap
import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
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
        Where the workers' files are; made when it is not there.
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
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{os.getpid()}.counters").open("w+b") as file:
            file.truncate(8 * self._size)
            self._map = mmap.mmap(file.fileno(), 8 * self._size)
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
        total = np.zeros(self._size)
        for path in self._folder.glob("*.counters"):
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
    """Remove the files of the workers of an earlier start."""
    for path in folder.glob("*.counters"):
        path.unlink(missing_ok=True)
    states = sorted(folder.glob("*.drift"), key=lambda path: path.stat().st_mtime)
    for path in states[:-MOST_KEPT]:
        path.unlink(missing_ok=True)
