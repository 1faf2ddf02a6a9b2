"""What a schema cannot see in rendered manifests:
each rule returns the sentences that are wrong.
"""

import re

UNITS = {"m": 1e-3, "": 1.0, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "k": 1e3, "M": 1e6, "G": 1e9}
GRACE_SECONDS = 10  # serve.__main__.GRACE_SECONDS, compared by a test
MARGIN_SECONDS = 5


def quantity(text):
    """A Kubernetes quantity as a number."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    return float(number) * UNITS[unit]


def of_kind(objects, kind):
    return [found for found in objects if found["kind"] == kind]


def named(objects, kind, name):
    return next(
        (found for found in of_kind(objects, kind) if found["metadata"]["name"] == name), None
    )


def pods(objects):
    """The template of every pod by the name of what makes it."""
    made = [
        each for kind in ("Deployment", "StatefulSet", "Job") for each in of_kind(objects, kind)
    ]
    found = {each["metadata"]["name"]: each["spec"]["template"] for each in made}
    timed = of_kind(objects, "CronJob")
    return found | {
        each["metadata"]["name"]: each["spec"]["jobTemplate"]["spec"]["template"] for each in timed
    }


def containers(template):
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def matches(selector, labels):
    return selector and all(labels.get(key) == value for key, value in selector.items())


def selectors(objects):
    """Every selector chooses pods that are there, and a deployment its own."""
    labels = {name: template["metadata"]["labels"] for name, template in pods(objects).items()}
    for found in [*of_kind(objects, "Deployment"), *of_kind(objects, "StatefulSet")]:
        chosen = found["spec"]["selector"]["matchLabels"]
        if not matches(chosen, found["spec"]["template"]["metadata"]["labels"]):
            yield (
                f"{found['kind']} {found['metadata']['name']}: its selector does not choose its "
                "own pods"
            )
        for spread in found["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            if spread["labelSelector"]["matchLabels"] != chosen:
                yield f"Deployment {found['metadata']['name']}: spread over other pods than its own"
    choosing = [(found, found["spec"]["selector"]) for found in of_kind(objects, "Service")]
    for kind, field in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        choosing += [
            (found, found["spec"][field]["matchLabels"]) for found in of_kind(objects, kind)
        ]
    for found, selector in choosing:
        if not any(matches(selector, each) for each in labels.values()):
            yield f"{found['kind']} {found['metadata']['name']}: its selector chooses no pod"


def ports(objects):
    """A port that is asked for by name has that name in every pod it may mean."""
    for found in of_kind(objects, "Service"):
        chosen = [
            t
            for t in pods(objects).values()
            if matches(found["spec"]["selector"], t["metadata"]["labels"])
        ]
        for port in found["spec"]["ports"]:
            for template in chosen:
                if port["targetPort"] not in port_names(template):
                    yield (
                        f"Service {found['metadata']['name']}: port {port['targetPort']} is not "
                        "in the pod"
                    )
    for name, template in pods(objects).items():
        for container in containers(template):
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                asked = container.get(probe, {}).get("httpGet", {}).get("port")
                if asked is not None and asked not in port_names(template):
                    yield f"Pod {name}: {probe} asks port {asked}, which is not in the pod"


def port_names(template):
    return {
        port["name"] for container in containers(template) for port in container.get("ports", [])
    }


def resources(objects):
    """Requests are stated and stay within limits."""
    for name, template in pods(objects).items():
        for container in containers(template):
            stated = container.get("resources", {})
            for resource in ("cpu", "memory"):
                request, limit = (
                    stated.get(part, {}).get(resource) for part in ("requests", "limits")
                )
                if request is None or limit is None:
                    yield f"Pod {name}, {container['name']}: {resource} needs a request and a limit"
                elif quantity(request) > quantity(limit):
                    yield (
                        f"Pod {name}, {container['name']}: {resource} requested is above its limit"
                    )


def autoscaling(objects):
    """The autoscaler has a target with the container
    it measures, and leaves room for disruptions.
    """
    for found in of_kind(objects, "HorizontalPodAutoscaler"):
        spec, name = found["spec"], found["metadata"]["name"]
        target = named(objects, spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
        if spec["minReplicas"] > spec["maxReplicas"]:
            yield f"HorizontalPodAutoscaler {name}: minReplicas is above maxReplicas"
        if target is None:
            yield f"HorizontalPodAutoscaler {name}: its target does not exist"
            continue
        if "replicas" in target["spec"]:
            yield f"Deployment {target['metadata']['name']}: replicas would fight the autoscaler"
        for metric in spec["metrics"]:
            container = metric["containerResource"]["container"]
            if container not in {
                each["name"] for each in target["spec"]["template"]["spec"]["containers"]
            }:
                yield f"HorizontalPodAutoscaler {name}: container {container} does not exist"
        for budget in of_kind(objects, "PodDisruptionBudget"):
            if budget["spec"]["minAvailable"] >= spec["minReplicas"]:
                yield (
                    f"PodDisruptionBudget {budget['metadata']['name']}: no pod could ever be moved"
                )


GIVEN = {
    "fraud-keys",
    "fraud-store",
    "fraud-redis",
}  # secrets that k8s/gke.sh makes; no secret stands in a file


def references(objects):
    """Config maps, service accounts and mounts lead somewhere."""
    for name, template in pods(objects).items():
        spec = template["spec"]
        if named(objects, "ServiceAccount", spec["serviceAccountName"]) is None:
            yield f"Pod {name}: service account {spec['serviceAccountName']} does not exist"
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        maps = [volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume]
        secrets = {
            volume["secret"]["secretName"] for volume in volumes.values() if "secret" in volume
        }
        claims = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in volumes.values()
            if "persistentVolumeClaim" in volume
        }
        volumes |= {each["metadata"]["name"]: each for each in claimed(objects, name)}
        for container in containers(template):
            maps += [source["configMapRef"]["name"] for source in container.get("envFrom", [])]
            sources = [variable.get("valueFrom", {}) for variable in container.get("env", [])]
            secrets |= {
                source["secretKeyRef"]["name"] for source in sources if "secretKeyRef" in source
            }
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"Pod {name}, {container['name']}: volume {mount['name']} does not exist"
        yield from (
            f"Pod {name}: config map {each} does not exist"
            for each in maps
            if named(objects, "ConfigMap", each) is None
        )
        yield from (f"Pod {name}: nobody makes secret {each}" for each in sorted(secrets - GIVEN))
        yield from (
            f"Pod {name}: claim {each} does not exist"
            for each in sorted(claims)
            if named(objects, "PersistentVolumeClaim", each) is None
        )


def claimed(objects, name):
    """The claims that a stateful set makes for its pods."""
    found = named(objects, "StatefulSet", name)
    return found["spec"].get("volumeClaimTemplates", []) if found else []


def draining(objects):
    """A pod has time to be forgotten, to drain and a margin before it is killed."""
    serving = pods(objects).get("fraud-serve")
    if serving is None:
        return
    spec = serving["spec"]
    (container,) = spec["containers"]
    pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    if pause < MARGIN_SECONDS:
        yield "Pod fraud-serve: the endpoints need some seconds to forget a pod that stops"
    if spec["terminationGracePeriodSeconds"] < pause + GRACE_SECONDS + MARGIN_SECONDS:
        yield "Pod fraud-serve: it is killed before it has drained"


def restricted(objects):
    """What Pod Security calls restricted, and a file system that nobody writes."""
    for name, template in pods(objects).items():
        pod = template["spec"].get("securityContext", {})
        if not (pod.get("runAsNonRoot") and pod.get("runAsUser") and "seccompProfile" in pod):
            yield f"Pod {name}: expected a numeric user that is not root and a seccomp profile"
        for container in containers(template):
            context = container.get("securityContext", {})
            if context.get("allowPrivilegeEscalation") is not False or not context.get(
                "readOnlyRootFilesystem"
            ):
                yield f"Pod {name}, {container['name']}: may gain rights or write its root"
            if context.get("capabilities", {}).get("drop") != ["ALL"]:
                yield f"Pod {name}, {container['name']}: keeps capabilities"


def images(objects):
    """Every image names a digest or a release, never whatever is newest."""
    for name, template in pods(objects).items():
        for container in containers(template):
            image = container["image"]
            if image in OURS:  # k8s/render.sh adds the digest
                continue
            if not re.search(r"(:v?[0-9][\w.-]*|:dev|@sha256:[0-9a-f]{64})$", image):
                yield (
                    f"Pod {name}, {container['name']}: image {image} names neither a release "
                    "nor a digest"
                )


OURS = {"fraud-serve", "fraud-research"}
RULES = (selectors, ports, resources, autoscaling, references, draining, restricted, images)


def mistakes(objects, rules=RULES):
    """Everything that is wrong with the objects of one overlay."""
    return [sentence for rule in rules for sentence in rule(objects)]
