"""An autoscaler that grows at once and shrinks slowly, and a pod, for tests."""

from k8s.capacity.autoscaler import AutoscalerSettings, Policy, Rules
from k8s.capacity.simulation import Pod

AT_ONCE = Rules(0, (Policy("Percent", 100, 15), Policy("Pods", 4, 15)))
SLOWLY = Rules(300, (Policy("Percent", 20, 60),))
SETTINGS = AutoscalerSettings(3, 40, 0.8, AT_ONCE, SLOWLY)
POD = Pod(0.0005, 0.5, 1.0, 20.0)
