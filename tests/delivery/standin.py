"""A stand-in for the base image, made of Debian packages, where no registry can be reached."""

import re
import subprocess
import sys
from pathlib import Path

from packaging.markers import Marker

from tests.conftest import ROOT
from tests.delivery.tools import run

NAME = "localhost/fraud-standin:1"
PYTHON = "3.11.2"  # of Debian bookworm
PACKAGES = "python3,python3-venv,ca-certificates"


def mirror():
    """Where this machine gets its Debian packages."""
    texts = [
        path.read_text() for path in Path("/etc/apt").glob("sources.list.d/*") if path.is_file()
    ]
    path = Path("/etc/apt/sources.list")
    texts += [path.read_text()] if path.is_file() else []
    return re.search(
        r"^(?:URIs:|deb(?: \[.*\])?) +(\S+/debian/?)(?:\s|$)", "\n".join(texts), re.MULTILINE
    )[1]


def base_image(folder):
    """The stand-in, made once for this machine's container storage."""
    if run("buildah", "images", "--quiet", NAME, check=False).returncode == 0:
        return NAME
    run(
        "debootstrap",
        "--variant=minbase",
        f"--include={PACKAGES}",
        "bookworm",
        folder / "root",
        mirror(),
    )
    container = run("buildah", "from", "scratch").strip()
    run("buildah", "add", "--quiet", container, f"{folder / 'root'}", "/")
    run("buildah", "commit", "--quiet", "--rm", container, NAME)
    return NAME


def for_python(version, lock):
    """A lock without what another version of Python needs, and without conditions."""
    environment = {"python_full_version": version, "python_version": version.rpartition(".")[0]}
    kept = []
    for block in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE):
        condition = re.match(r"\S+ ; (.+?)( \\)?\n", block)
        if condition is None or Marker(condition[1]).evaluate(environment):
            kept.append(re.sub(r" ; .+?(?=( \\)?\n)", "", block, count=1))
    return "".join(kept)


def wheelhouse(folder, lock="requirements-serve.lock"):
    """Everything of a lock of the service, downloaded by this
    machine's pip, and a pip.conf that looks nowhere else.
    """
    wheels, asked = folder / "wheels", folder / lock
    asked.write_text(for_python(PYTHON, (ROOT / lock).read_text()))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--require-hashes",
            "--dest",
            wheels,
            "-r",
            asked,
        ],
        check=True,
        timeout=600,
    )
    conf = folder / "pip.conf"
    conf.write_text(
        "[global]\nno-index = true\nfind-links = /wheels\ndisable-pip-version-check = true\n"
    )
    return wheels, conf
