"""The rendered manifests: their schema, their meaning, and that each broken copy is refused."""

import copy
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from serve import __main__ as serve_main
from tests.conftest import ROOT
from tests.delivery import semantics, semantics_entities, semantics_jobs
from tests.delivery.tools import need, rendered, run

DIGEST = "sha256:" + "0123456789abcdef" * 4
OVERLAYS = {
    "local": semantics.RULES,
    "gke": semantics.RULES,
    "gke-entities": semantics_entities.RULES,
    "gke-entities-memorystore": semantics_entities.RULES,
    "gke-entities-fill": semantics_jobs.RULES,
    "gke-jobs": semantics_jobs.RULES,
}
IMAGE = f"europe-west1-docker.pkg.dev/some-project/fraud/serve@{DIGEST}"


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request):
    return request.param, rendered(f"k8s/overlays/{request.param}")


@pytest.fixture(scope="module")
def gke():
    return rendered("k8s/overlays/gke")


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_fits_the_schema_of_its_kind(name, tmp_path):
    need("kubectl", "kubernetes-validate")
    path = tmp_path / "objects.yaml"
    path.write_text(run("kubectl", "kustomize", f"k8s/overlays/{name}"))
    run("kubernetes-validate", "--strict", path)
    path.write_text(path.read_text().replace("volumeMounts:", "volumeMonts:"))
    assert run("kubernetes-validate", "--strict", path, check=False).returncode != 0


def test_every_overlay_is_tried():
    assert {path.parent.name for path in ROOT.glob("k8s/overlays/*/kustomization.yaml")} == set(
        OVERLAYS
    )


def test_meaning_holds(overlay):
    name, objects = overlay
    assert semantics.mistakes(objects, OVERLAYS[name]) == []


def test_every_object_lies_in_one_namespace_that_is_restricted(overlay):
    name, objects = overlay
    expected = "fraud-entities" if "entities" in name else "fraud"
    made = [] if OVERLAYS[name] is semantics_jobs.RULES else [expected]
    namespaces = semantics.of_kind(objects, "Namespace")
    assert [each["metadata"]["name"] for each in namespaces] == made
    for namespace in namespaces:
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"]["namespace"] for each in objects if each not in namespaces} == {
        expected
    }


def test_drain_time_is_that_of_the_service():
    assert semantics.GRACE_SECONDS == serve_main.GRACE_SECONDS


def test_no_secret_stands_in_a_file(overlay):
    assert semantics.of_kind(overlay[1], "Secret") == []


def serving(objects):
    return semantics.pods(objects)["fraud-serve"]["spec"]["containers"][0]


def autoscaler(objects):
    return semantics.of_kind(objects, "HorizontalPodAutoscaler")[0]["spec"]


