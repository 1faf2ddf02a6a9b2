"""The report: sources with their figures resolved, then
Quarto where it is installed, else the built-in renderer.
"""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

from fraud_core.errors import ResultError
from fraud_core.pipeline.params import STUDIES
from fraud_core.pipeline.paths import checkout, results_folder, within_project
from fraud_core.pipeline.reporting import pandoc_renderer as pandoc
from fraud_core.pipeline.reporting.choices import choice_counts
from fraud_core.pipeline.reporting.committed import committed_notebook
from fraud_core.pipeline.reporting.results import figure, read_metrics

SOURCES = ("index", "service", "model_card")
# Figures of these come from benchmarks/results/NAME.json, which belong to no profile; the prefix
# tells a benchmark from the study of the same name.
PREFIX = "bench_"
# Counted from docs/choices.md.
REGISTER = "choices"
OWN_NAMES = ("serving", "load", "capacity")
PREFIXED = ("explain", "entities", "adaptive", "calibration", "scan_validity", "contiguous_windows")
BENCHMARKS = (*OWN_NAMES, *(f"{PREFIX}{name}" for name in PREFIXED))
PICTURES = ("serving", "capacity")  # drawn by the benchmarks, shown by their names
# {study.figure} and {study.figure:format}; the dot tells it from Quarto's own braces.
FIGURE = re.compile(r"\{([a-z_]+)\.([A-Za-z0-9_.]+)(?::([^{}]*))?\}")
BANNERS = {
    "quick": "Quick profile: the real data, with fewer seeds and resamples than the full studies "
    "(make studies).",
    "full": "",
}


