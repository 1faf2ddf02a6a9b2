"""Staleness by `dvc status` on a pipeline of two stages."""

import shutil
import subprocess
import sys

import pytest

from fraud_core.errors import ResultError
from fraud_core.pipeline.commands import cli
from fraud_core.pipeline.graph import stale as lock

PIPELINE = """\
stages:
  make:
    cmd: mkdir -p made && cp code.txt made/copy.txt
    deps: [code.txt]
    params: [size]
    outs: [made]
  use:
    cmd: cat made/copy.txt > used.txt
    deps: [made]
    outs: [used.txt]
"""


@pytest.fixture
def two_stages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("dvc.yaml", PIPELINE), ("params.yaml", "size: 1\n"), ("code.txt", "one\n")):
        (tmp_path / name).write_text(text)
    for command in (["init", "--quiet", "--no-scm"], ["repro", "--quiet"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], check=True)
    return tmp_path


def test_stage_is_stale_by_code_or_parameter_and_not_by_data_that_are_elsewhere(two_stages, capsys):
    assert cli.main(["stale"]) == 0
    (two_stages / "used.txt").unlink()
    assert lock.stale_stages() == {}
    shutil.rmtree(two_stages / ".dvc" / "cache")
    shutil.rmtree(two_stages / "made")
    assert lock.stale_stages() == {}
    (two_stages / "code.txt").write_text("two\n")
    (two_stages / "params.yaml").write_text("size: 2\n")
    capsys.readouterr()
    assert cli.main(["stale"]) == 1
    assert (
        capsys.readouterr().out
        == "make is older than code.txt, params.yaml:size; run `dvc repro make`\n"
    )


def test_unreadable_pipeline_is_one_line(two_stages):
    (two_stages / "dvc.yaml").write_text("stages: [1]\n")
    with pytest.raises(ResultError, match="dvc status: "):
        lock.stale_stages()
