"""The image of entities beside Redis as it is configured
in the cluster: decided, taken over, decided again.
"""

import hashlib
import json
import os
import subprocess
import time

import pytest

from tests.conftest import ROOT
from tests.delivery.container import (
    PODMAN,
    Container,
    installed,
    limits,
    megabytes_of,
    readable_copy,
)
from tests.delivery.standin import NAME, base_image, wheelhouse
from tests.delivery.tools import need, run
from tests.feature_store import make_project, needs_feast
from tests.network import free_port
from tests.waiting import wait_until, wait_until_ended

pytestmark = [pytest.mark.slow, needs_feast, pytest.mark.xdist_group("containers")]
OVERLAY = "k8s/overlays/gke-entities"
MEGABYTES_OVER_BASE = 500
PASSWORD = "a-password-of-a-test"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    need("buildah", "podman", "runc", "debootstrap")
    if os.getuid():
        pytest.skip("building without a daemon here needs root")
    folder = tmp_path_factory.mktemp("image")
    wheels, conf = wheelhouse(folder, "requirements-serve-features.lock")
    name = f"localhost/fraud-entities:test-{os.getpid()}"
    run(
        "k8s/image.sh",
        IMAGE=name,
        BASE=base_image(folder),
        BUNDLE="mounted",
        FEATURES="1",
        PIP_CONF=str(conf),
        BUILDER="buildah",
        BUILD_FLAGS=f"--isolation chroot --layers=false --volume {wheels}:/wheels:ro",
    )
    yield name
    run("buildah", "rmi", name, check=False)


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """Redis with the cluster's configuration and
    users; returns the address that the secret holds.
    """
    need("redis-server")
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    (folder / "data").mkdir()
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    (folder / "users.acl").write_text(
        f"user default on nopass -@all +ping\nuser fraud on #{digest} ~* &* +@all -@admin "
        "-@dangerous\n"
    )
    text = (ROOT / "k8s/components/redis/redis.conf").read_text()
    for old, new in (
        ("6379", f"{port}\nbind 127.0.0.1"),
        ("/data", f"{folder}/data"),
        ("/secrets/redis", f"{folder}"),
    ):
        text = text.replace(old, new)
    (folder / "redis.conf").write_text(text)
    server = subprocess.Popen(["redis-server", folder / "redis.conf"], stdout=subprocess.DEVNULL)
    # the probe of the manifest
    wait_until(
        lambda: run("redis-cli", "-p", port, "-e", "ping", check=False).returncode == 0,
        "an answer of Redis",
        server,
    )
    yield f"127.0.0.1:{port},username=fraud,password={PASSWORD}"
    server.terminate()
    wait_until_ended(server)


@pytest.fixture(scope="module")
def mounts(tmp_path_factory, redis):
    """Model, configuration and registry where the image has them baked in; Redis is filled."""
    from feature_repo.load import backfill, open_store

    folder = tmp_path_factory.mktemp("entities")
    bundle = make_project(folder)
    (folder / "feature_repo").mkdir()
    (folder / "data" / "store").mkdir()
    config = folder / "feature_repo" / "redis.yaml"
    text = (ROOT / "feature_repo" / "redis.yaml").read_text()
    registry = folder / "data" / "store" / "registry-redis.db"
    config.write_text(text.replace("../data/store/registry-redis.db", str(registry)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FRAUD_REDIS", redis)
        assert backfill(open_store(config), folder / "data" / "features") > 200
    config.write_text(text)
    return {
        readable_copy(bundle, folder / "model"): "/models/entities",
        readable_copy(folder / "feature_repo", folder / "config"): "/opt/app/feature_repo",
        readable_copy(folder / "data" / "store", folder / "registry"): "/opt/app/data/store",
    }


def settings(redis):
    return {
        "FRAUD_REDIS": redis,
        "FRAUD_MODEL_DIR": "/models/entities",
        "FRAUD_FEATURE_STORE": "/opt/app/feature_repo/redis.yaml",
    }


def payment(number, at):
    return {
        "transaction_id": f"t-{number}",
        "occurred_at": at,
        "entities": {"customer_id": "7", "terminal_id": "12", "amount_eur": 80},
    }


def test_users_of_the_test_are_those_of_the_setup():
    setup = (ROOT / "k8s" / "gke.sh").read_text()
    assert (
        "user default on nopass -@all +ping\\nuser fraud on #%s ~* &* +@all -@admin -@dangerous\\n"
        in setup
    )
    assert "fraud-redis:6379,username=fraud,password=%s" in setup


def test_stranger_may_ping_redis_and_nothing_else(redis):
    port = redis.split(":")[1].split(",")[0]
    assert run("redis-cli", "-p", port, "ping").strip() == "PONG"
    assert "NOPERM" in run("redis-cli", "-p", port, "get", "x", check=False).stdout
    assert (
        "NOPERM"
        in run(
            "redis-cli", "-p", port, "--user", "fraud", "--pass", PASSWORD, "flushall", check=False
        ).stdout
    )


def test_image_is_bounded_and_holds_no_training_library(image):
    over = megabytes_of(image) - megabytes_of(NAME)
    print(f"image of entities: {over:.0f} MB over its base")
    assert over <= MEGABYTES_OVER_BASE
    packages, _ = installed(image)
    assert {"feast", "redis", "pandas"} <= packages
    assert not packages & {
        "polars",
        "catboost",
        "scikit_learn",
        "mlflow",
        "jupyterlab",
        "matplotlib",
        "mypy",
        "pip",
    }


def test_decision_is_taken_over_into_the_past_of_the_next(image, mounts, redis, tmp_path_factory):
    state, ingested = (tmp_path_factory.mktemp(name) for name in ("state", "ingested"))
    for folder in (state, ingested):
        for parent in [folder, *folder.parents][:3]:
            parent.chmod(0o755)
    store = {"FRAUD_STORE_URL": "sqlite:////shared/decisions.db"}
    shared = tmp_path_factory.mktemp("shared")
    os.chown(shared, 10001, 10001)
    ingesting = {
        "limited": limits(OVERLAY, "fraud-follow"),
        "command": ("python", "-m", "serve.features.ingest"),
    }
    with (
        Container(
            image, mounts, state, shared=shared, limited=limits(OVERLAY), **settings(redis), **store
        ) as serving,
        Container(
            image, mounts, ingested, shared=shared, **ingesting, **settings(redis), **store
        ) as worker,
    ):
        serving.wait()
        status, first = serving.post("/v1/decisions", payment(1, "2025-05-06T12:00:00Z"))
        assert (status, first["guarantees"]["features"]) == (200, "from the store"), serving.log()
        answer = {}
        for number in range(2, 60):
            time.sleep(0.5)
            _, answer = serving.post("/v1/decisions", payment(number, "2025-05-06T12:01:00Z"))
            if answer["guarantees"]["freshness"]["customer_seconds"] == 60:
                break
        assert answer["guarantees"]["freshness"]["customer_seconds"] in (0, 60), worker.log()
        used = json.loads(
            run(*PODMAN, "stats", "--no-stream", "--format", "json", serving.name, worker.name)
        )
        print([(container["name"], container["mem_usage"]) for container in used])
        run(*PODMAN, "stop", "--time", "20", worker.name)
        assert (
            run(*PODMAN, "inspect", "--format", "{{.State.ExitCode}}", worker.name).strip() == "0"
        )
        assert (ingested / "follow.json").is_file()
