"""The image holds every module that the service reaches, and none that it does not."""

import re
from pathlib import Path

from fraud_core.pipeline.graph.import_closure import (
    imported_modules,
    module_path,
    reached_modules,
)
from tests.conftest import ROOT


def copied():
    """The modules of the package that the Dockerfile copies."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    sources = [
        word
        for line in re.findall(r"^COPY (fraud_core.*)$", text, re.M)
        for word in line.split()[:-1]
    ]
    paths = [ROOT / source for source in sources]
    assert all(path.exists() for path in paths), sources
    return {
        module for path in paths for module in ([path] if path.is_file() else path.rglob("*.py"))
    }


def reached():
    """The modules of the package that the service imports, with all that these import in turn."""
    imported = {
        name
        for path in (ROOT / "serve").rglob("*.py")
        for name in imported_modules(path.read_bytes())
        if name.startswith("fraud_core")
    }
    paths = (module_path(module) for module in reached_modules(sorted(imported)))
    return {Path(path) for path in paths if path is not None}


def test_the_image_copies_what_the_service_reaches_and_nothing_else():
    package = ROOT / "fraud_core" / "__init__.py"
    assert copied() - {package} == reached() - {package}
