"""Broken copies of the overlay that remembers customers and terminals are refused."""

import copy

import pytest

from tests.delivery import semantics, semantics_entities
from tests.delivery.tools import rendered


@pytest.fixture(scope="module")
def entities():
    return rendered("k8s/overlays/gke-entities")


def worker(objects):
    return semantics.named(objects, "Deployment", "fraud-follow")["spec"]


def redis(objects):
    return semantics.named(objects, "StatefulSet", "fraud-redis")["spec"]


def policy(objects, name):
    return semantics.named(objects, "NetworkPolicy", name)["spec"]


def settings(objects, key):
    return next(c["data"] for c in semantics.of_kind(objects, "ConfigMap") if key in c["data"])


def reconfigure(objects, old, new):
    config = settings(objects, "redis.conf")
    assert old in config["redis.conf"]
    config["redis.conf"] = config["redis.conf"].replace(old, new)


def worker_as_scaled(objects):
    semantics.of_kind(objects, "HorizontalPodAutoscaler")[0]["spec"]["scaleTargetRef"].update(
        name="fraud-follow"
    )


BROKEN = {
    "expected one replica": lambda o: worker(o).update(replicas=2),
    "0 deployments ingest": lambda o: o.remove(semantics.named(o, "Deployment", "fraud-follow")),
    "the old worker must end": lambda o: worker(o).update(strategy={"type": "RollingUpdate"}),
    "an ingestion worker is not scaled": worker_as_scaled,
    "two workers could hold it": lambda o: semantics.named(
        o, "PersistentVolumeClaim", "fraud-follow"
    )["spec"].update(accessModes=["ReadWriteMany"]),
    "claim fraud-follow does not exist": lambda o: o.remove(
        semantics.named(o, "PersistentVolumeClaim", "fraud-follow")
    ),
    "above maxmemory": lambda o: reconfigure(o, "maxmemory 640mb", "maxmemory 1000mb"),
    "above maxmemory ": lambda o: reconfigure(o, "maxmemory 640mb", ""),
    "never seen": lambda o: reconfigure(o, "noeviction", "allkeys-lru"),
    "must be on disk": lambda o: reconfigure(o, "appendfsync always", "appendfsync everysec"),
    "must outlive the pod": lambda o: redis(o).pop("volumeClaimTemplates"),
    "expected three probes": lambda o: redis(o)["template"]["spec"]["containers"][0].pop(
        "startupProbe"
    ),
    "is not in the pod": lambda o: redis(o)["template"]["spec"]["containers"][0].pop("ports"),
    "clients of Redis are": lambda o: redis(o)["template"]["metadata"]["labels"].update(
        {"fraud/redis": "client"}
    ),
    "no client reaches Redis": lambda o: o.remove(
        semantics.named(o, "NetworkPolicy", "fraud-redis-clients")
    ),
    "no client must not reach": lambda o: policy(o, "fraud-redis").update(ingress=[{}]),
    "whoever is no client": lambda o: policy(o, "fraud-redis").update(policyTypes=["Ingress"]),
    "must reach the collector": lambda o: policy(o, "fraud-collector")["ingress"][0]["from"].pop(),
    "a feature store and its model": lambda o: settings(o, "FRAUD_FEATURE_STORE").pop(
        "FRAUD_FEATURE_STORE"
    ),
    "must come from a secret": lambda o: worker(o)["template"]["spec"]["containers"][0].update(
        env=[{"name": "FRAUD_REDIS", "value": "fraud-redis:6379"}]
    ),
    "nobody makes secret other": lambda o: worker(o)["template"]["spec"]["containers"][0][
        "env"
    ].append({"name": "X", "valueFrom": {"secretKeyRef": {"name": "other", "key": "x"}}}),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_broken_copy_is_refused(entities, sentence):
    broken = copy.deepcopy(entities)
    BROKEN[sentence](broken)
    assert any(
        sentence.strip() in mistake
        for mistake in semantics.mistakes(broken, semantics_entities.RULES)
    )


def test_every_rule_has_a_broken_copy(entities):
    own = set(semantics_entities.RULES) - set(semantics.RULES)
    spoken = set()
    for spoil in BROKEN.values():
        broken = copy.deepcopy(entities)
        spoil(broken)
        spoken |= {rule for rule in own if list(rule(broken))}
    assert spoken == own


def test_champion_and_entities_do_not_share_a_namespace(entities):
    assert {item["metadata"].get("namespace") for item in entities} == {None, "fraud-entities"}
