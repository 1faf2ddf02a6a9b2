import json
import os
import shutil
import stat

import nbformat
import pytest

from fraud_core.errors import ResultError
from fraud_core.pipeline.params import STUDIES
from fraud_core.pipeline.paths import results_folder
from fraud_core.pipeline.reporting.choices import REGISTER as REGISTER_PAGE
from fraud_core.pipeline.reporting.committed import committed_notebook
from fraud_core.pipeline.reporting.headline import PAGES, README_FIGURE, refresh_readme, summary
from fraud_core.pipeline.reporting.pandoc_renderer import page_from_notebook
from fraud_core.pipeline.reporting.report import (
    BENCHMARKS,
    FIGURE,
    PICTURES,
    PREFIX,
    REGISTER,
    render_report,
    resolve_figures,
)
from fraud_core.pipeline.reporting.results import write_metrics
from tests.conftest import ROOT

SOURCES = ("index.qmd", "service.qmd", "model_card.qmd")


@pytest.fixture
def studied(project):
    """A project whose studies have just the figures that the report asks for."""
    shutil.copytree(
        ROOT / "reports", project / "reports", ignore=shutil.ignore_patterns("_site", "_work")
    )
    (project / "docs").mkdir()
    shutil.copy(ROOT / REGISTER_PAGE, project / REGISTER_PAGE)
    asked = {study: {"probe": 1} for study in (*STUDIES, *BENCHMARKS, REGISTER)}
    for source in SOURCES:
        for study, name, form in FIGURE.findall((ROOT / "reports" / source).read_text()):
            names = [name, f"{name}_lo", f"{name}_hi"] if form.startswith("interval") else [name]
            asked[study] |= dict.fromkeys(names, 0.25)
    (project / "benchmarks" / "results").mkdir(parents=True)
    for picture in PICTURES:
        (project / "benchmarks" / "results" / f"{picture}.svg").write_text(f"<svg id='{picture}'/>")
    del asked[REGISTER]
    for benchmark in BENCHMARKS:
        figures = json.dumps(asked.pop(benchmark))
        (project / "benchmarks" / "results" / f"{benchmark.removeprefix(PREFIX)}.json").write_text(
            figures
        )
    for study, metrics in asked.items():
        folder = results_folder("quick", study)
        write_metrics(str(folder), metrics)
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [
            nbformat.v4.new_markdown_cell(f"# Study {study}\n\nWords."),
            nbformat.v4.new_code_cell("x = 1"),
        ]
        nbformat.write(notebook, project / folder / "executed.ipynb")
    return project


def test_report_has_a_page_for_every_study_and_says_what_rendered_it(studied, monkeypatch):
    monkeypatch.setenv("PATH", "")
    index = studied / render_report("quick")
    pages = [
        index,
        index.with_name("service.html"),
        index.with_name("model_card.html"),
        *sorted((index.parent / "studies").glob("*.html")),
    ]
    assert len(pages) == 3 + len(STUDIES)
    for page in pages:
        text = page.read_text()
        assert "built-in renderer on pandoc" in text
        assert "Quick profile" in text
        assert "src=http" not in text.replace('"', "")
        assert "{" not in text.split("<main")[1].split("</main")[0]
    assert {path.stem for path in (studied / "reports/_site/quick").glob("*.svg")} == set(PICTURES)


def test_links_between_pages_lead_somewhere(studied, monkeypatch):
    import re

    monkeypatch.setenv("PATH", "")
    index = studied / render_report("quick")
    for page in index.parent.rglob("*.html"):
        for link in re.findall(r'href="([^"#:]+)"', page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_missing_figure_fails_and_keeps_the_old_report(studied):
    index = studied / render_report("quick")
    before = index.read_bytes()
    write_metrics("results/quick/select", {"probe": 1})
    with pytest.raises(ResultError, match="no such figure"):
        render_report("quick")
    assert index.read_bytes() == before


SOURCE = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Drift: what changed\n"]},
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]},
            "source": ["x: int = 1"],
            "outputs": [],
        },
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": [
                '#| label: fig-a\n#| fig-cap: A drawing.\nsave_figure(draw(1), results_dir, "a")'
            ],
        },
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": ["#| label: tbl-b\n#| tbl-cap: Rows.\ntable(rows)"],
        },
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": [
                'more = " So it is."\nmaybe = " Perhaps {none}." if front else ""\n'
                'reading("Moved by {probe} (@fig-a, @tbl-b)." + more + maybe, metrics)'
            ],
        },
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture
def unexecuted_drift(studied):
    (studied / "results/quick/drift/executed.ipynb").unlink()
    (studied / "notebooks").mkdir()
    (studied / "notebooks/30_drift.ipynb").write_text(json.dumps(SOURCE))
    (studied / "results/quick/drift/figures").mkdir()
    (studied / "results/quick/drift/figures/a.svg").write_text("<svg id='a'/>")
    return studied


