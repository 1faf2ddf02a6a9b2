"""A stand-in for the base image, made of Debian packages, where no registry can be reached."""

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.delivery.tools import run

NAME = "localhost/fraud-standin:1"
PACKAGES = "python3,python3-venv,ca-certificates"


def mirror():
    """Where this machine gets its Debian packages."""
    texts = [path.read_text() for path in Path("/etc/apt").glob("sources.list.d/*") if path.is_file()]
    path = Path("/etc/apt/sources.list")
    texts += [path.read_text()] if path.is_file() else []
    return re.search(r"^(?:URIs:|deb(?: \[.*\])?) +(\S+/debian/?)(?:\s|$)", "\n".join(texts), re.MULTILINE)[1]


def base_image(folder):
    """The stand-in, made once for this machine's container storage."""
    if run("buildah", "images", "--quiet", NAME, check=False).returncode == 0:
        return NAME
    run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", folder / "root", mirror())
    container = run("buildah", "from", "scratch").strip()
    run("buildah", "add", "--quiet", container, f"{folder / 'root'}", "/")
    run("buildah", "commit", "--quiet", "--rm", container, NAME)
    return NAME


def wheelhouse(folder, lock="requirements-serve.lock"):
    """Everything of a lock of the service, downloaded by this machine's pip, and a pip.conf that looks nowhere else."""
    wheels, asked = folder / "wheels", folder / lock
    # Debian's Python is an early 3.11, for which some packages are asked that this machine's does not need.
    asked.write_text(re.sub(r" ; python_full_version < '3\.11\.[0-9]+'", "", (ROOT / lock).read_text()))
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--dest", wheels,
         "-r", asked], check=True, timeout=600,
    )  # fmt: skip
    conf = folder / "pip.conf"
    conf.write_text("[global]\nno-index = true\nfind-links = /wheels\ndisable-pip-version-check = true\n")
    return wheels, conf
