"""What must hold where customers and terminals are remembered: one follower, a bounded Redis, and who reaches it."""

from tests.delivery.semantics import RULES as COMMON
from tests.delivery.semantics import containers, matches, named, of_kind, pods, quantity

CLIENT = {"fraud/redis": "client"}
MAY_REACH_REDIS = {"fraud-serve", "fraud-follow"}


def one_follower(objects):
    """One replica, never two at once, on a volume that one pod alone may hold."""
    found = [each for each in of_kind(objects, "Deployment") if follows(each["spec"]["template"])]
    if len(found) != 1:
        yield f"{len(found)} deployments follow, expected one"
    for each in found:
        spec, name = each["spec"], each["metadata"]["name"]
        if spec.get("replicas") != 1:
            yield f"Deployment {name}: two followers overwrite each other, expected one replica"
        if spec.get("strategy", {}).get("type") != "Recreate":
            yield f"Deployment {name}: the old follower must end before the new one starts"
        for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
            if scaler["spec"]["scaleTargetRef"]["name"] == name:
                yield f"HorizontalPodAutoscaler {scaler['metadata']['name']}: a follower is not scaled"
        for volume in spec["template"]["spec"]["volumes"]:
            claim = named(objects, "PersistentVolumeClaim", volume.get("persistentVolumeClaim", {}).get("claimName"))
            if claim and claim["spec"]["accessModes"] != ["ReadWriteOncePod"]:
                yield f"PersistentVolumeClaim {claim['metadata']['name']}: two followers could hold it"


def follows(template):
    return any("serve.features.ingest" in each.get("command", []) for each in containers(template))


def bounded_redis(objects):
    """Redis in the cluster stays below its container's memory, refuses instead of forgetting, and is on disk."""
    found = named(objects, "StatefulSet", "fraud-redis")
    if found is None:
        return
    (container,) = found["spec"]["template"]["spec"]["containers"]
    names = {volume["configMap"]["name"] for volume in found["spec"]["template"]["spec"]["volumes"]
             if "configMap" in volume}  # fmt: skip
    texts = [each["data"]["redis.conf"] for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"] in names]
    lines = [line.split(maxsplit=1) for line in "".join(texts).splitlines() if line and not line.startswith("#")]
    settings = dict(lines)
    most = float(settings.get("maxmemory", "inf").removesuffix("mb")) * 2**20
    if most > 0.75 * quantity(container["resources"]["limits"]["memory"]):
        yield "StatefulSet fraud-redis: a rewrite of its file needs a quarter of the memory above maxmemory"
    if settings.get("maxmemory-policy") != "noeviction":
        yield "StatefulSet fraud-redis: a past that is evicted reads as an entity that was never seen"
    if (settings.get("appendonly"), settings.get("appendfsync")) != ("yes", "always"):
        yield "StatefulSet fraud-redis: what was pushed must be on disk"
    if not found["spec"].get("volumeClaimTemplates"):
        yield "StatefulSet fraud-redis: what was pushed must outlive the pod"
    if not {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container):
        yield "StatefulSet fraud-redis: expected three probes"


def reach(objects):
    """Clients of Redis are those that are named, and nobody else is let in."""
    labels = {name: template["metadata"]["labels"] for name, template in pods(objects).items()}
    clients = {name for name in labels if matches(CLIENT, labels[name])}
    if clients != MAY_REACH_REDIS:
        yield f"clients of Redis are {sorted(clients)}, expected {sorted(MAY_REACH_REDIS)}"
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "NetworkPolicy")}
    if "fraud-redis-clients" not in policies:
        yield "NetworkPolicy fraud-redis-clients: no client reaches Redis without it"
    if named(objects, "StatefulSet", "fraud-redis") is None:
        return
    guard = policies.get("fraud-redis", {"policyTypes": [], "ingress": [{}]})
    sources = [source for rule in guard["ingress"] for source in rule.get("from", [{}])]
    if sources != [{"podSelector": {"matchLabels": CLIENT}}] or set(guard["policyTypes"]) != {"Ingress", "Egress"}:
        yield "NetworkPolicy fraud-redis: whoever is no client must not reach Redis"


def watched(objects):
    """The follower reaches the collector, to say how far behind it is."""
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "NetworkPolicy")}
    sources = [s.get("podSelector") for rule in policies["fraud-collector"]["ingress"] for s in rule.get("from", [])]
    targets = [t.get("podSelector") for rule in policies["fraud-follow"]["egress"] for t in rule.get("to", [])]
    named_follow, named_collector = (
        {"matchLabels": {"app.kubernetes.io/name": name}} for name in ("fraud-follow", "fraud-collector")
    )
    if named_follow not in sources or named_collector not in targets:
        yield "NetworkPolicy fraud-follow, fraud-collector: the follower must reach the collector"


def addressed(objects):
    """Whoever reads the feature store knows its address, from a secret."""
    settings = next(each["data"] for each in of_kind(objects, "ConfigMap")
                    if each["metadata"]["name"].startswith("fraud-settings"))  # fmt: skip
    if not {"FRAUD_FEATURE_STORE", "FRAUD_MODEL_DIR"} <= set(settings):
        yield "ConfigMap fraud-settings: expected a feature store and its model"
    for name in sorted(MAY_REACH_REDIS & set(pods(objects))):
        container = pods(objects)[name]["spec"]["containers"][0]
        found = {each["name"]: each.get("valueFrom", {}) for each in container.get("env", [])}
        if "secretKeyRef" not in found.get("FRAUD_REDIS", {}):
            yield f"Pod {name}: FRAUD_REDIS must come from a secret"


RULES = (*COMMON, one_follower, bounded_redis, reach, watched, addressed)
