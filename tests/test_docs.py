"""The documentation keeps up with the code."""

import re
import shlex
import tomllib
from datetime import date

import pytest
import yaml

from fraud_core.pipeline.commands.arguments import build_parser
from fraud_core.pipeline.params import STUDIES
from fraud_core.pipeline.paths import project_root
from fraud_core.pipeline.reporting.headline import README_FIGURE, refresh_readme
from fraud_core.pipeline.reporting.results import read_metrics
from serve.settings import read_settings
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = README + "".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))
)
TEXTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *(ROOT / "docs").rglob("*.md"),
]


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
    names = {
        n.split(".")[-1] for n in parameters(yaml.safe_load((ROOT / "params.yaml").read_text()))
    }
    missing = sorted(n for n in names if f"`{n}`" not in text)
    assert missing == []


PAGES_OF_USERS = sorted((ROOT / "docs").glob("for-*.md"))
PAGES_WITH_COMMANDS = [*PAGES_OF_USERS, ROOT / "docs" / "estimators.md"]


def commands(text):
    """The lines of the blocks without a language, without comments, a pipe as a line of its own."""
    for block in re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            yield from re.split(r" \| | && ", re.sub(r"\s+# .*", "", line))


@pytest.mark.parametrize("path", PAGES_OF_USERS, ids=lambda p: p.stem)
def test_page_of_a_user_is_in_the_readme_and_short(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert f"docs/{path.name}" in README
    assert 40 <= len(lines) <= 90
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("path", PAGES_WITH_COMMANDS, ids=lambda p: p.stem)
def test_commands_on_pages_of_users_exist(path):
    text = path.read_text(encoding="utf-8")
    quoted = re.findall(r"`((?:make|python -m fraud_core) [^`]+)`", " ".join(text.split()))
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for command in [*commands(text), *quoted]:
        words = shlex.split(command)
        if words[:1] == ["make"]:
            assert {w for w in words[1:] if "=" not in w} <= set(make_targets()), command
        elif words[:3] == ["python", "-m", "fraud_core"]:
            build_parser().parse_args([word.split(">")[0] for word in words[3:]])
        elif words[:2] == ["dvc", "repro"]:
            assert words[-1].split("@")[0] in stages, command


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_links_to_sections_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", path.read_text(encoding="utf-8"))
    for file, section in links:
        target = (path.parent / file) if file else path
        titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        places = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert section in places, f"{file}#{section}"


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


# Files of the service by their path, modules in code and modules that a command or a container
# runs.
SERVICE_NAMES = re.compile(
    r"(?<![\w./-])(serve(?:/\w+)+\.(?:py|c))|`(serve(?:\.\w+)+)`|-m[\s,\"]+(serve(?:\.\w+)*)"
)
MANIFESTS = sorted(path for path in (ROOT / "k8s").rglob("*") if path.suffix in {".yaml", ".sh"})
NAMING = [*TEXTS, ROOT / "Makefile", ROOT / "Dockerfile", *MANIFESTS]


@pytest.mark.parametrize("path", NAMING, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_files_and_modules_of_the_service_that_are_named_exist(path):
    for file, quoted, run in SERVICE_NAMES.findall(
        path.read_text(encoding="utf-8", errors="replace")
    ):
        assert not file or (ROOT / file).is_file(), file
        module = ROOT / (quoted or run or "serve").replace(".", "/")
        assert module.is_dir() or module.with_suffix(".py").is_file(), quoted or run


def test_the_rule_of_named_files_sees_every_form():
    text = (
        'serve/a.py `serve.b` python -m serve.c CMD ["python", "-m", "serve.d"] [python, -m, '
        "serve.e] k8s/serve.yaml"
    )
    assert ["".join(names) for names in SERVICE_NAMES.findall(text)] == [
        "serve/a.py",
        *(f"serve.{x}" for x in "bcde"),
    ]


# A line that begins with a comment begins an HTML block in CommonMark, and the paragraph breaks
# there.
COMMENT_FIRST = re.compile(r"^[ \t]*(?:(?:[-*+>]|\d+[.)])[ \t]+)*<!--", re.MULTILINE)


def markdown_pages():
    import subprocess

    run = subprocess.run(
        ["git", "ls-files", "*.md", "*.qmd"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return [ROOT / line for line in run.stdout.split()] or TEXTS


@pytest.mark.parametrize("path", markdown_pages(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_line_of_a_page_begins_with_a_comment(path):
    fenced = re.sub(
        r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    comment = COMMENT_FIRST.search(fenced)
    assert not comment, (
        f"line {fenced[: comment.start()].count(chr(10)) + 1}: put a word before the comment"
    )


@pytest.mark.parametrize(
    "line",
    [
        "<!-- a.b -->1<!-- / --> rows",
        "  <!-- x -->",
        "- <!-- x -->",
        "1. <!-- x -->",
        "> <!-- x -->",
    ],
)
def test_the_rule_against_comments_at_the_start_sees_every_form(line):
    assert COMMENT_FIRST.search(f"A paragraph\n{line}")
    assert not COMMENT_FIRST.search(f"A paragraph\nof words {line}")


def test_glossary_defines_each_term_once():
    terms = re.findall(
        r"^\| \*\*(.+?)\*\*",
        (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(terms) == len(set(terms)) >= 20


# A decision record: "accepted, DATE", or "superseded by [n](file), DATE" before it; later and
# earlier records by link.
RECORDS = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")
}
INDEX = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
LATER = re.compile(r"(superseded|amended) by \[(\d+)\]\(([^)]+)\), (\d{4}-\d\d-\d\d)")
EARLIER = re.compile(r"(supersedes|amends) \[(\d+)\]\(([^)]+)\)")
BACK = {"superseded": "supersedes", "amended": "amends"}


def is_date(text):
    try:
        return date.fromisoformat(text) is not None
    except ValueError:
        return False


def status_of(text):
    """The paragraph below the title, on one line; empty where it is no status."""
    found = re.match(r"# [^\n]+\n\n\*\*Status\.\*\* (.+?)\n\n", text, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def accepted_on(status):
    found = re.search(r"(?:^|; )accepted, (\d{4}-\d\d-\d\d)", status)
    return found[1] if found else ""


def faults_of_records(records):
    """What is wrong with decision records, texts by file
    name: number, status, dates, links that answer each other.
    """
    faults = []
    for name, text in records.items():
        status = status_of(text)
        if not text.startswith(f"# {int(name[:4])}. "):
            faults.append(f"{name}: its title has another number")
        if not re.match(r"accepted, |superseded by ", status):
            faults.append(f"{name}: no status below the title")
        if not is_date(accepted_on(status)):
            faults.append(f"{name}: no date on which it was accepted")
        later, earlier = LATER.findall(status), EARLIER.findall(status)
        if len(later) != len(re.findall(r"superseded|amended", status)):
            faults.append(f"{name}: superseded or amended without a link and a date")
        faults += faults_of_links(records, name, later, earlier)
    return faults


def faults_of_links(records, name, later, earlier):
    """Links of one record that lead nowhere, or that the other record does not answer."""
    faults = []
    for number, file in [part[1:3] for part in later + earlier]:
        if file not in records or int(file[:4]) != int(number):
            faults.append(f"{name}: no record {number} in {file}")
    for word, _, file, day in later:
        there = status_of(records.get(file, ""))
        if day != accepted_on(there):
            faults.append(f"{name}: {word} on {day}, before or after {file} was accepted")
        if (BACK[word], name) not in [(part[0], part[2]) for part in EARLIER.findall(there)]:
            faults.append(f"{name}: {word} by {file}, which does not say so")
    for word, _, file in earlier:
        there = LATER.findall(status_of(records.get(file, "")))
        if (word, name) not in [(BACK[part[0]], part[2]) for part in there]:
            faults.append(f"{name}: {word} {file}, which does not say so")
    return faults


def index_line(text):
    """Title, status and date of a record as the index gives them."""
    status = status_of(text)
    words = "accepted"
    for word, number, *_ in LATER.findall(status):
        joint = " and " if "amended" in words else ", amended by "
        words = f"superseded by [{number}]" if word == "superseded" else f"{words}{joint}[{number}]"
    return re.match(r"# \d+\. (.+)", text)[1], words, accepted_on(status)


def test_decision_records_have_a_status_a_date_and_links_that_answer_each_other():
    assert len(RECORDS) >= 45
    assert faults_of_records(RECORDS) == []


OLD = (
    "# 1. Old\n\n**Status.** superseded by [2](0002-new.md), 2026-02-02: better;\naccepted, "
    "2026-01-01.\n\nText.\n"
)
NEW = "# 2. New\n\n**Status.** accepted, 2026-02-02; supersedes [1](0001-old.md).\n\nText.\n"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (OLD.replace("# 1.", "# 3."), NEW, "another number"),
        ("# 1. Old\n\n**Context.** None.\n\nText.\n", NEW, "no status"),
        (OLD.replace("**Status.** ", "**Status.** maybe "), NEW, "no status"),
        (OLD.replace("2026-01-01", "2026-13-01"), NEW, "no date"),
        (OLD.replace("accepted, 2026-01-01", "accepted"), NEW, "no date"),
        (OLD.replace("[2](0002-new.md)", "record 2"), NEW, "without a link"),
        (OLD.replace("0002-new.md", "0003-gone.md"), NEW, "no record 2 in 0003-gone.md"),
        (OLD.replace("[2]", "[4]"), NEW, "no record 4"),
        (OLD.replace("2026-02-02", "2026-02-03"), NEW, "before or after"),
        (OLD, NEW.replace("; supersedes [1](0001-old.md)", ""), "which does not say so"),
        ("# 1. Old\n\n**Status.** accepted, 2026-01-01.\n\nText.\n", NEW, "which does not say so"),
    ],
)
def test_the_rule_on_decision_records_sees_every_fault(old, new, fault):
    assert faults_of_records({"0001-old.md": OLD, "0002-new.md": NEW}) == []
    assert any(
        fault in found for found in faults_of_records({"0001-old.md": old, "0002-new.md": new})
    )


def test_the_index_of_decisions_lists_exactly_the_records_as_they_stand():
    files = {
        int(number): name for number, name in re.findall(r"^\[(\d+)\]: (\S+)$", INDEX, re.MULTILINE)
    }
    assert files == {int(name[:4]): name for name in RECORDS}
    lines = re.findall(r"^\| \[(\d+)\] \| (.+) \| (.+) \| (.+) \|$", INDEX, re.MULTILINE)
    assert [(int(number), *rest) for number, *rest in lines] == [
        (n, *index_line(RECORDS[files[n]])) for n in sorted(files)
    ]


def test_the_index_of_decisions_explains_every_missing_number():
    numbers = {int(name[:4]) for name in RECORDS}
    explained = re.search(
        r"^There is no record ([^:,]+(?:, \d+)*(?: or \d+)?),", INDEX, re.MULTILINE
    )
    assert {int(n) for n in re.findall(r"\d+", explained[1])} == set(
        range(1, max(numbers))
    ) - numbers


def test_the_citation_is_of_this_version_and_licence_and_names_the_data_set():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["cff-version"], cited["type"]) == ("1.2.0", "software")
    assert (str(cited["version"]), cited["license"]) == (project["version"], project["license"])
    assert all(cited[key] for key in ("message", "title", "abstract", "keywords"))
    assert [list(author) for author in cited["authors"]] == [["name"]]  # one entity, no person
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert cited["license"] == "Apache-2.0"
    assert licence.split("\n")[0].strip() == "Apache License"
    credit = yaml.safe_load((ROOT / "data" / "cards" / "ulb.yaml").read_text(encoding="utf-8"))[
        "credit"
    ]
    (paper,) = cited["references"]
    assert paper["title"].lower() in credit.lower()
    assert str(paper["year"]) in credit
    assert all(author["family-names"] in credit for author in paper["authors"])
