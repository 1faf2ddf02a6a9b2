"""The workflows: linted, and their test and pull-request
jobs run with stubbed actions and the real steps.
"""

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT
from tests.delivery.tools import PATH, TOOLS, need, run

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
STUB = """name: stub
description: stands in for an action that needs GitHub
runs:
  using: composite
  steps:
    - run: echo stub
      shell: bash
"""


def steps(path):
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        yield from job.get("steps", [])


def test_actionlint_and_the_schema_find_nothing():
    need("actionlint", "check-jsonschema")
    run("actionlint", *WORKFLOWS)
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)


def test_zizmor_finds_nothing_to_exploit():
    need("zizmor")
    run("zizmor", "--offline", "--no-progress", ".github")


def checked(framework, *where):
    """Number of checks of checkov that passed; one that failed fails the test."""
    need("checkov")
    # as a module: its script of the old kind cannot start from a folder with a space in its path
    python = TOOLS / "python"
    found = run(
        python,
        "-m",
        "checkov.main",
        "--config-file",
        ".checkov.yaml",
        "--framework",
        framework,
        *where,
    )
    return int(re.search(r"Passed checks: (\d+)", found)[1])


def test_checkov_passes_workflows_and_images():
    assert checked("github_actions", "-d", ".github") > 20
    assert checked("dockerfile", "-f", "Dockerfile", "Dockerfile.research") > 100


def test_checkov_passes_every_overlay(tmp_path):
    need("kubectl")
    folders = [path.parent for path in ROOT.glob("k8s/overlays/gke*/kustomization.yaml")]
    for folder in folders:
        (tmp_path / f"{folder.name}.yaml").write_text(run("kubectl", "kustomize", folder))
    assert checked("kubernetes", "-d", tmp_path) > 50 * len(folders)


def test_exceptions_of_checkov_are_few_and_have_reasons():
    texts = [path.read_text() for path in ROOT.glob("k8s/**/*.yaml")]
    skipped = re.findall(r"checkov\.io/skip\d: (CKV_\w+)=(.+)", "".join(texts))
    assert {check for check, _ in skipped} == {"CKV_K8S_8", "CKV_K8S_9", "CKV_K8S_35"}
    assert all(len(reason.split()) >= 4 for _, reason in skipped)


def test_dockerfiles_and_shell_scripts_are_clean():
    need("hadolint", "shellcheck")
    run("hadolint", "Dockerfile", "Dockerfile.research")
    run(
        "shellcheck",
        *sorted(ROOT.glob("k8s/**/*.sh")),
        *sorted(ROOT.glob(".github/*.sh")),
        ".ci/run",
    )


def test_every_make_target_that_a_workflow_calls_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in WORKFLOWS:
        for step in steps(path):
            assert set(re.findall(r"make ([a-z-]+)", step.get("run", ""))) <= targets, path.name


def test_every_action_names_a_release():
    for path in WORKFLOWS:
        for step in steps(path):
            if "uses" in step:
                assert re.search(r"@(v\d[\w.]*|\d[\w.]*|[0-9a-f]{40})$", step["uses"]), step["uses"]


@pytest.fixture
def checkout(tmp_path):
    """A repository with the real workflows and comment
    script, where make writes down what it was asked.
    """
    folder = tmp_path / "checkout"
    shutil.copytree(
        ROOT / ".github", folder / ".github", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "Makefile").write_text(f".DEFAULT:\n\t@echo $@ >> {tmp_path}/asked.txt\n")
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("commit", "-q", "-m", "start"),
        ("remote", "add", "origin", "https://github.com/o/r"),
    ):
        run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", *command, cwd=folder)
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "action.yml").write_text(STUB)
    return folder


def act(checkout, event, workflow, *arguments):
    used = {
        step["uses"] for step in steps(ROOT / ".github" / "workflows" / workflow) if "uses" in step
    }
    used = {
        name for name in used if not name.startswith("actions/checkout@")
    }  # act's own takes the folder as it is
    stubs = [f"--local-repository={name}={checkout.parent / 'stub'}" for name in sorted(used)]
    tools = checkout.parent / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "cml").write_text(f'#!/bin/sh\ncat "$4" > "{checkout.parent}/sent.md"\n')
    (tools / "cml").chmod(0o755)
    return run(
        "act",
        event,
        "-W",
        f".github/workflows/{workflow}",
        "-P",
        "ubuntu-24.04=-self-hosted",
        "--no-cache-server",
        *stubs,
        *arguments,
        cwd=checkout,
        check=False,
        PATH=f"{tools}:{PATH}",
        HOME=str(checkout.parent),
    )


def test_test_job_calls_what_a_developer_calls(checkout):
    need("act")
    done = act(checkout, "push", "test.yml", "--matrix", "python:3.11")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert (checkout.parent / "asked.txt").read_text().split() == ["env", "tools", "lint", "test"]


def test_pull_request_job_comments_with_the_figures(checkout):
    need("act")
    here = {"full_name": "o/r"}
    event = {"pull_request": {"base": {"sha": "HEAD"}, "head": {"repo": here}}, "repository": here}
    (checkout.parent / "event.json").write_text(json.dumps(event))
    script = "#!/usr/bin/env bash\necho '## Studies of this change'\necho \"against $1\"\n"
    (checkout / ".github" / "comment.sh").write_text(script)
    done = act(checkout, "pull_request", "pipeline.yml", "-e", str(checkout.parent / "event.json"))
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert (checkout.parent / "asked.txt").read_text().split() == ["run"]
    assert "against HEAD" in (checkout.parent / "sent.md").read_text()


def test_comment_holds_the_figures_and_what_moved():
    """The real script on the real results, against
    the first revision that it can be compared with.
    """
    if not (ROOT / "results" / "quick" / "select" / "metrics.json").is_file():
        pytest.skip("the quick studies have not been run here: `make run`")
    done = subprocess.run(
        [".github/comment.sh", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{sys.prefix}/bin:{PATH}", "HOME": str(ROOT)},
    ).stdout
    assert done.startswith("## Studies of this change")
    assert "candidate, average precision on day 2" in done
    assert done.count("```") == 2
    assert len(done) < 65_536


def test_continuous_integration_refuses_arguments_that_it_does_not_know():
    done = subprocess.run(
        [ROOT / ".ci" / "run", "--quick"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: .ci/run takes no arguments, got: --quick\n"
