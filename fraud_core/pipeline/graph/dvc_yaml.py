"""The stages of the pipeline; dvc.yaml is written from
here, with the code that each stage reaches by its imports.

A stage runs one subcommand of ``python -m fraud_core``. Its code is what the function behind that
subcommand imports or, for a study, what the notebook imports, with all that these import in turn.
The command line, the notebook runner and MLflow stand around every study and move none of its
figures: they are no dependencies.
"""

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from fraud_core.pipeline.graph.import_closure import (
    PACKAGE,
    imported_modules,
    imports_below,
    module_path,
    reached_modules,
)
from fraud_core.pipeline.params import STUDIES, SWEEPS
from fraud_core.pipeline.paths import within_project

HEADER = """\
# Written by `make stages` from fraud_core/pipeline/graph/dvc_yaml.py and the imports; change
# those, not this file. `quick` and `full` are the same notebooks and differ only in the numbers of
# params.yaml. `make run` runs quick and the report, `make studies` runs full, whose results are in
# git.
"""
PROFILES = {"quick": {"results": "results/quick"}, "full": {"results": "results"}}
CARD, AUDIT_CARD = "data/cards/${data.card}.yaml", "data/cards/uci_default.yaml"
RAW, RAW_AUDIT, RAW_EVENTS = "data/raw/${data.card}", "data/raw/uci_default", "data/raw/events"
VERSIONS = (CARD, "data/v0", "data/v1")
RESULTS = "${item.results}"
# Results stay until a run has new ones, which replace them whole; DVC would delete them first.
UNCACHED = {"cache": False, "persist": True}
# Studies that leave a table of all their figures beside metrics.json.
TABLED = ("baseline", "drift", "entities", "explain", "fairness", "poisoning", "select")
JUDGED = ("drift", "fairness", "poisoning")  # studies whose verdicts the promotion gate reads


class Stage(msgspec.Struct, frozen=True):
    """A stage that is no study.

    Attributes
    ----------
    command
        Arguments of ``python -m fraud_core``.
    reads
        Files and folders beside the code.
    params
        Sections or keys of params.yaml.
    outs
        What it writes, with the flags of DVC.
    """

    command: str
    reads: tuple[str, ...]
    params: tuple[str, ...] = ()
    outs: tuple[str | dict[str, dict[str, bool]], ...] = ()


class Reads(msgspec.Struct, frozen=True):
    """What a study reads beside its notebook, its code and its parameters."""

    files: tuple[str, ...] = VERSIONS
    params: tuple[str, ...] = ("data.card",)


STAGES = {
    "fetch": Stage(
        "fetch",
        (CARD, AUDIT_CARD),
        ("data.card",),
        tuple({raw: {"persist": True}} for raw in (RAW, RAW_AUDIT, RAW_EVENTS)),
    ),
    "prepare": Stage(
        "prepare",
        (CARD, AUDIT_CARD, RAW, RAW_AUDIT),
        ("data.card",),
        ("data/v0", "data/v1", "data/audit"),
    ),
    "poison": Stage("poison", (CARD, "data/v0"), ("data.card", "poison"), ("data/poisoned",)),
    "train": Stage(
        "train",
        VERSIONS,
        ("certificate", "data.card", "decision", "model", "policy"),
        ("models/candidate",),
    ),
    "features": Stage(
        "features",
        (RAW_EVENTS,),
        ("certificate", "decision", "entity_model", "model", "policy"),
        ("data/features", "models/entities"),
    ),
}
READS = {
    "entities": Reads((RAW_EVENTS,), ()),
    "fairness": Reads((*VERSIONS, AUDIT_CARD, "data/audit")),
    "poisoning": Reads((*VERSIONS, "data/criteria")),
    "baseline": Reads((*VERSIONS, "benchmarks/results/settings.json")),
    "select": Reads(
        (
            *VERSIONS,
            "models/candidate",
            *(f"{RESULTS}/{study}/metrics.json" for study in ("drift", "fairness", "poisoning")),
        )
    ),
}
REPORT_READS = ("docs/choices.md", "reports/*.*", "benchmarks/results/*.*")


