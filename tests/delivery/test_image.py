"""The unchanged Dockerfile on a stand-in base: built,
run as the manifest says, stopped under load, pushed.
"""

import http.client
import json
import os
import subprocess
import threading
import time

import pytest
import yaml

from tests.delivery.container import PODMAN, Container, installed, megabytes_of, readable_copy
from tests.delivery.standin import NAME, base_image, wheelhouse
from tests.delivery.tools import need, run
from tests.network import free_port, wait_until_answers
from tests.waiting import wait_until_ended

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("containers")]
MEGABYTES_OVER_BASE = 200


@pytest.fixture(scope="module")
def image(tmp_path_factory, champion):
    """The image with a small champion mounted later, built by the project's own script."""
    need("buildah", "podman", "runc", "debootstrap")
    if os.getuid():
        pytest.skip("building without a daemon here needs root")
    folder = tmp_path_factory.mktemp("image")
    wheels, conf = wheelhouse(folder)
    name = f"localhost/fraud-serve:test-{os.getpid()}"
    run(
        "k8s/image.sh",
        IMAGE=name,
        BASE=base_image(folder),
        BUNDLE="mounted",
        PIP_CONF=str(conf),
        BUILDER="buildah",
        BUILD_FLAGS=f"--isolation chroot --layers=false --volume {wheels}:/wheels:ro",
    )
    yield name
    run("buildah", "rmi", name, check=False)


@pytest.fixture
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def readable(champion, tmp_path_factory):
    """The champion where the container's user may read it."""
    return readable_copy(champion, tmp_path_factory.mktemp("readable") / "champion")


def test_image_is_small_and_runs_as_a_numbered_user(image):
    inspected = json.loads(run("buildah", "inspect", "--type", "image", image))["Docker"]["config"]
    assert inspected["User"] == "10001:10001"
    assert inspected["Entrypoint"] == ["python", "-m", "serve"]
    assert "serve.healthcheck" in " ".join(inspected["Healthcheck"]["Test"])
    assert megabytes_of(image) - megabytes_of(NAME) <= MEGABYTES_OVER_BASE


def test_image_holds_nothing_but_the_service(image):
    packages, folders = installed(image)
    assert folders == ["fraud_core", "serve"]
    assert "numpy" in packages
    training = {
        "polars",
        "catboost",
        "pandas",
        "scikit_learn",
        "mlflow",
        "jupyterlab",
        "matplotlib",
        "pip",
    }
    assert not packages & training


def test_restricted_container_answers(image, readable, state, decision):
    with Container(image, {readable: "/models/champion"}, state) as running:
        running.wait()
        status, answer = running.post("/predict", decision["features"])
        assert (status, set(answer)) == (
            200,
            {"fraud_probability", "prediction", "threshold", "model_version"},
        )
        assert running.post("/v1/decisions", decision)[0] == 200
        alive = run(*PODMAN, "exec", running.name, "python", "-m", "serve.healthcheck", check=False)
        assert alive.returncode == 0, alive.stderr
        assert (
            run(*PODMAN, "exec", running.name, "touch", "/opt/app/x", check=False).returncode != 0
        )


def test_stop_under_load_loses_no_request(image, readable, state, transactions):
    """What was sent before the stop is answered; later
    connections are refused, and a balancer sends them elsewhere.
    """
    with Container(image, {readable: "/models/champion"}, state) as running:
        running.wait()
        failed, answered = [], []
        stopped = threading.Event()

        def ask(number):
            while not stopped.is_set():
                began = time.monotonic()
                try:
                    answered.append(running.post("/predict", transactions[number])[0])
                except (OSError, http.client.HTTPException):
                    failed.append(began)
                    return

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        before_stop = time.monotonic()
        run(*PODMAN, "stop", "--time", "20", running.name)
        stopped.set()
        for thread in threads:
            thread.join()
        assert len(answered) > 50
        assert set(answered) == {200}
        assert [began for began in failed if began < before_stop] == []
        assert (
            run(*PODMAN, "inspect", "--format", "{{.State.ExitCode}}", running.name).strip() == "0"
        )


def test_pushed_image_is_pulled_by_its_digest(image, tmp_path):
    need("docker-registry")
    port = free_port()
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path)}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    (tmp_path / "registry.yml").write_text(yaml.safe_dump(settings))
    registry = subprocess.Popen(
        ["docker-registry", "serve", tmp_path / "registry.yml"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/v2/", registry)
        target = f"127.0.0.1:{port}/fraud/serve"
        run(
            "buildah",
            "push",
            "--tls-verify=false",
            "--digestfile",
            tmp_path / "digest",
            image,
            f"{target}:test",
        )
        digest = (tmp_path / "digest").read_text()
        run("buildah", "pull", "--tls-verify=false", f"{target}@{digest}")
        run("buildah", "rmi", f"{target}@{digest}")
    finally:
        registry.terminate()
        wait_until_ended(registry)
