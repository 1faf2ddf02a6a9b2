"""A deployment under traffic, second by second: pods come
late, use CPU time, and reject what they cannot answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from k8s.capacity.autoscaler import SYNC_SECONDS, Autoscaler, AutoscalerSettings


@dataclass(frozen=True)
class Pod:
    """One pod.

    Attributes
    ----------
    cpu_seconds_per_request
        Measured.
    request_cores, limit_cores
        Of its container.
    start_seconds
        From being asked for to being ready.
    """

    cpu_seconds_per_request: float
    request_cores: float
    limit_cores: float
    start_seconds: float


@dataclass(frozen=True)
class Outcome:
    """What happened, each array by second.

    Attributes
    ----------
    replicas, ready
        Pods asked for and pods that answer.
    rejected
        Requests that found every pod busy.
    rejected_share
        Share of all requests.
    lag_seconds
        Longest time without a break during which requests were rejected.
    pod_hours
        Asked for, over the whole time.
    """

    replicas: np.ndarray
    ready: np.ndarray
    rejected: np.ndarray
    rejected_share: float
    lag_seconds: int
    pod_hours: float


def simulate(
    traffic: np.ndarray,
    pod: Pod,
    settings: AutoscalerSettings,
    *,
    metric_delay_seconds: int,
    losses: Mapping[int, int] | None = None,
) -> Outcome:
    """Run the autoscaler against traffic.

    Parameters
    ----------
    traffic
        Requests a second, shape (n_seconds,).
    metric_delay_seconds
        Age of the utilisation that the autoscaler sees.
    losses
        Pods that vanish, by second; each is replaced after the start time.

    Examples
    --------
    >>> from k8s.capacity.autoscaler import Policy, Rules
    >>> rules = Rules(0, (Policy("Percent", 100, 15),))
    >>> pod = Pod(0.001, 0.5, 1.0, 10.0)
    >>> settings = AutoscalerSettings(1, 8, 0.8, rules, rules)
    >>> traffic = np.repeat([100.0, 1500.0], [60, 240])
    >>> outcome = simulate(traffic, pod, settings, metric_delay_seconds=15)
    >>> int(outcome.replicas[-1]), bool(outcome.rejected[-1] == 0), outcome.lag_seconds > 0
    (8, True, True)
    """
    scaler = Autoscaler(settings)
    needed = (
        traffic[0] * pod.cpu_seconds_per_request / (settings.target_utilization * pod.request_cores)
    )
    wanted = int(np.clip(np.ceil(needed), settings.min_replicas, settings.max_replicas))
    starting: list[float] = []
    seconds = len(traffic)
    replicas, ready, rejected, used = (np.zeros(seconds) for _ in range(4))
    for now in range(seconds):
        lost = (losses or {}).get(now, 0)
        starting = [at for at in starting if at > now] + [now + pod.start_seconds] * lost
        ready[now] = max(wanted - len(starting), 0)
        busy = traffic[now] * pod.cpu_seconds_per_request
        given = ready[now] * pod.limit_cores
        rejected[now] = max(busy - given, 0.0) / pod.cpu_seconds_per_request
        used[now] = min(busy, given) / ready[now] / pod.request_cores if ready[now] else 0.0
        replicas[now] = wanted
        if now % SYNC_SECONDS == 0 and now >= metric_delay_seconds:
            seen = used[now - metric_delay_seconds]
            asked = scaler.replicas(now, current=wanted, utilizations=[seen] * int(ready[now]))
            starting += [now + pod.start_seconds] * max(asked - wanted, 0)
            # pods on their way are the first to be given up
            starting = starting[: max(len(starting) - max(wanted - asked, 0), 0)]
            wanted = asked
    return Outcome(
        replicas,
        ready,
        rejected,
        float(rejected.sum() / traffic.sum()),
        _longest_run(rejected > 0),
        float(replicas.sum() / 3600),
    )


def _longest_run(flags: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max()) if edges.size else 0
