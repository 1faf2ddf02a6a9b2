"""The autoscaler by hand, its rules, and a deployment under traffic."""

from k8s.capacity.__main__ import quantity, read_deployment


def test_deployment_is_read_from_the_manifests():
    settings, pod, memory = read_deployment(0.001, 20)
    assert settings.min_replicas < settings.max_replicas
    assert pod.request_cores <= pod.limit_cores
    assert 0 < memory < 1
    assert [quantity(text) for text in ("500m", "2", "512Mi", "1Gi")] == [0.5, 2.0, 0.5, 1.0]