def pipeline_text() -> str:
    """The text of dvc.yaml.

    The metrics that DVC compares are those with a past: of the full studies, in git, and of a
    sweep, in the cache.
    """
    stages = {name: _stage(stage) for name, stage in STAGES.items()}
    stages |= {name: _sweep(name) for name in SWEEPS}
    stages |= {name: {"foreach": "${profiles}", "do": _study(name)} for name in STUDIES}
    stages["report"] = _report()
    compared = [f"results/{name}" for name in (*SWEEPS, *STUDIES)]
    body = {
        "vars": [{"profiles": PROFILES}],
        "stages": stages,
        "metrics": [f"{folder}/metrics.json" for folder in compared],
        "plots": [f"{folder}/figures" for folder in compared],
    }
    return HEADER + yaml.dump(body, sort_keys=False, width=120, Dumper=_Dumper)


def write_pipeline(*, write: bool) -> bool:
    """Write dvc.yaml; returns whether it was stale."""
    path, text = within_project("dvc.yaml"), pipeline_text()
    stale = not path.is_file() or path.read_text(encoding="utf-8") != text
    if stale and write:
        path.write_text(text, encoding="utf-8")
    return stale


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "cmd": f"python -m fraud_core {stage.command}",
        "deps": [*stage.reads, *_files(_imports_of_command(stage.command.split()[0]))],
        "params": list(stage.params),
        "outs": list(stage.outs),
    }


def _sweep(name: str) -> dict[str, Any]:
    study = _notebook_stage(name, f"study {name}", "poisoning")
    kept = {"persist": True}
    return study | {
        "outs": [{f"results/{name}/{kind}": kept} for kind in ("metrics.json", "figures")]
    }


def _study(name: str) -> dict[str, Any]:
    study = _notebook_stage(name, f"study {name} --profile ${{key}}", f"${{key}}.{name}")
    kinds = ("metrics.json", *(("metrics.parquet",) if name in TABLED else ()), "figures")
    return study | {"outs": [{f"{RESULTS}/{name}/{kind}": UNCACHED} for kind in kinds]}


def _notebook_stage(name: str, command: str, own_params: str) -> dict[str, Any]:
    entry, reads = (STUDIES | SWEEPS)[name], READS.get(name, Reads())
    notebook = f"notebooks/{entry.notebook}.ipynb"
    return {
        "cmd": f"python -m fraud_core {command}",
        "deps": [notebook, *reads.files, *_files(_imports_of_notebook(within_project(notebook)))],
        "params": [*reads.params, *entry.shared, own_params],
    }


def _report() -> dict[str, Any]:
    sources = [
        path for pattern in REPORT_READS for path in sorted(within_project(".").glob(pattern))
    ]
    made = [
        f"results/quick/{study}/{kind}" for study in STUDIES for kind in ("metrics.json", "figures")
    ]
    return {
        "cmd": "python -m fraud_core report --profile quick",
        "deps": [*(_name(path) for path in sources), *made, *_files(_imports_of_command("report"))],
        "outs": [{"reports/_site/quick/pages.json": {"cache": False}}],
    }


def _imports_of_command(command: str) -> list[str]:
    """What the function behind a subcommand imports; the
    command line imports nothing of a stage at its top.
    """
    tree = ast.parse((PACKAGE / "pipeline" / "commands" / "cli.py").read_bytes())
    handlers = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == f"_{command}"
    ]
    return imports_below(handlers[0])


def _imports_of_notebook(path: Path) -> tuple[str, ...]:
    cells = json.loads(path.read_bytes())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return imported_modules(code.encode())


def _files(imported: Iterable[str]) -> list[str]:
    paths = (module_path(module) for module in reached_modules(imported))
    return sorted(_name(path) for path in paths if path is not None)


def _name(path: Path) -> str:
    folder = PACKAGE.parent if path.is_relative_to(PACKAGE) else within_project(".")
    return path.relative_to(folder).as_posix()


class _Dumper(yaml.SafeDumper):
    """Lists stand below their key with two more spaces, as DVC itself writes them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:
        return True
