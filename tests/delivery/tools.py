"""Where the tools of delivery are, and a test that needs one that is missing says so."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT

TOOLS = ROOT / ".venv-delivery" / "bin"
PATH = os.pathsep.join(
    [str(TOOLS), *([os.path.dirname(sys.executable)]), os.environ.get("PATH", "")]
)
# Tools that come as Debian packages, by the name of the package.
PACKAGES = (
    "buildah",
    "debootstrap",
    "docker-registry",
    "podman",
    "prometheus",
    "redis-server",
    "runc",
    "shellcheck",
)
DEBIAN = {"promtool": "prometheus"} | {name: name for name in PACKAGES}


def need(*names):
    """Skip the test, naming what is missing and how it is installed."""
    for name in names:
        if shutil.which(name, path=PATH) is None:
            how = f"Debian: apt-get install {DEBIAN[name]}" if name in DEBIAN else "`make tools`"
            pytest.skip(f"no {name} on this machine ({how})")


def run(*command, check=True, cwd=ROOT, **environment):
    """What a command prints; with ``check`` a failure shows its last words."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | {"PATH": PATH} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if check:
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout
    return done


def rendered(folder):
    """The objects of a kustomization."""
    need("kubectl")
    return list(yaml.safe_load_all(run("kubectl", "kustomize", folder)))
