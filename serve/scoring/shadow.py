"""The challenger: scored on the same request after the
answer was sent, compared in counters, heard by nobody.
"""

import asyncio
import sys

import numpy as np

from serve.scoring.champion import Champion
from serve.telemetry.counters import Counters

MOST_WAITING = 1_000


class Shadow:
    """Compares a challenger with the champion.

    A challenger that fails is counted, named once in the log, and never reaches an answer; when too
    many rows wait, further ones are left out.
    """

    def __init__(self, challenger: Champion, counters: Counters) -> None:
        self._challenger, self._counters = challenger, counters
        self._waiting = 0
        self._named = False

    def after(self, values: np.ndarray, amount_eur: float, champion: Champion) -> None:
        """Compare with a champion later, once the loop is free."""
        if self._waiting < MOST_WAITING:
            self._waiting += 1
            asyncio.get_running_loop().call_soon(self._compare, values, amount_eur, champion)

    def _compare(self, values: np.ndarray, amount_eur: float, champion: Champion) -> None:
        self._waiting -= 1
        try:
            challenged = self._challenger.decider.decide(values, amount_eur).decision
            decision = champion.decider.decide(values, amount_eur).decision
        except Exception as error:  # noqa: BLE001 - no failure of a challenger may harm an answer
            self._counters.event("shadow_failed")
            if not self._named:
                self._named = True
                print(
                    f"warning: the challenger failed: {type(error).__name__}: {error}",
                    file=sys.stderr,
                    flush=True,
                )
            return
        self._counters.event("shadow_compared")
        if challenged != decision:
            self._counters.event("shadow_disagreed")
