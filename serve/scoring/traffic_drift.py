"""Drift of the traffic: each worker counts its rows, writes
its counts to a file, and judges those of all workers.

The files outlive their workers. One that was not written for half a minute belongs to a worker that
ended; it counts as long as the workers that run have too few rows for a verdict, so that a restart
does not start with insufficient data. Where no file can be written, a worker judges what it knows.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fraud_core.bundle.load import Bundle
from fraud_core.drift.monitoring.reference_histogram import Reference, reference_of_bundle
from fraud_core.drift.monitoring.stream_monitor import StreamMonitor, WindowVerdict, merge_states
from fraud_core.drift.two_sample.binned import State

EVERY_SECONDS = 5.0
FRESH_SECONDS = 30.0
WINDOW_ROWS = 2_000
INSUFFICIENT = WindowVerdict("insufficient_data", 0, {}, ())
# The words that answers, logs and metrics of the service use for a state.
WIRE_STATES: Mapping[State, str] = {
    "stable": "stable",
    "significant": "moved",
    "material": "drifted",
    "insufficient_data": "unknown",
}


class Traffic:
    """The drift monitor of one worker, and the verdict on the traffic of all.

    Parameters
    ----------
    folder
        Where the workers' files are.
    bundle
        Whose reference the traffic is compared with.
    wall_clock
        Seconds since 1970.

    Attributes
    ----------
    verdict
        The last one, over the last two thousand rows of each worker.
    """

    def __init__(
        self, folder: Path, bundle: Bundle, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._folder, self._clock = folder, wall_clock
        self._written = True
        self.restart(bundle)

    def restart(self, bundle: Bundle) -> None:
        """Begin again with the reference of another bundle."""
        described = msgspec.to_builtins(bundle.reference)
        self._reference: Reference = reference_of_bundle(described, bundle.contract.model_features)
        self._monitor = StreamMonitor(self._reference, window_rows=WINDOW_ROWS)
        self.verdict = INSUFFICIENT

    def observe(self, values: np.ndarray, probability: float) -> None:
        """Take one row that was answered, shape (n_features,), with its probability."""
        self._monitor.observe(values, probability, self._clock())

    def gauges(self) -> dict[str, float]:
        """The last verdict as figures, by the names of their metrics."""
        seen = self.verdict
        return {
            "fraud.drift.rows": float(seen.rows),
            "fraud.drift.variables_drifted": float(len(seen.material)),
            "fraud.drift.known": float(seen.state != "insufficient_data"),
        }

    async def watch(self) -> None:
        """Judge the traffic every five seconds, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.judge()

    async def judge(self) -> WindowVerdict:
        """Write the counts of this worker, and judge those of all workers."""
        state, reference = self._monitor.to_state(), self._reference
        verdict = await asyncio.to_thread(self._judge, state, reference)
        if reference is self._reference:
            self.verdict = verdict
        return self.verdict

    def _judge(self, own: dict[str, Any], reference: Reference) -> WindowVerdict:
        path = self._folder / f"{os.getpid()}.drift"
        self._write(path, msgspec.json.encode(own))
        running, ended = self._others(path, own)
        verdict = self._verdict([own, *running], reference)
        if verdict.state == "insufficient_data" and ended:
            verdict = self._verdict([own, *running, *ended], reference)
        return verdict

    def _write(self, path: Path, content: bytes) -> None:
        """Write the counts of this worker; a failure is said once, until it succeeds again."""
        partial = path.with_suffix(".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
            partial.replace(path)
        except OSError as error:
            if self._written:
                print(
                    f"warning: FRAUD_STATE_DIR: no file for the drift of this worker: "
                    f"{error.strerror}; other workers judge without it",
                    file=sys.stderr,
                    flush=True,
                )
            self._written = False
        else:
            self._written = True

    def _others(self, own_path: Path, own: dict[str, Any]) -> tuple[list[dict], list[dict]]:
        """States of the other workers that watch the same
        reference: of those that run, and of those that ended.
        """
        running, ended = [], []
        for path in self._folder.glob("*.drift"):
            if path == own_path:
                continue
            try:
                age = self._clock() - path.stat().st_mtime
                state = msgspec.json.decode(path.read_bytes())
            except (OSError, msgspec.DecodeError):
                # another worker removed it, or it is of an earlier version: it says nothing of
                # this traffic
                continue
            if all(
                state.get(key) == own[key]
                for key in ("format", "reference", "window_rows", "window_seconds")
            ):
                (running if age < FRESH_SECONDS else ended).append(state)
        return running, ended

    def _verdict(self, states: list[dict[str, Any]], reference: Reference) -> WindowVerdict:
        merged = StreamMonitor(reference, window_rows=WINDOW_ROWS)
        merged.restore(merge_states(states))
        return merged.verdict("rows", self._clock())
