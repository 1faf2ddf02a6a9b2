"""The algorithm of the HorizontalPodAutoscaler for one
utilisation metric, as a pure function of what it has seen.

References
----------
Kubernetes documentation, "Horizontal Pod Autoscaling": "Algorithm details", "Configurable scaling
behavior".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

SYNC_SECONDS = 15
TOLERANCE = 0.1


@dataclass(frozen=True)
class Policy:
    """A bound on change: ``value`` percent or pods within ``period_seconds``."""

    kind: str
    value: int
    period_seconds: int


@dataclass(frozen=True)
class Rules:
    """One direction: the seconds over which recommendations
    are stabilised, and its policies (the largest counts).
    """

    stabilization_seconds: int
    policies: tuple[Policy, ...]


@dataclass(frozen=True)
class AutoscalerSettings:
    """An autoscaler: bounds, target utilisation as a share
    of the request, and the rules of both directions.
    """

    min_replicas: int
    max_replicas: int
    target_utilization: float
    up: Rules
    down: Rules


@dataclass
class Autoscaler:
    """An autoscaler at work; holds the recommendations and changes that its windows reach back to.

    Examples
    --------
    >>> rules = Rules(0, (Policy("Percent", 100, 15),))
    >>> scaler = Autoscaler(AutoscalerSettings(2, 10, 0.5, rules, rules))
    >>> scaler.replicas(0, current=2, utilizations=[0.9, 0.9])
    4
    """

    settings: AutoscalerSettings
    _recommended: list[tuple[float, int]] = field(default_factory=list)
    _changes: list[tuple[float, int]] = field(default_factory=list)

    def replicas(self, now: float, *, current: int, utilizations: Sequence[float]) -> int:
        """How many pods there shall be.

        Parameters
        ----------
        now
            Seconds; calls come in order of time.
        current
            Pods asked for so far, ready or not.
        utilizations
            Of the ready pods, as shares of the request.
        """
        wanted = recommend(current, utilizations, self.settings.target_utilization)
        stable = self._stabilized(now, current, wanted)
        bounded = min(max(stable, self.settings.min_replicas), self.settings.max_replicas)
        chosen = self._within_policies(now, current, bounded)
        if chosen != current:
            self._changes.append((now, chosen - current))
        return chosen

    def _stabilized(self, now: float, current: int, wanted: int) -> int:
        self._recommended.append((now, wanted))
        reach = max(
            self.settings.up.stabilization_seconds, self.settings.down.stabilization_seconds
        )
        self._recommended = [each for each in self._recommended if each[0] >= now - reach]
        lowest = min(
            n for at, n in self._recommended if at >= now - self.settings.up.stabilization_seconds
        )
        highest = max(
            n for at, n in self._recommended if at >= now - self.settings.down.stabilization_seconds
        )
        return max(lowest, min(highest, current))

    def _within_policies(self, now: float, current: int, wanted: int) -> int:
        if wanted > current:
            limits = [self._limit(now, current, policy, 1) for policy in self.settings.up.policies]
            return min(wanted, max(limits, default=wanted))
        if wanted < current:
            limits = [
                self._limit(now, current, policy, -1) for policy in self.settings.down.policies
            ]
            return max(wanted, min(limits, default=wanted))
        return current

    def _limit(self, now: float, current: int, policy: Policy, sign: int) -> int:
        """Pods that a policy allows, counted from those at the start of its period."""
        recent = sum(
            change
            for at, change in self._changes
            if at > now - policy.period_seconds and change * sign > 0
        )
        start = current - recent
        if policy.kind == "Pods":
            return start + sign * policy.value
        share = 1 + sign * policy.value / 100
        return math.ceil(start * share) if sign > 0 else math.floor(start * share)


def recommend(current: int, utilizations: Sequence[float], target: float) -> int:
    """Pods by the ratio of measured to target utilisation; unchanged within the tolerance.

    Pods that are not ready count as idle when the ratio asks for more: pods on their way are not
    asked for again.

    Examples
    --------
    >>> (
    ...     recommend(4, [0.8, 0.8, 0.8, 0.8], 0.5),
    ...     recommend(4, [0.52] * 4, 0.5),
    ...     recommend(4, [0.1] * 4, 0.5),
    ... )
    (7, 4, 1)
    """
    if not utilizations:
        return current
    ratio = sum(utilizations) / len(utilizations) / target
    if ratio > 1 and len(utilizations) < current:
        with_idle = sum(utilizations) / current / target
        return current if with_idle <= 1 + TOLERANCE else math.ceil(with_idle * current)
    if abs(ratio - 1) <= TOLERANCE:
        return current
    return math.ceil(round(ratio * len(utilizations), 9))
