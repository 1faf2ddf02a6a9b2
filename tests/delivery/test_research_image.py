"""The image of the studies, built and asked for a target,
where RESEARCH_IMAGE=1 allows its minutes and gigabytes.

RESEARCH_IMAGE=NAME takes an image that was built before.
"""

import os

import pytest

from tests.delivery import semantics
from tests.delivery.container import PODMAN, RESTRICTED, limits, megabytes_of
from tests.delivery.standin import NAME, base_image, wheelhouse
from tests.delivery.test_remote import storage
from tests.delivery.tools import need, rendered, run

__all__ = ["storage"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("containers"),
    pytest.mark.skipif(
        not os.environ.get("RESEARCH_IMAGE"),
        reason="RESEARCH_IMAGE=1 builds it: ten minutes, seven gigabytes of disk",
    ),
]
MEGABYTES_OVER_BASE = 2_500


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    need("buildah", "podman", "runc", "debootstrap")
    if os.getuid():
        pytest.skip("building without a daemon here needs root")
    if os.environ["RESEARCH_IMAGE"] != "1":
        yield os.environ["RESEARCH_IMAGE"]
        return
    folder = tmp_path_factory.mktemp("image")
    wheels, conf = wheelhouse(folder, "requirements-research.lock")
    name = f"localhost/fraud-research:test-{os.getpid()}"
    run(
        "k8s/image.sh",
        IMAGE=name,
        BASE=base_image(folder),
        RESEARCH="1",
        PIP_CONF=str(conf),
        BUILDER="buildah",
        BUILD_FLAGS="--isolation chroot --layers=false --network host --volume "
        f"{wheels}:/wheels:ro",
    )
    yield name
    run("buildah", "rmi", name, check=False)


def inside(image, work, *arguments, entry=None, **environment):
    """What a command prints in the image, restricted as the Job demands."""
    variables = [
        part for name, value in environment.items() for part in ("--env", f"{name}={value}")
    ]
    limited = limits("k8s/overlays/gke-jobs", "fraud-studies")
    entry = ["--entrypoint", entry] if entry else []
    return run(
        *PODMAN,
        "run",
        "--rm",
        *RESTRICTED,
        "--ulimit",
        "nofile=1024:20000",
        "--ulimit",
        "nproc=4096:4096",
        "--memory",
        str(int(semantics.quantity(limited["memory"]))),
        "--volume",
        f"{work}:/work",
        *variables,
        *entry,
        image,
        *arguments,
    )


@pytest.fixture
def work(tmp_path_factory):
    """The folder that a run may write."""
    folder = tmp_path_factory.mktemp("work")
    for parent in [folder, *folder.parents][:3]:
        parent.chmod(0o755)
    os.chown(folder, 10001, 10001)
    return folder


def test_image_is_bounded_and_runs_what_the_manifest_asks_of_it(image):
    over = megabytes_of(image) - megabytes_of(NAME)
    print(f"image of the studies: {over:.0f} MB over its base")
    assert over <= MEGABYTES_OVER_BASE
    (container,) = semantics.containers(
        semantics.pods(rendered("k8s/overlays/gke-jobs"))["fraud-studies"]
    )
    assert container["volumeMounts"][0]["mountPath"] == "/work"


def test_run_in_the_image_sends_to_the_bucket_and_builds_no_environment(image, work, storage):
    cloud = {"STORAGE_EMULATOR_HOST": storage, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
    printed = inside(image, work, "help", FRAUD_BUCKET="gs://fraud-data", FRAUD_RUN="r1", **cloud)
    assert "sent: " in printed
    planned = inside(image, work, "-n", "run", entry="make")
    assert "dvc repro" in planned
    assert "pip install" not in planned
    inside(
        image,
        work,
        "-c",
        "import catboost, feast, gcsfs, papermill, polars, sklearn",
        entry="python",
    )
    assert "pip install" not in inside(image, work, "-n", "features", entry="make")
