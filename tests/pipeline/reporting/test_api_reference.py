import re

import pytest

from fraud_core.errors import ResultError
from fraud_core.pipeline.reporting.api_reference import (
    REFERENCE,
    STAMP,
    refresh_api_reference,
    write_api_reference,
)
from tests.conftest import ROOT

OFFLINE = re.compile(
    r"<(?:script|img|iframe)[^>]+src=\"(?:https?:)?//|<link[^>]+href=\"(?:https?:)?//"
)


@pytest.mark.slow
def test_every_public_module_has_a_page_that_needs_no_network(project):
    first = project / write_api_reference()
    pages = {path.relative_to(first.parent).as_posix() for path in first.parent.rglob("*.html")}
    modules = {
        path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "fraud_core").rglob("*.py")
    }
    public = {
        path.as_posix()
        for path in modules
        if "pipeline" not in path.parts and not path.stem.startswith("__")
    }
    assert len(public) > 80
    assert public <= pages
    for page in pages:
        assert not OFFLINE.search((first.parent / page).read_text()), page


def test_module_that_cannot_be_imported_is_named_and_the_reference_stays(project, monkeypatch):
    (project / "broken_module.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(project))
    first = project / write_api_reference(modules=("fraud_core.errors",))
    with pytest.raises(ResultError, match=r"API reference: .*broken_module"):
        write_api_reference(modules=("broken_module",))
    assert first.is_file()
    assert not first.parent.with_name(".reference").exists()


def test_reference_is_written_again_when_the_sources_changed_and_else_left(project):
    def page():
        return (project / refresh_api_reference(("fraud_core.errors",))).stat().st_ino

    first = page()
    assert page() == first
    (project / REFERENCE / STAMP).write_text("of other sources")
    assert page() != first
    (project / REFERENCE / "index.html").unlink()
    assert page() != first