def test_study_that_was_not_executed_is_rendered_from_its_results_and_says_so(
    unexecuted_drift, monkeypatch
):
    monkeypatch.setenv("PATH", "")
    text = (
        (unexecuted_drift / render_report("quick"))
        .with_name("studies")
        .joinpath("30_drift.html")
        .read_text()
    )
    assert "Rendered from the committed results" in text
    assert "results/quick/drift" in text
    assert "So it is." in text
    assert "Moved by 1 (" in text
    assert text.count("Perhaps") == 1  # in the folded code alone
    assert "not among the committed results" in text
    assert (
        unexecuted_drift / "reports/_site/quick/studies/30_drift-fig-a.svg"
    ).read_text() == "<svg id='a'/>"


def test_drawing_or_results_that_are_missing_are_named(unexecuted_drift):
    (unexecuted_drift / "results/quick/drift/figures/a.svg").unlink()
    with pytest.raises(ResultError, match=r"results/quick/drift/figures/a\.svg: no such file"):
        render_report("quick")
    (unexecuted_drift / "results/quick/explain/metrics.json").unlink()
    with pytest.raises(ResultError, match=r"results/quick/explain/metrics\.json: no such file"):
        render_report("quick")


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_renders_from_what_is_committed(study):
    source = json.loads((ROOT / f"notebooks/{STUDIES[study].notebook}.ipynb").read_bytes())
    notebook = committed_notebook(source, ROOT / "results" / study, shown_as=f"results/{study}")
    page = page_from_notebook(notebook, name=study)
    assert page.pictures
    assert "Rendered from the committed results" in page.body


def test_unknown_study_in_a_text_is_refused(studied):
    with pytest.raises(ResultError, match="expected a study among"):
        resolve_figures("{nothing.figure}", "quick")


def test_quarto_is_used_where_it_is_installed(studied, monkeypatch):
    """A stand-in for the quarto command: it sees the project
    with resolved figures and its output becomes the site.
    """
    tools = studied / "tools"
    tools.mkdir()
    script = tools / "quarto"
    script.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo 9.9; exit 0; fi\n'
        "grep -q '{select' index.qmd && exit 1\nmkdir -p _rendered && echo '<body>made</body>' > "
        "_rendered/index.html\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    text = (studied / render_report("quick")).read_text()
    assert "made" in text
    assert "Rendered by Quarto 9.9" in text


def test_reference_that_quarto_cannot_resolve_fails_although_it_exits_0(studied, monkeypatch):
    tools = studied / "tools"
    tools.mkdir()
    script = tools / "quarto"
    script.write_text("#!/bin/sh\necho 'WARNING: Unable to resolve crossref @fig-x' >&2\n")
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ResultError, match="fig-x leads nowhere"):
        render_report("quick")


def test_readme_figures_are_filled_and_checked(project):
    write_metrics("results/drift", {"features.material": 7})
    readme = project / "README.md"
    (project / "docs").mkdir(exist_ok=True)
    for page in PAGES[1:]:
        (project / page).write_text("No figure.")
    readme.write_text("Material: <!-- drift.features.material -->?<!-- / --> features.")
    assert refresh_readme(write=False) is True
    assert "?" in readme.read_text()
    assert refresh_readme(write=True) is True
    assert "Material: <!-- drift.features.material -->7<!-- / --> features." in readme.read_text()
    assert refresh_readme(write=False) is False


def test_readme_pattern_reads_formats():
    assert README_FIGURE.findall("<!-- a.b.c:interval% -->x<!-- / -->")[0][1] == "a.b.c:interval%"


def test_summary_names_a_report_only_where_there_is_one(studied, monkeypatch):
    monkeypatch.setattr(
        "fraud_core.pipeline.reporting.headline.HEADLINES", (("probe", "drift", "probe", ""),)
    )
    assert "report      python -m fraud_core report --profile quick renders it" in summary("quick")
    index = render_report("quick")
    assert f"report      {index}" in summary("quick")
