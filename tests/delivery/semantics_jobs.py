"""What must hold of runs in the cluster: they end, are
not repeated for nothing, and are nobody's service.
"""

import re

from tests.delivery.semantics import RULES as COMMON, matches, of_kind, pods, quantity


def jobs(objects):
    """The specification of every run by its name."""
    found = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "Job")}
    timed = {
        each["metadata"]["name"]: each["spec"]["jobTemplate"]["spec"]
        for each in of_kind(objects, "CronJob")
    }
    return found | timed


def ending(objects):
    """A run has a last moment, few tries, and is removed."""
    for name, spec in jobs(objects).items():
        if not 0 < spec.get("activeDeadlineSeconds", 0) <= 21_600:
            yield f"Job {name}: expected an end within six hours"
        if spec.get("backoffLimit", 6) > 2:
            yield f"Job {name}: tried too often"
        if "ttlSecondsAfterFinished" not in spec:
            yield f"Job {name}: it would stay for ever"
        if spec["template"]["spec"].get("restartPolicy") != "Never":
            yield f"Job {name}: expected a new pod for a new try"


def refusals(objects):
    """Exit code 3, by which run.sh says that the gate refused, ends the run."""
    for name, spec in jobs(objects).items():
        names = {container["name"] for container in spec["template"]["spec"]["containers"]}
        rules = spec.get("podFailurePolicy", {}).get("rules", [])
        codes = [
            rule["onExitCodes"]
            for rule in rules
            if rule["action"] == "FailJob" and "onExitCodes" in rule
        ]
        if not any(code["values"] == [3] and code.get("containerName") in names for code in codes):
            yield f"Job {name}: a refusal of the gate would be tried again"


def space(objects):
    """What the volumes may hold fits into what the pod may hold."""
    for name, template in pods(objects).items():
        spec = template["spec"]
        sizes = [
            quantity(volume["emptyDir"].get("sizeLimit", "1000Gi"))
            for volume in spec["volumes"]
            if "emptyDir" in volume
        ]
        limit = (
            spec["containers"][0]
            .get("resources", {})
            .get("limits", {})
            .get("ephemeral-storage", "0")
        )
        if sum(sizes) > quantity(limit):
            yield f"Job {name}: its volumes may hold more than the pod"


def apart(objects):
    """No service and no disruption budget of the service takes a run for one of its pods."""
    for name, template in pods(objects).items():
        if matches({"app.kubernetes.io/name": "fraud-serve"}, template["metadata"]["labels"]):
            yield f"Job {name}: the service's balancer would send it payments"


def timing(objects):
    """A run of the night does not overlap itself and waits until somebody wants it."""
    for found in of_kind(objects, "CronJob"):
        spec, name = found["spec"], found["metadata"]["name"]
        if (
            not re.fullmatch(r"\d{1,2} \d{1,2} \* \* \*", spec["schedule"])
            or "timeZone" not in spec
        ):
            yield f"CronJob {name}: expected one time a day, in a zone that is named"
        if spec.get("concurrencyPolicy") != "Forbid":
            yield f"CronJob {name}: two runs at once"
        if spec.get("suspend") is not True:
            yield f"CronJob {name}: it costs money, so somebody must start it"


RULES = (*COMMON, ending, refusals, space, apart, timing)
