"""The compiled scorer: equal to NumPy to the bit, and never needed."""

import ctypes
import shutil

import numpy as np
import pytest

from fraud_core.bundle.load import load_bundle
from fraud_core.scoring.row_scorer import RowScorer
from serve.scoring import compiled_scorer
from serve.scoring.champion import load_champion
from tests.conftest import ROOT

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """The source in a folder of its own, where nothing was compiled."""
    monkeypatch.setattr(compiled_scorer, "SOURCE", tmp_path / "kernel.c")
    shutil.copy(ROOT / "serve/scoring/kernel.c", tmp_path)
    return tmp_path


@pytest.fixture
def bundle(champion):
    return load_bundle(champion).bundle


def numpy_scorer(bundle):
    n_features = len(bundle.contract.model_features)
    return RowScorer(bundle.trees, bundle.model.tables, bundle.calibration, n_features)


@needs_cc
def test_compiled_margins_are_those_of_numpy_to_the_bit(apart, bundle):
    assert compiled_scorer.compile_source() == "compiled"
    compiled, plain = compiled_scorer.row_scorer(bundle), numpy_scorer(bundle)
    assert isinstance(compiled, compiled_scorer.CompiledScorer)
    rng = np.random.default_rng(1)
    borders = np.unique(bundle.trees.border[np.isfinite(bundle.trees.border)])
    n_features = len(bundle.contract.model_features)
    rows = [
        *rng.normal(0, 3, (2_000, n_features)),
        *rng.choice(borders, (2_000, n_features)).astype(float),
    ]
    rows += [np.full(n_features, value) for value in (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e30)]
    for row in rows:
        assert compiled.log_odds(row) == plain.log_odds(row)
        assert compiled.probability(row) == plain.probability(row)
    assert np.array_equal(compiled.explain(rows[0])[1], plain.explain(rows[0])[1])


@needs_cc
@pytest.mark.parametrize("n_trees", [1, 7, 8, 9, 127, 128, 129, 150, 300, 1_001])
def test_sums_are_numpys_at_every_length(apart, n_trees):
    compiled_scorer.compile_source()
    library = ctypes.CDLL(str(compiled_scorer.binary()))
    rng = np.random.default_rng(n_trees)
    values = rng.normal(0, 1, n_trees) * 10.0 ** rng.integers(-8, 8, n_trees)
    nothing, chosen = np.zeros(1), np.zeros(n_trees)
    trees = compiled_scorer._Trees(
        leaf_value=values.ctypes.data,
        bias=0.0,
        n_trees=n_trees,
        depth=0,
        n_features=0,
        row=nothing.ctypes.data,
        seen=nothing.ctypes.data,
        chosen=chosen.ctypes.data,
    )
    library.log_odds.restype = ctypes.c_double
    assert library.log_odds(ctypes.byref(trees)) == 0.0 + np.add.reduce(values)


@needs_cc
def test_a_kernel_with_other_figures_is_not_used(apart, bundle, capsys):
    source = (apart / "kernel.c").read_text()
    assert "seen[*feature] > *border" in source
    (apart / "kernel.c").write_text(
        source.replace("seen[*feature] > *border", "seen[*feature] < *border")
    )
    assert compiled_scorer.compile_source() == "compiled"
    assert type(compiled_scorer.row_scorer(bundle)) is RowScorer
    assert "gives other figures than NumPy" in capsys.readouterr().out


def test_without_a_binary_numpy_scores(apart, bundle):
    assert type(compiled_scorer.row_scorer(bundle)) is RowScorer


@needs_cc
def test_a_champion_says_what_scores_it(apart, champion):
    before = load_champion(champion)
    compiled_scorer.compile_source()
    after = load_champion(champion)
    assert (before.scored_by, after.scored_by) == ("NumPy", "compiled code")
    assert before.self_test == after.self_test
    assert after.passes_self_test()


def test_a_binary_of_another_machine_is_not_used(apart, bundle, capsys):
    compiled_scorer.binary().write_bytes(b"not a library")
    assert type(compiled_scorer.row_scorer(bundle)) is RowScorer
    assert "cannot be loaded" in capsys.readouterr().out


@needs_cc
def test_a_changed_source_is_compiled_again(apart):
    compiled_scorer.compile_source()
    assert compiled_scorer.compile_source() == "is there"
    first = compiled_scorer.binary()
    (apart / "kernel.c").write_text((apart / "kernel.c").read_text() + "\n")
    assert compiled_scorer.binary() != first
    assert compiled_scorer.compile_source() == "compiled"


def test_no_compiler_and_a_broken_one_are_said(apart, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no C compiler" in compiled_scorer.compile_source()
    monkeypatch.setenv("CC", "false")
    assert "does not compile" in compiled_scorer.compile_source()
    assert not list(apart.glob("kernel-*"))
