"""Words that the glossary replaced are gone from code, pages, parameters and metrics."""

import json
import re
import subprocess

import pytest

from tests.conftest import ROOT

# Records and the changelog tell what was; the glossary names what a term is not called.
TELLS_OF_THE_PAST = ("docs/decisions/", "CHANGELOG.md", "docs/glossary.md", "tests/test_words.py")
GONE = (
    # values and roles of rows
    "TrainingRows",
    "to_arrays",
    "y_seen",
    # poisoning
    "placebo",
    "noise floor",
    "noise_floor",
    "targeted_mode",
    "given_back",
    "doubted",
    "learnable pocket",
    "Knowledge",
    "believed(",
    # drift
    "psi_limit",
    "domain_limit",
    "practical limit",
    "equivalence_limit",
    "equivalence limit",
    "labels_hidden",
    "labels_injected",
    "when_drifted",
    "StreamRows",
    "LabelFree",
    "label_free",
    "label-free",
    "gather_evidence",
    "hide_reports",
    "hide_frauds",
    "shared_rows",
    "PANES",
    "forward_log_odds",
    # fairness
    "minimum_count",
    "detectable_gap",
    "share_left",
    "share left",
    "largest_gap",
    "gap_coverage",
    "equal treatment",
    "mixed by lot",
    "difference_limit",
    "ratio_limit",
    "hidden_positives",
    # explanation
    "least_agreement",
    "turning value",
    "put_in_words",
    "turned_by_one_value",
    "keep saying the same",
    # promotion and policy
    "breaking_budget",
    "breaking budget",
    "budget_verdict",
    "ways_to_decide",
    "least_blocked_probability",
    # statistics
    "gate_figures",
    # model, features, service
    "PlainForm",
    "plain_form",
    "plain form",
    "hindsight",
    "PastsDown",
    "StoreDown",
    "horizon_seconds",
    "FeastPasts",
    "late_days",
    "reach_seconds",
    "count_mismatches",
    "looked_at.features",
    "n_parity",
    # idioms
    "told apart",
    "tell apart",
    "in the place of",
    "anew",
)


def tracked(*suffixes):
    listed = subprocess.run(
        ["git", "ls-files", *(f"*{suffix}" for suffix in suffixes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if not name.startswith(TELLS_OF_THE_PAST)]


@pytest.fixture(scope="module")
def texts():
    names = tracked(".py", ".ipynb", ".md", ".qmd", ".yaml", ".toml", ".sh", "Makefile")
    read = {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in names
        if (ROOT / name).is_file() and name != "dvc.lock"
    }
    assert len(read) > 400
    return read


def occurrences(word, texts):
    pattern = re.compile(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])")
    return [name for name, text in texts.items() if pattern.search(text)]


@pytest.mark.parametrize("word", GONE)
def test_word_is_gone(word, texts):
    assert occurrences(word, texts) == []


def test_a_word_that_came_back_is_seen():
    texts = {"a.py": "placebo = 1", "b.md": "nothing here", "c.py": "Acknowledged, canewood"}
    assert occurrences("placebo", texts) == ["a.py"]
    assert occurrences("anew", texts) == occurrences("Knowledge", texts) == []


def test_metrics_in_git_use_the_words_too():
    names = {
        name
        for path in (ROOT / "results").glob("*/metrics.json")
        for name in json.loads(path.read_bytes())
    }
    assert names
    gone = re.compile(r"placebo|targeted_mode|given_back|(^|[._])harm($|[._])|doubted")
    assert [name for name in sorted(names) if gone.search(name)] == []
