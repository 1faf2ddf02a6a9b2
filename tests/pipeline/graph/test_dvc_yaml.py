import ast

import pytest
import yaml

from fraud_core.pipeline.commands import cli
from fraud_core.pipeline.graph import dvc_yaml as graph
from fraud_core.pipeline.graph.import_closure import imported_modules, reached_modules
from fraud_core.pipeline.params import STUDIES, SWEEPS
from tests.conftest import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def deps(stage):
    return set((STAGES[stage].get("do") or STAGES[stage])["deps"])


def test_dvc_yaml_is_what_make_stages_writes():
    assert (ROOT / "dvc.yaml").read_text() == graph.pipeline_text(), (
        "dvc.yaml is stale; run `make stages`"
    )


def test_stale_file_is_told_and_written_again(project, monkeypatch, capsys):
    for folder in ("notebooks", "reports", "benchmarks", "docs"):
        (project / folder).symlink_to(ROOT / folder)
    (project / "dvc.yaml").write_text("stages: {}\n")
    assert cli.main(["stages", "--check"]) == 1
    assert "run `make stages`" in capsys.readouterr().out
    assert cli.main(["stages"]) == 0
    assert cli.main(["stages", "--check"]) == 0
    assert (project / "dvc.yaml").read_text() == (ROOT / "dvc.yaml").read_text()


def test_import_inside_a_function_counts():
    source = b"def f():\n    from a.b import c\n    import d\n"
    assert imported_modules(source) == ("a.b", "a.b.c", "d")


@pytest.mark.parametrize(
    "source",
    [
        b"import fraud_core as fc\n\n\ndef f():\n    return fc.attack('boundary')\n",
        b"import fraud_core\nfraud_core.attack\n",
        b"from fraud_core import attack\n",
    ],
)
def test_a_public_name_reaches_the_module_that_defines_it(source):
    reached = reached_modules(imported_modules(source))
    assert {"fraud_core.poisoning.attacks.registry"} <= set(reached)
    assert "fraud_core.poisoning.defences.registry" not in reached


def test_the_face_computes_nothing_and_reaches_no_module():
    assert set(reached_modules(imported_modules(b"import fraud_core as fc\n"))) == set()


def test_import_for_type_checkers_does_not_count():
    source = b"if TYPE_CHECKING:\n    import a\nelse:\n    import b\n"
    assert imported_modules(source) == ("b",)


def test_package_files_are_reached():
    assert {"fraud_core.evaluation", "fraud_core.evaluation.metrics"} <= set(
        reached_modules(["fraud_core.evaluation.metrics"])
    )


@pytest.mark.parametrize("study", sorted(STUDIES | SWEEPS))
def test_study_depends_on_its_notebook_and_on_how_data_and_results_are_opened(study):
    assert f"notebooks/{(STUDIES | SWEEPS)[study].notebook}.ipynb" in deps(study)
    opened = "event_stream" if study == "entities" else "dataset_versions"
    modules = (f"storage/{opened}", "storage/tables", "reporting/results")
    assert {f"fraud_core/pipeline/{module}.py" for module in modules} <= deps(study)


def test_stage_depends_on_what_it_runs_and_on_nothing_else():
    poisoning = "fraud_core/poisoning"
    assert {f"{poisoning}/attacks/registry.py", f"{poisoning}/defences/registry.py"} <= deps(
        "poisoning"
    )
    assert f"{poisoning}/attacks/registry.py" in deps("explain")
    assert f"{poisoning}/defences/registry.py" not in deps("explain")
    assert "fraud_core/promotion/gate.py" in deps("sweep")
    assert "fraud_core/pipeline/stages/candidate.py" in deps("select") & deps("train")
    assert "fraud_core/bundle/signing.py" not in deps("poisoning") | deps("drift") | deps(
        "fairness"
    )
    assert not any(dep.startswith("fraud_core/fairness") for dep in deps("poisoning"))


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_no_stage_depends_on_the_command_line_or_on_a_whole_room(stage):
    assert not {
        "fraud_core/pipeline/commands/cli.py",
        "fraud_core/pipeline/graph/dvc_yaml.py",
    } & deps(stage)
    assert all(dep.endswith(".py") for dep in deps(stage) if dep.startswith("fraud_core"))


@pytest.mark.parametrize("study", STUDIES)
def test_study_is_a_stage_of_both_profiles_that_names_its_parameters(study):
    stage = STAGES[study]["do"]
    assert {*STUDIES[study].shared, f"${{key}}.{study}"} <= set(stage["params"])
    assert stage["cmd"] == f"python -m fraud_core study {study} --profile ${{key}}"


def test_every_stage_is_a_subcommand_whose_imports_stand_in_its_function():
    """At its top the command line imports what every command needs, and nothing that computes."""
    tree = ast.parse((ROOT / "fraud_core" / "pipeline" / "commands" / "cli.py").read_text())
    top = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    inner = ("errors", "pipeline.commands.arguments", "pipeline.params", "pipeline.paths")
    assert {name for name in top if name.startswith("fraud_core")} == {
        f"fraud_core.{name}" for name in inner
    }
    for name in graph.STAGES:
        assert callable(getattr(cli, f"_{name}"))
