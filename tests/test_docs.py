"""The documentation keeps up with the code."""

import re

import pytest
import yaml

from fraud_core.pipeline.params import STUDIES
from fraud_core.pipeline.paths import project_root
from fraud_core.pipeline.results import read_metrics
from fraud_core.pipeline.summary import README_FIGURE, refresh_readme
from serve.settings import read_settings
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = README + "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md")))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]


def make_targets():
    return re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("target", make_targets())
def test_every_make_target_is_documented(target):
    assert f"make {target}" in DOCS


def parameters(values, prefix=""):
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict) and prefix.count(".") < 1:
            yield from parameters(value, f"{prefix}{key}.")


def test_every_parameter_is_documented():
    text = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    names = {n.split(".")[-1] for n in parameters(yaml.safe_load((ROOT / "params.yaml").read_text()))}
    missing = sorted(n for n in names if f"`{n}`" not in text)
    assert missing == []


@pytest.mark.parametrize("endpoint", ["/predict", "/health/live", "/health/ready", "/docs"])
def test_every_endpoint_is_documented(endpoint):
    assert endpoint in DOCS


def test_every_setting_of_the_service_is_documented():
    import inspect

    for variable in set(re.findall(r"FRAUD_\w+|OTEL_\w+", inspect.getsource(read_settings))):
        assert variable in DOCS, variable


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_is_in_the_readme(study):
    assert STUDIES[study].notebook in README


def test_readme_is_short_and_starts_with_what_it_is():
    lines = README.splitlines()
    assert len(lines) <= 150
    assert lines[0].startswith("# ")


def test_map_of_the_readme_names_every_visible_entry():
    import subprocess

    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip("not a git checkout")
    visible = {path.split("/")[0] for path in run.stdout.split() if not path.startswith(".")}
    for entry in visible - {"README.md"}:
        assert f"`{entry}" in README, f"{entry} is not in the map of README.md"


def test_figures_of_the_readme_are_those_of_the_results():
    assert project_root() == ROOT
    assert len(README_FIGURE.findall(README)) >= 6
    assert refresh_readme(write=False) is False


def test_average_precision_of_the_candidate_is_one_of_its_seeds_and_not_a_leak():
    selected, fits = read_metrics("results/select"), read_metrics("results/baseline")
    value = selected["candidate.average_precision"]
    assert fits["catboost.seeds.minimum"] <= value <= fits["catboost.seeds.maximum"] <= 0.95
    assert value == pytest.approx(fits["catboost.average_precision"], abs=1e-4)


def test_baseline_metrics_have_the_names_that_others_rely_on():
    metrics = read_metrics("results/baseline")
    for estimator in ("logistic_regression", "hist_gradient_boosting", "catboost"):
        for metric in ("average_precision", "recall_at_precision_90", "expected_cost_eur"):
            for suffix in ("", "_lo", "_hi"):
                assert f"{estimator}.{metric}{suffix}" in metrics


@pytest.mark.parametrize("study", STUDIES)
def test_full_results_in_git_have_small_figures(study):
    figures = list((ROOT / "results" / study / "figures").glob("*.svg"))
    assert figures
    assert all(figure.stat().st_size <= 300_000 for figure in figures)


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


# Files of the service by their path, modules in code and modules that a command or a container runs.
SERVICE_NAMES = re.compile(r"(?<![\w./-])(serve(?:/\w+)+\.(?:py|c))|`(serve(?:\.\w+)+)`|-m[\s,\"]+(serve(?:\.\w+)*)")
MANIFESTS = sorted(path for path in (ROOT / "k8s").rglob("*") if path.suffix in {".yaml", ".sh"})
NAMING = [*TEXTS, ROOT / "Makefile", ROOT / "Dockerfile", *MANIFESTS]


@pytest.mark.parametrize("path", NAMING, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_files_and_modules_of_the_service_that_are_named_exist(path):
    for file, quoted, run in SERVICE_NAMES.findall(path.read_text(encoding="utf-8", errors="replace")):
        assert not file or (ROOT / file).is_file(), file
        module = ROOT / (quoted or run or "serve").replace(".", "/")
        assert module.is_dir() or module.with_suffix(".py").is_file(), quoted or run


def test_the_rule_of_named_files_sees_every_form():
    text = 'serve/a.py `serve.b` python -m serve.c CMD ["python", "-m", "serve.d"] [python, -m, serve.e] k8s/serve.yaml'
    assert ["".join(names) for names in SERVICE_NAMES.findall(text)] == ["serve/a.py", *(f"serve.{x}" for x in "bcde")]


# A line that begins with a comment begins an HTML block in CommonMark, and the paragraph breaks there.
COMMENT_FIRST = re.compile(r"^[ \t]*(?:(?:[-*+>]|\d+[.)])[ \t]+)*<!--", re.MULTILINE)


def markdown_pages():
    import subprocess

    run = subprocess.run(["git", "ls-files", "*.md", "*.qmd"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / line for line in run.stdout.split()] or TEXTS


@pytest.mark.parametrize("path", markdown_pages(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_line_of_a_page_begins_with_a_comment(path):
    fenced = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    comment = COMMENT_FIRST.search(fenced)
    assert not comment, f"line {fenced[: comment.start()].count(chr(10)) + 1}: put a word before the comment"


@pytest.mark.parametrize(
    "line", ["<!-- a.b -->1<!-- / --> rows", "  <!-- x -->", "- <!-- x -->", "1. <!-- x -->", "> <!-- x -->"]
)
def test_the_rule_against_comments_at_the_start_sees_every_form(line):
    assert COMMENT_FIRST.search(f"A paragraph\n{line}")
    assert not COMMENT_FIRST.search(f"A paragraph\nof words {line}")


def test_glossary_defines_each_term_once():
    terms = re.findall(r"^\| \*\*(.+?)\*\*", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(terms) == len(set(terms)) >= 20
