"""The rendered manifests: their schema, their meaning, and that each broken copy is refused."""

import copy
import re

import pytest
import yaml

from serve import __main__ as serve_main
from tests.delivery import semantics
from tests.delivery.tools import need, rendered, run

DIGEST = "sha256:" + "0123456789abcdef" * 4
OVERLAYS = ("local", "gke")


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request):
    return rendered(f"k8s/overlays/{request.param}")


@pytest.fixture(scope="module")
def gke():
    return rendered("k8s/overlays/gke")


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_fits_the_schema_of_its_kind(name, tmp_path):
    need("kubectl", "kubernetes-validate")
    path = tmp_path / "objects.yaml"
    path.write_text(run("kubectl", "kustomize", f"k8s/overlays/{name}"))
    run("kubernetes-validate", "--strict", path)
    path.write_text(path.read_text().replace("containerPort:", "containerPrt:"))
    assert run("kubernetes-validate", "--strict", path, check=False).returncode != 0


def test_meaning_holds(overlay):
    assert semantics.mistakes(overlay) == []


def test_every_object_lies_in_one_namespace_that_is_restricted(overlay):
    (namespace,) = semantics.of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"]["namespace"] for each in overlay if each is not namespace} == {"fraud"}


def test_drain_time_is_that_of_the_service():
    assert semantics.GRACE_SECONDS == serve_main.GRACE_SECONDS


def test_no_secret_stands_in_a_file(overlay):
    assert semantics.of_kind(overlay, "Secret") == []


def serving(objects):
    return semantics.pods(objects)["fraud-serve"]["spec"]["containers"][0]


def autoscaler(objects):
    return semantics.of_kind(objects, "HorizontalPodAutoscaler")[0]["spec"]


BROKEN = {
    "chooses no pod": lambda o: semantics.named(o, "Service", "fraud-serve")["spec"].update(selector={"app": "other"}),
    "does not choose its own pods": lambda o: semantics.named(o, "Deployment", "fraud-serve")["spec"][
        "selector"
    ].update(matchLabels={"app": "other"}),
    "is not in the pod": lambda o: serving(o).update(ports=[{"name": "web", "containerPort": 8000}]),
    "above its limit": lambda o: serving(o)["resources"]["requests"].update(cpu="1500m"),
    "needs a request and a limit": lambda o: serving(o).pop("resources"),
    "minReplicas is above maxReplicas": lambda o: autoscaler(o).update(minReplicas=81),
    "its target does not exist": lambda o: autoscaler(o)["scaleTargetRef"].update(name="other"),
    "container other does not exist": lambda o: autoscaler(o)["metrics"][0]["containerResource"].update(
        container="other"
    ),
    "would fight the autoscaler": lambda o: semantics.named(o, "Deployment", "fraud-serve")["spec"].update(replicas=3),
    "no pod could ever be moved": lambda o: semantics.of_kind(o, "PodDisruptionBudget")[0]["spec"].update(
        minAvailable=3
    ),
    "does not exist": lambda o: o.remove(semantics.of_kind(o, "ConfigMap")[0]),
    "service account other does not exist": lambda o: semantics.pods(o)["fraud-serve"]["spec"].update(
        serviceAccountName="other"
    ),
    "nobody makes secret": lambda o: semantics.pods(o)["fraud-serve"]["spec"]["volumes"].append(
        {"name": "x", "secret": {"secretName": "other"}}
    ),
    "killed before it has drained": lambda o: semantics.pods(o)["fraud-serve"]["spec"].update(
        terminationGracePeriodSeconds=12
    ),
    "not root": lambda o: semantics.pods(o)["fraud-serve"]["spec"]["securityContext"].update(runAsNonRoot=False),
    "write its root": lambda o: serving(o)["securityContext"].update(readOnlyRootFilesystem=False),
    "seconds to forget a pod": lambda o: serving(o).pop("lifecycle"),
    "keeps capabilities": lambda o: serving(o)["securityContext"].pop("capabilities"),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_broken_copy_is_refused(gke, sentence):
    broken = copy.deepcopy(gke)
    BROKEN[sentence](broken)
    assert any(sentence in mistake for mistake in semantics.mistakes(broken))


def test_deployment_names_the_image_by_digest_and_the_project():
    need("kubectl")
    text = run("k8s/render.sh", f"europe-west1-docker.pkg.dev/some-project/fraud/serve@{DIGEST}", "some-project")
    objects = list(yaml.safe_load_all(text))
    images = {each["image"] for each in semantics.containers(semantics.pods(objects)["fraud-serve"])}
    assert images == {f"europe-west1-docker.pkg.dev/some-project/fraud/serve@{DIGEST}"}
    accounts = {
        each["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
        for each in semantics.of_kind(objects, "ServiceAccount")
    }
    assert accounts == {"fraud-serve@some-project.iam.gserviceaccount.com"}
    assert semantics.mistakes(objects) == []


@pytest.mark.parametrize("arguments", [("serve:latest", "some-project"), (f"host/serve@{DIGEST}", "Bad Project"), ()])
def test_image_without_digest_and_a_malformed_project_are_refused(arguments):
    done = run("k8s/render.sh", *arguments, check=False)
    assert done.returncode == 1
    assert re.match("usage|error", done.stderr)


def test_dry_run_of_the_setup_prints_every_step_and_runs_none():
    done = run(
        "k8s/gke.sh", "some-project", "europe-west1", "owner/repository", check=False, DRY_RUN="1", PATH="/usr/bin:/bin"
    )
    assert done.returncode == 0, done.stderr
    for step in (
        "clusters create-auto",
        "repositories create",
        "buckets create",
        "create-oidc",
        "secret generic fraud-keys",
    ):
        assert step in done.stderr
    assert "GCP_PROJECT=some-project" in done.stdout


def test_setup_asks_for_its_files_before_it_does_anything():
    done = run(
        "k8s/gke.sh", "some-project", "europe-west1", "owner/repository", check=False, KEYS_FILE="", STORE_URL_FILE=""
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: KEYS_FILE")
