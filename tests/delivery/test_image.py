"""The unchanged Dockerfile on a stand-in base: built, run as the manifest says, stopped under load, pushed."""

import http.client
import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.request

import pytest
import yaml

from tests.conftest import ROOT
from tests.delivery import semantics
from tests.delivery.standin import NAME, base_image, wheelhouse
from tests.delivery.tools import need, run
from tests.network import free_port, wait_until_answers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("containers")]
PODMAN = ("podman", "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", "runc")
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
        "k8s/image.sh", IMAGE=name, BASE=base_image(folder), BUNDLE="mounted", PIP_CONF=str(conf), BUILDER="buildah",
        BUILD_FLAGS=f"--isolation chroot --layers=false --volume {wheels}:/wheels:ro",
    )  # fmt: skip
    yield name
    run("buildah", "rmi", name, check=False)


def limits():
    (deployment,) = yaml.safe_load_all((ROOT / "k8s/base/deployment.yaml").read_text())
    return deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]


class Container:
    """The service in a container, as restricted as the manifest demands."""

    def __init__(self, image, champion, state):
        self.port, self.name = free_port(), f"fraud-test-{os.getpid()}-{free_port()}"
        shutil.chown(state, 10001, 10001)
        memory = int(semantics.quantity(limits()["memory"]))
        run(
            *PODMAN, "run", "--detach", "--name", self.name, "--network", "host",
            "--read-only", "--read-only-tmpfs=false",
            "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--ulimit", "nofile=1024:20000", "--ulimit", "nproc=1024:1024", "--cpus", limits()["cpu"],
            "--memory", str(memory), "--volume", f"{champion}:/models/champion:ro", "--volume", f"{state}:/state",
            "--env", f"FRAUD_PORT={self.port}", "--env", "FRAUD_ACCESS=open", "--env", "FRAUD_WORKERS=1", image,
        )  # fmt: skip

    def __enter__(self):
        for _ in range(100):
            try:
                self.get("/health/ready")
                return self
            except OSError:
                time.sleep(0.2)
        raise AssertionError(run(*PODMAN, "logs", self.name, check=False).stderr[-2000:])

    def __exit__(self, *_):
        run(*PODMAN, "rm", "--force", "--time", "0", self.name, check=False)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return json.loads(answer.read())

    def post(self, path, body):
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, json.loads(answer.read())


@pytest.fixture
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def readable(champion, tmp_path_factory):
    """The champion where the container's user may read it."""
    folder = tmp_path_factory.mktemp("readable")
    shutil.copytree(champion, folder / "champion")
    for path in [*folder.rglob("*"), folder, *list(folder.parents)[:3]]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder / "champion"


def test_image_is_small_and_runs_as_a_numbered_user(image):
    inspected = json.loads(run("buildah", "inspect", "--type", "image", image))["Docker"]["config"]
    assert inspected["User"] == "10001:10001"
    assert inspected["Entrypoint"] == ["python", "-m", "serve"]
    assert "serve.alive" in " ".join(inspected["Healthcheck"]["Test"])
    sizes = {each["names"][0]: each for each in json.loads(run("buildah", "images", "--json")) if each.get("names")}
    over = [megabytes(sizes[name]["size"]) for name in (image, NAME)]
    assert over[0] - over[1] <= MEGABYTES_OVER_BASE


def megabytes(text):
    number, unit = re.fullmatch(r"([0-9.]+) (\w+)", text).groups()
    return float(number) * {"KB": 1e-3, "MB": 1.0, "GB": 1e3}[unit]


def test_image_holds_nothing_but_the_service(image):
    container = run("buildah", "from", "--pull-never", image).strip()
    try:
        root = run("buildah", "mount", container).strip()
        assert sorted(os.listdir(f"{root}/opt/app")) == ["fraud_core", "serve"]
        installed = {
            path.name.split("-")[0].lower()
            for path in ROOT.__class__(root).glob("opt/venv/lib/*/site-packages/*.dist-info")
        }
        assert "numpy" in installed
        assert not installed & {
            "polars",
            "catboost",
            "pandas",
            "scikit_learn",
            "mlflow",
            "jupyterlab",
            "matplotlib",
            "pip",
        }
    finally:
        run("buildah", "rm", container)


def test_restricted_container_answers(image, readable, state, decision):
    with Container(image, readable, state) as running:
        status, answer = running.post("/predict", decision["features"])
        assert (status, set(answer)) == (200, {"fraud_probability", "prediction", "threshold", "model_version"})
        assert running.post("/v1/decisions", decision)[0] == 200
        alive = run(*PODMAN, "exec", running.name, "python", "-m", "serve.alive", check=False)
        assert alive.returncode == 0, alive.stderr
        assert run(*PODMAN, "exec", running.name, "touch", "/opt/app/x", check=False).returncode != 0


def test_stop_under_load_loses_no_request(image, readable, state, transactions):
    """What was sent before the stop is answered; later connections are refused, and a balancer sends them elsewhere."""
    with Container(image, readable, state) as running:
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
        assert run(*PODMAN, "inspect", "--format", "{{.State.ExitCode}}", running.name).strip() == "0"


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
        ["docker-registry", "serve", tmp_path / "registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/v2/", seconds=20, process=registry)
        target = f"127.0.0.1:{port}/fraud/serve"
        run("buildah", "push", "--tls-verify=false", "--digestfile", tmp_path / "digest", image, f"{target}:test")
        digest = (tmp_path / "digest").read_text()
        run("buildah", "pull", "--tls-verify=false", f"{target}@{digest}")
        run("buildah", "rmi", f"{target}@{digest}")
    finally:
        registry.terminate()
        registry.wait(timeout=10)
