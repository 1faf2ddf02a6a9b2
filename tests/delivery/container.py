"""The service in a container, as restricted as its manifest demands."""

import json
import os
import re
import shutil
import urllib.request
from pathlib import Path

from tests.delivery import semantics
from tests.delivery.tools import rendered, run
from tests.network import ANSWER_SECONDS, free_port
from tests.waiting import wait_until

PODMAN = ("podman", "--cgroup-manager", "cgroupfs", "--events-backend", "none", "--runtime", "runc")
# What every manifest demands of its containers; the network is the host's, as no other is here.
RESTRICTED = (
    *("--network", "host", "--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
)
PLAIN = {"FRAUD_ACCESS": "open", "FRAUD_WORKERS": "1"}


def limits(overlay="k8s/overlays/gke", pod="fraud-serve"):
    """What a container of a rendered pod may use."""
    return semantics.pods(rendered(overlay))[pod]["spec"]["containers"][0]["resources"]["limits"]


def megabytes_of(image):
    """Size of an image."""
    sizes = {
        each["names"][0]: each
        for each in json.loads(run("buildah", "images", "--json"))
        if each.get("names")
    }
    number, unit = re.fullmatch(r"([0-9.]+) (\w+)", sizes[image]["size"]).groups()
    return float(number) * {"KB": 1e-3, "MB": 1.0, "GB": 1e3}[unit]


def installed(image):
    """Names of the packages in an image, as their
    wheels write them, and the folders of the project.
    """
    container = run("buildah", "from", "--pull-never", image).strip()
    try:
        root = Path(run("buildah", "mount", container).strip())
        packages = {
            path.name.split("-")[0].lower()
            for path in root.glob("opt/venv/lib/*/site-packages/*.dist-info")
        }
        return packages, sorted(os.listdir(root / "opt" / "app"))
    finally:
        run("buildah", "rm", container)


def readable_copy(source, target):
    """A folder or file where the container's user may read it."""
    (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    for path in [*target.rglob("*"), target, *list(target.parents)[:4]]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target


class Container:
    """A container of an image: read-only, without capabilities, within the limits of its pod.

    Parameters
    ----------
    mounts
        Place in the container by folder or file of this machine; read-only.
    state
        Folder of the machine that becomes ``/state``.
    shared
        Folder of the machine that several containers write, as ``/shared``.
    limited
        From `limits`.
    command
        In place of the image's entry point.
    """

    def __init__(
        self, image, mounts, state, *, shared=None, limited=None, command=(), **environment
    ):
        self.port, self.name = free_port(), f"fraud-test-{os.getpid()}-{free_port()}"
        shutil.chown(state, 10001, 10001)
        limited = limited or limits()
        volumes = [
            part
            for source, place in mounts.items()
            for part in ("--volume", f"{source}:{place}:ro")
        ]
        volumes += ["--volume", f"{shared}:/shared"] if shared else []
        settings = PLAIN | {"FRAUD_PORT": str(self.port)} | environment
        variables = [
            part for name, value in settings.items() for part in ("--env", f"{name}={value}")
        ]
        entry = ["--entrypoint", json.dumps(list(command))] if command else []
        run(
            *PODMAN,
            "run",
            "--detach",
            "--name",
            self.name,
            *RESTRICTED,
            "--ulimit",
            "nofile=1024:20000",
            "--ulimit",
            "nproc=1024:1024",
            "--cpus",
            limited["cpu"],
            "--memory",
            str(int(semantics.quantity(limited["memory"]))),
            "--volume",
            f"{state}:/state",
            *volumes,
            *variables,
            *entry,
            image,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        run(*PODMAN, "rm", "--force", "--time", "0", self.name, check=False)

    def wait(self):
        """Return when the service in it is ready; otherwise its log is shown."""
        try:
            wait_until(self.is_ready, "a container")
        except AssertionError as error:
            raise AssertionError(self.log()[-2000:]) from error
        return self

    def is_ready(self):
        try:
            self.get("/health/ready")
        except OSError:
            return False
        return True

    def log(self):
        done = run(*PODMAN, "logs", self.name, check=False)
        return done.stdout + done.stderr

    def get(self, path):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}{path}", timeout=ANSWER_SECONDS
        ) as answer:
            return json.loads(answer.read())

    def post(self, path, body):
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as answer:
            return answer.status, json.loads(answer.read())
