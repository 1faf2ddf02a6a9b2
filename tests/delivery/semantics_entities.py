"""Rules where customers and terminals are remembered: one
ingestion worker, a bounded Redis, and who reaches it.
"""

from tests.delivery.semantics import (
    RULES as COMMON,
    containers,
    matches,
    named,
    of_kind,
    pods,
    quantity,
)

CLIENT = {"fraud/redis": "client"}
MAY_REACH_REDIS = {"fraud-serve", "fraud-follow"}


def one_ingestion_worker(objects):
    """One replica, never two at once, on a volume that one pod alone may hold."""
    workers = [d for d in of_kind(objects, "Deployment") if ingests(d["spec"]["template"])]
    if len(workers) != 1:
        yield f"{len(workers)} deployments ingest, expected one"
    for worker in workers:
        spec, name = worker["spec"], worker["metadata"]["name"]
        if spec.get("replicas") != 1:
            yield f"Deployment {name}: two workers overwrite each other, expected one replica"
        if spec.get("strategy", {}).get("type") != "Recreate":
            yield f"Deployment {name}: the old worker must end before the new one starts"
        for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
            if scaler["spec"]["scaleTargetRef"]["name"] == name:
                yield (
                    f"HorizontalPodAutoscaler {scaler['metadata']['name']}: an ingestion worker "
                    "is not scaled"
                )
        for volume in spec["template"]["spec"]["volumes"]:
            claim = named(
                objects,
                "PersistentVolumeClaim",
                volume.get("persistentVolumeClaim", {}).get("claimName"),
            )
            if claim and claim["spec"]["accessModes"] != ["ReadWriteOncePod"]:
                yield (
                    f"PersistentVolumeClaim {claim['metadata']['name']}: two workers could hold it"
                )


def ingests(template):
    return any(
        "serve.features.ingest" in container.get("command", [])
        for container in containers(template)
    )


def bounded_redis(objects):
    """Redis in the cluster stays below its container's
    memory, refuses instead of forgetting, and is on disk.
    """
    redis = named(objects, "StatefulSet", "fraud-redis")
    if redis is None:
        return
    (container,) = redis["spec"]["template"]["spec"]["containers"]
    names = {
        volume["configMap"]["name"]
        for volume in redis["spec"]["template"]["spec"]["volumes"]
        if "configMap" in volume
    }
    texts = [
        c["data"]["redis.conf"]
        for c in of_kind(objects, "ConfigMap")
        if c["metadata"]["name"] in names
    ]
    lines = [
        line.split(maxsplit=1)
        for line in "".join(texts).splitlines()
        if line and not line.startswith("#")
    ]
    settings = dict(lines)
    most = float(settings.get("maxmemory", "inf").removesuffix("mb")) * 2**20
    if most > 0.75 * quantity(container["resources"]["limits"]["memory"]):
        yield (
            "StatefulSet fraud-redis: a rewrite of its file needs a quarter of the memory above "
            "maxmemory"
        )
    if settings.get("maxmemory-policy") != "noeviction":
        yield (
            "StatefulSet fraud-redis: a past that is evicted reads as an entity that was never seen"
        )
    if (settings.get("appendonly"), settings.get("appendfsync")) != ("yes", "always"):
        yield "StatefulSet fraud-redis: what was pushed must be on disk"
    if not redis["spec"].get("volumeClaimTemplates"):
        yield "StatefulSet fraud-redis: what was pushed must outlive the pod"
    if not {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container):
        yield "StatefulSet fraud-redis: expected three probes"


def reach(objects):
    """Clients of Redis are those that are named, and nobody else is let in."""
    labels = {name: template["metadata"]["labels"] for name, template in pods(objects).items()}
    clients = {name for name in labels if matches(CLIENT, labels[name])}
    if clients != MAY_REACH_REDIS:
        yield f"clients of Redis are {sorted(clients)}, expected {sorted(MAY_REACH_REDIS)}"
    policies = {
        policy["metadata"]["name"]: policy["spec"] for policy in of_kind(objects, "NetworkPolicy")
    }
    if "fraud-redis-clients" not in policies:
        yield "NetworkPolicy fraud-redis-clients: no client reaches Redis without it"
    if named(objects, "StatefulSet", "fraud-redis") is None:
        return
    guard = policies.get("fraud-redis", {"policyTypes": [], "ingress": [{}]})
    sources = [source for rule in guard["ingress"] for source in rule.get("from", [{}])]
    if sources != [{"podSelector": {"matchLabels": CLIENT}}] or set(guard["policyTypes"]) != {
        "Ingress",
        "Egress",
    }:
        yield "NetworkPolicy fraud-redis: whoever is no client must not reach Redis"


def watched(objects):
    """The ingestion worker reaches the collector, to send its consumer lag."""
    policies = {
        policy["metadata"]["name"]: policy["spec"] for policy in of_kind(objects, "NetworkPolicy")
    }
    sources = [
        s.get("podSelector")
        for rule in policies["fraud-collector"]["ingress"]
        for s in rule.get("from", [])
    ]
    targets = [
        t.get("podSelector")
        for rule in policies["fraud-follow"]["egress"]
        for t in rule.get("to", [])
    ]
    named_worker, named_collector = (
        {"matchLabels": {"app.kubernetes.io/name": name}}
        for name in ("fraud-follow", "fraud-collector")
    )
    if named_worker not in sources or named_collector not in targets:
        yield (
            "NetworkPolicy fraud-follow, fraud-collector: the ingestion worker must reach the "
            "collector"
        )


def addressed(objects):
    """Whoever reads the feature store knows its address, from a secret."""
    settings = next(
        config["data"]
        for config in of_kind(objects, "ConfigMap")
        if config["metadata"]["name"].startswith("fraud-settings")
    )
    if not {"FRAUD_FEATURE_STORE", "FRAUD_MODEL_DIR"} <= set(settings):
        yield "ConfigMap fraud-settings: expected a feature store and its model"
    for name in sorted(MAY_REACH_REDIS & set(pods(objects))):
        container = pods(objects)[name]["spec"]["containers"][0]
        sources = {
            variable["name"]: variable.get("valueFrom", {}) for variable in container.get("env", [])
        }
        if "secretKeyRef" not in sources.get("FRAUD_REDIS", {}):
            yield f"Pod {name}: FRAUD_REDIS must come from a secret"


RULES = (*COMMON, one_ingestion_worker, bounded_redis, reach, watched, addressed)