def render_report(profile: str) -> Path:
    """Render the report of a profile.

    Returns
    -------
    pathlib.Path
        The index page, relative to the project.

    Raises
    ------
    ResultError
        When a figure, a study or a reference is missing.
    """
    work, site = (
        within_project(f"reports/_work/{profile}"),
        within_project(f"reports/_site/{profile}"),
    )
    _stage(profile, work)
    partial = site.with_name(f".{site.name}-partial")
    shutil.rmtree(partial, ignore_errors=True)
    if shutil.which("quarto"):
        pages = _render_with_quarto(work, partial)
    else:
        pages = _render_with_pandoc(work, partial, profile)
    (partial / "pages.json").write_text(json.dumps(pages, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(site, ignore_errors=True)
    partial.rename(site)
    return Path(f"reports/_site/{profile}/index.html")


def resolve_figures(text: str, profile: str) -> str:
    """Fill every ``{study.figure}`` of a text from the results of a profile, or of a benchmark.

    Raises
    ------
    ResultError
        When a study has not been run or a figure is missing.
    """
    known: dict[str, dict] = {}

    def fill(match: re.Match) -> str:
        study, name, form = match.groups()
        if study not in known:
            known[study] = _figures_of(study, profile, match[0])
        return figure(known[study], name, form or "")

    return FIGURE.sub(fill, text)


def _figures_of(name: str, profile: str, asked: str) -> dict:
    if name in STUDIES:
        return read_metrics(results_folder(profile, name))
    if name == REGISTER:
        return choice_counts()
    path = within_project(f"benchmarks/results/{name.removeprefix(PREFIX)}.json")
    if name not in BENCHMARKS or not path.is_file():
        raise ResultError(
            f"{asked}: expected a study among {', '.join((*STUDIES, *BENCHMARKS, REGISTER))}"
        )
    return json.loads(path.read_bytes())


def _stage(profile: str, work: Path) -> None:
    """Put the sources with resolved figures and the notebooks,
    executed or from results, into the working folder.
    """
    shutil.rmtree(work, ignore_errors=True)
    (work / "studies").mkdir(parents=True)
    sources = within_project("reports")
    shutil.copy(sources / "_quarto.yml", work)
    shutil.copy(sources / "style.css", work)
    for name in SOURCES:
        text = (sources / f"{name}.qmd").read_text(encoding="utf-8")
        (work / f"{name}.qmd").write_text(resolve_figures(text, profile), encoding="utf-8")
    for name in PICTURES:
        shutil.copy(within_project(f"benchmarks/results/{name}.svg"), work)
    for study, entry in STUDIES.items():
        executed, folder = _executed(profile, study), results_folder(profile, study)
        if executed.is_file():
            notebook = json.loads(executed.read_bytes())
        else:  # the page says that it was rendered from results, not from an execution
            source = json.loads(within_project(f"notebooks/{entry.notebook}.ipynb").read_bytes())
            notebook = committed_notebook(
                source, within_project(folder), shown_as=folder.as_posix()
            )
        for cell in notebook["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                cell["metadata"]["tags"].append("remove-cell")
        (work / "studies" / f"{entry.notebook}.ipynb").write_text(
            json.dumps(notebook), encoding="utf-8"
        )


def _executed(profile: str, study: str) -> Path:
    """The executed notebook here or, in a queued experiment
    that did not run the study, that of the checkout.
    """
    kept = results_folder(profile, study) / "executed.ipynb"
    return within_project(kept) if within_project(kept).is_file() else checkout() / kept


def unexecuted(profile: str) -> list[str]:
    """The stages of a profile whose executed notebook is not
    here: it is archived nowhere, and the report shows it.

    Examples
    --------
    >>> all(stage.endswith("@full") for stage in unexecuted("full"))
    True
    """
    return [
        f"{study}@{profile}"
        for study in STUDIES
        if not (within_project(results_folder(profile, study)) / "executed.ipynb").is_file()
    ]


def _render_with_quarto(work: Path, site: Path) -> list[str]:
    run = subprocess.run(
        ["quarto", "render"], cwd=work, capture_output=True, text=True, check=False
    )
    broken = re.search(r"Unable to resolve crossref @(\S+)", run.stderr)
    if run.returncode or broken:
        reason = (
            f"the reference @{broken[1]} leads nowhere"
            if broken
            else run.stderr.strip().splitlines()[-1:]
        )
        raise ResultError(f"quarto could not render the report: {reason}")
    shutil.copytree(work / "_rendered", site)
    note = f"<p>Rendered by Quarto {_quarto_version()}.</p></body>"
    pages = sorted(site.rglob("*.html"))
    for page in pages:
        page.write_text(page.read_text(encoding="utf-8").replace("</body>", note), encoding="utf-8")
    return [str(page.relative_to(site)) for page in pages]


def _quarto_version() -> str:
    return subprocess.run(
        ["quarto", "--version"], capture_output=True, text=True, check=True
    ).stdout.strip()


def _render_with_pandoc(work: Path, site: Path, profile: str) -> list[str]:
    pages = {
        "index": pandoc.page_from_markdown(
            (work / "index.qmd").read_text(encoding="utf-8"), name="index"
        )
    }
    for path in sorted((work / "studies").glob("*.ipynb")):
        pages[f"studies/{path.stem}"] = pandoc.page_from_notebook(
            json.loads(path.read_bytes()), name=path.stem
        )
    for name in SOURCES[1:]:
        pages[name] = pandoc.page_from_markdown(
            (work / f"{name}.qmd").read_text(encoding="utf-8"), name=name
        )
    (site / "studies").mkdir(parents=True)
    for path in (work / "style.css", *work.glob("*.svg")):
        shutil.copy(path, site)
    for name, page in pages.items():
        root = "../" if "/" in name else ""
        variables = {
            "root": root,
            "profile": profile,
            "banner": BANNERS[profile],
            "navigation": _navigation(pages, name, root),
            "rendered": f"Rendered by the built-in renderer on pandoc {pandoc.pandoc_version()}.",
        }
        text = pandoc.to_html(
            page, template=str(within_project("reports/template.html")), variables=variables
        )
        (site / f"{name}.html").write_text(text, encoding="utf-8")
        for file, picture in page.pictures.items():
            (site / name).parent.joinpath(file).write_text(picture, encoding="utf-8")
    return [f"{name}.html" for name in pages]


def _navigation(pages: dict[str, pandoc.Page], current: str, root: str) -> str:
    links = []
    for name, page in pages.items():
        short = "Overview" if name == "index" else page.title.split(":")[0]
        mark = " aria-current=page" if name == current else ""
        links.append(f'<li><a href="{root}{name}.html"{mark}>{html.escape(short)}</a></li>')
    return f"<ul>{''.join(links)}</ul>"