BROKEN = {
    "chooses no pod": lambda o: semantics.named(o, "Service", "fraud-serve")["spec"].update(
        selector={"app": "other"}
    ),
    "does not choose its own pods": lambda o: semantics.named(o, "Deployment", "fraud-serve")[
        "spec"
    ]["selector"].update(matchLabels={"app": "other"}),
    "is not in the pod": lambda o: serving(o).update(
        ports=[{"name": "web", "containerPort": 8000}]
    ),
    "above its limit": lambda o: serving(o)["resources"]["requests"].update(cpu="1500m"),
    "needs a request and a limit": lambda o: serving(o).pop("resources"),
    "minReplicas is above maxReplicas": lambda o: autoscaler(o).update(minReplicas=81),
    "its target does not exist": lambda o: autoscaler(o)["scaleTargetRef"].update(name="other"),
    "container other does not exist": lambda o: autoscaler(o)["metrics"][0][
        "containerResource"
    ].update(container="other"),
    "would fight the autoscaler": lambda o: semantics.named(o, "Deployment", "fraud-serve")[
        "spec"
    ].update(replicas=3),
    "no pod could ever be moved": lambda o: semantics.of_kind(o, "PodDisruptionBudget")[0][
        "spec"
    ].update(minAvailable=3),
    "does not exist": lambda o: o.remove(semantics.of_kind(o, "ConfigMap")[0]),
    "service account other does not exist": lambda o: semantics.pods(o)["fraud-serve"][
        "spec"
    ].update(serviceAccountName="other"),
    "nobody makes secret": lambda o: semantics.pods(o)["fraud-serve"]["spec"]["volumes"].append(
        {"name": "x", "secret": {"secretName": "other"}}
    ),
    "killed before it has drained": lambda o: semantics.pods(o)["fraud-serve"]["spec"].update(
        terminationGracePeriodSeconds=12
    ),
    "not root": lambda o: semantics.pods(o)["fraud-serve"]["spec"]["securityContext"].update(
        runAsNonRoot=False
    ),
    "write its root": lambda o: serving(o)["securityContext"].update(readOnlyRootFilesystem=False),
    "seconds to forget a pod": lambda o: serving(o).pop("lifecycle"),
    "keeps capabilities": lambda o: serving(o)["securityContext"].pop("capabilities"),
    "neither a release nor a digest": lambda o: serving(o).update(image="fraud-serve:latest"),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_broken_copy_is_refused(gke, sentence):
    broken = copy.deepcopy(gke)
    BROKEN[sentence](broken)
    assert any(sentence in mistake for mistake in semantics.mistakes(broken))


def test_deployment_names_the_image_by_digest_and_the_project():
    need("kubectl")
    objects = list(yaml.safe_load_all(run("k8s/render.sh", IMAGE, "some-project")))
    images = {
        each["image"] for each in semantics.containers(semantics.pods(objects)["fraud-serve"])
    }
    assert images == {IMAGE}
    assert identities(objects) == {"fraud-serve": "fraud-serve", "fraud-collector": "fraud-serve"}
    assert semantics.mistakes(objects) == []


def identities(objects):
    """The account of Google Cloud that a pod may be, by its service account."""
    end = "@some-project.iam.gserviceaccount.com"
    return {
        each["metadata"]["name"]: each["metadata"]["annotations"][
            "iam.gke.io/gcp-service-account"
        ].removesuffix(end)
        for each in semantics.of_kind(objects, "ServiceAccount")
        if "annotations" in each["metadata"]
    }


def test_two_overlays_rendered_at_once_do_not_mix():
    need("kubectl")
    names = ("gke", "gke-entities")
    expected = [run("k8s/render.sh", IMAGE, "some-project", OVERLAY=name) for name in names]
    with ThreadPoolExecutor(4) as pool:
        rendered = list(
            pool.map(
                lambda name: run("k8s/render.sh", IMAGE, "some-project", OVERLAY=name), names * 2
            )
        )
    assert rendered == expected * 2


@pytest.mark.parametrize("name", [name for name in OVERLAYS if name != "local"])
def test_every_image_of_every_overlay_can_be_named_by_digest(name):
    need("kubectl")
    others = [
        f"{image}=mirror.example/{image}@{DIGEST}"
        for image in ("otel/opentelemetry-collector-contrib", "redis")
    ]
    text = run("k8s/render.sh", IMAGE, "some-project", *others, OVERLAY=name)
    objects = list(yaml.safe_load_all(text))
    for template in semantics.pods(objects).values():
        assert all(each["image"].endswith(f"@{DIGEST}") for each in semantics.containers(template))
    assert semantics.mistakes(objects, OVERLAYS[name]) == []


def test_images_of_docker_hub_come_through_the_project():
    need("kubectl")
    objects = list(
        yaml.safe_load_all(run("k8s/render.sh", IMAGE, "some-project", OVERLAY="gke-entities"))
    )
    (redis,) = semantics.containers(semantics.pods(objects)["fraud-redis"])
    assert redis["image"].startswith(
        "europe-west1-docker.pkg.dev/some-project/docker-hub/library/redis:"
    )


def test_run_knows_its_bucket_and_its_identity():
    need("kubectl")
    objects = list(
        yaml.safe_load_all(run("k8s/render.sh", IMAGE, "some-project", OVERLAY="gke-jobs"))
    )
    (settings,) = semantics.of_kind(objects, "ConfigMap")
    assert settings["data"]["FRAUD_BUCKET"] == "gs://some-project-fraud-data"
    assert identities(objects) == {"fraud-research": "fraud-research"}


@pytest.mark.parametrize(
    "arguments", [("serve:latest", "some-project"), (f"host/serve@{DIGEST}", "Bad Project"), ()]
)
def test_image_without_digest_and_a_malformed_project_are_refused(arguments):
    done = run("k8s/render.sh", *arguments, check=False)
    assert done.returncode == 1
    assert re.match("usage|error", done.stderr)


@pytest.mark.parametrize(
    ("more", "overlay"),
    [((), "local"), ((), "../base"), ((f"nginx=h/n@{DIGEST}",), "gke"), (("redis=h/r:7",), "gke")],
)
def test_other_overlays_and_images_without_digest_are_refused(more, overlay):
    done = run("k8s/render.sh", IMAGE, "some-project", *more, check=False, OVERLAY=overlay)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")


STEPS = (
    "clusters create-auto",
    "repositories create fraud",
    "repositories create docker-hub",
    "buckets create",
    "routers nats create",
    "create-oidc",
    "secret generic fraud-keys",
    "secret generic fraud-store",
    "roles/artifactregistry.writer",
    "roles/artifactregistry.reader",
    "roles/container.defaultNodeServiceAccount",
    "buckets add-iam-policy-binding gs://some-project-fraud-data --role roles/storage.objectAdmin",
)
OF_OVERLAY = {
    "gke": ("svc.id.goog[fraud/fraud-research]",),
    "gke-entities": ("svc.id.goog[fraud-entities/fraud-serve]", "secret generic fraud-redis"),
    "gke-entities-memorystore": (
        "redis instances create fraud",
        "maxmemory-policy=noeviction",
        "secret generic fraud-redis",
    ),
}


@pytest.mark.parametrize("overlay", OF_OVERLAY)
def test_dry_run_of_the_setup_prints_every_step_and_runs_none(overlay):
    done = run(
        "k8s/gke.sh",
        "some-project",
        "europe-west1",
        "owner/repository",
        check=False,
        DRY_RUN="1",
        OVERLAY=overlay,
        PATH="/usr/bin:/bin",
    )
    assert done.returncode == 0, done.stderr
    for step in (*STEPS, *OF_OVERLAY[overlay]):
        assert step in done.stderr
    assert "password" not in done.stderr + done.stdout
    assert "GCP_PROJECT=some-project" in done.stdout


def test_setup_makes_every_secret_that_the_manifests_name():
    setup = (ROOT / "k8s" / "gke.sh").read_text()
    assert set(re.findall(r"secret generic ([a-z-]+)", setup)) == semantics.GIVEN


def test_setup_asks_for_its_files_before_it_does_anything():
    done = run(
        "k8s/gke.sh",
        "some-project",
        "europe-west1",
        "owner/repository",
        check=False,
        KEYS_FILE="",
        STORE_URL_FILE="",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: KEYS_FILE")
