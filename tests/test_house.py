"""The architecture rules that a machine can hold: arrows,
exceptions, notebooks, parameters, names of places.
"""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter

import msgspec
import nbformat
import pytest

from fraud_core.pipeline import params as params_module, study_params
from fraud_core.pipeline.execution.notebook_runner import check_parameters, declared_parameters
from fraud_core.pipeline.params import STUDIES, SWEEPS, notebook_parameters, read_params
from tests.architecture import catching_all, circle, module_graph, package_graph, sources
from tests.conftest import ROOT

# Imports point inwards: a package may import itself and the packages of its set.
FOUNDATION = {"errors", "scoring", "evaluation"}
MODELLING = {*FOUNDATION, "data", "features", "policy", "model", "bundle"}
STUDIES_OF = {"poisoning", "drift", "fairness", "explain"}
ALLOWED = {
    "errors": set(),
    "scoring": {"errors"},
    "evaluation": {"errors", "scoring"},
    "features": FOUNDATION,
    "data": {*FOUNDATION, "features"},
    "policy": FOUNDATION,
    "model": {*FOUNDATION, "data", "features"},
    "bundle": {*FOUNDATION, "policy"},
    **dict.fromkeys((*STUDIES_OF, "entities"), MODELLING),
    "promotion": MODELLING | STUDIES_OF,
}
MOST_MODULES_OF_CORE = 13  # modules of one folder
# The modules outside pipeline/ and serve/ that open files, with the reason in their first lines.
MAY_OPEN_FILES = {
    "fraud_core/data/sources.py",
    "fraud_core/bundle/load.py",
    "fraud_core/model/export.py",
}
OPENING = re.compile(
    r"(?<![\w.])open\(|\.(open|read_bytes|read_text|write_bytes|write_text|unlink|mkdir|rename)\("
    r"|\bpl\.(read|scan)_|\.write_(csv|parquet)\("
)
IMPURE = re.compile(
    r"\bos\.environ|\bdatetime\.now|\btime\.time\(|np\.random\.(seed|rand|normal|choice)\(|\brandom\.seed"
)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOURCES = sorted([*(ROOT / "fraud_core").rglob("*.py"), *(ROOT / "serve").rglob("*.py")])


def name(path):
    return path.relative_to(ROOT).as_posix()


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def package(path):
    parts = path.relative_to(ROOT / "fraud_core").parts
    return parts[0].removesuffix(".py")


CORE = [path for path in SOURCES if name(path).startswith("fraud_core/")]
PURE = [path for path in CORE if package(path) in ALLOWED]


@pytest.mark.parametrize("path", CORE, ids=name)
def test_imports_point_inwards(path):
    here = package(path)
    for module in imports(path):
        assert not module.startswith("serve"), f"{name(path)} imports {module}"
        if here in ALLOWED and module.startswith("fraud_core."):
            target = module.split(".")[1]
            assert target == here or target in ALLOWED[here], f"{name(path)} imports {module}"


def folder_of(module):
    """The folder of a module, by its dotted name; a module
    beside folders, as `fraud_core.errors`, counts by itself.
    """
    folder = ROOT.joinpath(*module.split(".")).parent
    if any((part / "__init__.py").is_file() for part in folder.iterdir()):
        return module
    return module.rpartition(".")[0]


def test_neither_modules_nor_folders_of_the_core_import_in_a_circle():
    modules = module_graph(sources(ROOT / "fraud_core"))
    assert len(modules) > 150
    assert circle(modules) == []
    folders = {}
    for module, imported in modules.items():
        folders.setdefault(folder_of(module), set()).update(map(folder_of, imported))
    assert circle({folder: targets - {folder} for folder, targets in folders.items()}) == []


def test_no_folder_is_a_hall():
    sizes = Counter(path.parent for path in CORE if path.name != "__init__.py")
    assert max(sizes.values()) <= MOST_MODULES_OF_CORE, sizes.most_common(1)


# What the service needs beside bundle, scores and drift monitor: modules that NumPy and msgspec are
# enough for.
SERVED = {
    f"fraud_core.{module}"
    for module in (
        "features.history",
        "features.store_rows",
        "features.windows",
        "explain.reasons",
        "explain.reason_writer",
    )
}


def test_serving_imports_bundle_scores_drift_monitor_and_named_modules_only():
    for path in (ROOT / "serve").rglob("*.py"):
        inner = {module for module in imports(path) if module.startswith("fraud_core.")} - SERVED
        assert {module.split(".")[1] for module in inner} <= {
            "bundle",
            "scoring",
            "policy",
            "drift",
            "errors",
        }, name(path)


# What each package of the service, and each module that stands in none, imports: no more arrows,
# and no unused one.
SERVICE_ARROWS = {
    "settings": set(),
    "auth": set(),
    "telemetry": set(),
    "healthcheck": {"settings"},
    "store": {"settings"},
    "http": {"auth", "telemetry"},
    "scoring": {"http", "telemetry"},
    "features": {"http", "settings", "store", "telemetry"},
    "runtime": {"features", "http", "scoring", "settings", "store", "telemetry"},
    "api": {"auth", "features", "http", "runtime", "scoring", "store", "telemetry"},
    "app": {"api", "auth", "http", "runtime", "settings", "telemetry"},
    "__main__": {"app", "runtime", "scoring", "settings", "store", "telemetry"},
}
MOST_MODULES = 12
SERVICE = sources(ROOT / "serve")


def test_arrows_between_the_packages_of_the_service_are_those_that_are_listed():
    arrows = package_graph(module_graph(SERVICE))
    assert arrows.pop("") == set(), "serve/__init__.py imports nothing"
    assert arrows == SERVICE_ARROWS


def test_neither_modules_nor_packages_of_the_service_import_in_a_circle():
    modules = module_graph(SERVICE)
    assert len(modules) > 40
    assert circle(modules) == []
    assert circle(package_graph(modules)) == []


@pytest.mark.parametrize("folder", sorted({ROOT / "serve", *(ROOT / "serve").glob("*/")}), ids=name)
def test_packages_of_the_service_stay_small(folder):
    assert len({path.name for path in folder.glob("*.py")} - {"__init__.py"}) <= MOST_MODULES


@pytest.mark.parametrize("path", PURE, ids=name)
def test_pure_packages_open_no_files_and_read_no_clock(path):
    text = path.read_text()
    if name(path) not in MAY_OPEN_FILES:
        assert not OPENING.search(text), f"{name(path)}: {OPENING.search(text)[0]}"
    assert not IMPURE.search(text), f"{name(path)}: {IMPURE.search(text)[0]}"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_modules_and_functions_stay_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 320
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 50, f"{name(path)}: {node.name} has {length} lines"


# The functions that may catch whatever is raised, each with its reason.
MAY_CATCH_ALL = {
    (
        "serve/http/gateway.py",
        "Gateway.__call__",
    ): "a defect of the code must end in a logged 500, as the router answers for its own",
    (
        "serve/scoring/shadow.py",
        "Shadow._compare",
    ): "a challenger is compared beside the answer and may never harm it",
}
WRITTEN = [
    path
    for folder in ("fraud_core", "serve", "feature_repo", "k8s", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
]


def test_no_broad_except_but_for_those_with_a_reason():
    broad = {(name(path), place) for path in WRITTEN for place in catching_all(path.read_text())}
    assert broad == set(MAY_CATCH_ALL)


def test_no_pickle():
    for path in SOURCES:
        assert not re.search(
            r"^\s*(import|from) (pickle|joblib|dill)", path.read_text(), re.MULTILINE
        ), name(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
class TestNotebook:
    def cells(self, path):
        return nbformat.read(path, as_version=4).cells

    def test_holds_no_definition_and_no_loop(self, path):
        code = "\n".join("".join(c.source) for c in self.cells(path) if c.cell_type == "code")
        assert len([line for line in code.splitlines() if line.strip()]) <= 150
        for node in ast.walk(ast.parse(code)):
            assert not isinstance(
                node,
                ast.FunctionDef
                | ast.AsyncFunctionDef
                | ast.ClassDef
                | ast.For
                | ast.While
                | ast.Try,
            ), f"line {node.lineno}"

    def test_is_canonical(self, path, tmp_path):
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        keys = (
            "metadata.language_info metadata.papermill cell.metadata.papermill "
            "cell.metadata.execution"
        )
        subprocess.run(
            [sys.executable, "-m", "nbstripout", "--extra-keys", keys, str(copy)], check=True
        )
        assert copy.read_bytes() == path.read_bytes()
        assert all(not c.get("outputs") for c in self.cells(path))

    def test_tells_its_story_in_the_common_order(self, path):
        headings = [
            line
            for c in self.cells(path)
            if c.cell_type == "markdown"
            for line in c.source.splitlines()
            if line.startswith("#")
        ]
        assert headings[0].startswith("# ")
        assert headings[1] == "## Method"
        assert headings[-1] == "## Threats to validity"
        assert headings[-2].startswith("## Reading of the figure")
        first = self.cells(path)[0].source
        assert "**Question.**" in first
        assert "**Claim.**" in first

    def test_prose_holds_no_typed_figure(self, path):
        """Markdown may count days and sizes in words, never quote a result."""
        for c in self.cells(path):
            if c.cell_type == "markdown":
                assert not re.search(r"\d[.,]\d|\d\s?%", c.source), re.search(
                    r".*(\d[.,]\d|\d\s?%).*", c.source
                )[0]

    def test_parameters_are_annotated_commented_and_default_to_a_toy_run(self, path):
        cell = next(c for c in self.cells(path) if "parameters" in c.metadata.get("tags", []))
        assert 'data_dir: str = "toy"' in cell.source
        assert re.search(r'results_dir: str = "scratch/\w+"', cell.source)
        for statement in ast.parse(cell.source).body:
            line = cell.source.splitlines()[statement.lineno - 1]
            assert "#" in line, f"no comment: {line}"


def test_every_notebook_belongs_to_a_study():
    assert {p.stem for p in NOTEBOOKS} == {
        s.notebook for s in (*STUDIES.values(), *SWEEPS.values())
    }


@pytest.mark.parametrize("study", [*STUDIES, *SWEEPS])
@pytest.mark.parametrize("profile", ["quick", "full"])
def test_parameters_of_yaml_struct_and_notebook_are_the_same(study, profile):
    entry = STUDIES.get(study) or SWEEPS[study]
    notebook = json.loads((ROOT / "notebooks" / f"{entry.notebook}.ipynb").read_text())
    given = notebook_parameters(read_params(ROOT / "params.yaml"), study, profile)
    given |= {"data_dir": "data", "results_dir": "results/x"}
    check_parameters(given, declared_parameters(notebook), notebook=entry.notebook)


def test_every_struct_of_the_parameters_refuses_unknown_keys():
    named = {**vars(params_module), **vars(study_params)}.values()
    structs = [s for s in named if isinstance(s, type) and issubclass(s, study_params._Section)]
    assert len(structs) > 10
    for struct in structs:
        assert struct.__struct_config__.forbid_unknown_fields, struct
        assert struct.__struct_config__.frozen, struct


def test_modules_whose_examples_are_not_collected_hold_none():
    """One runs in MLflow alone, one needs Feast, whose tests say so when it is missing."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"][
        "addopts"
    ].split()
    ignored = [
        option.removeprefix("--ignore=") for option in options if option.startswith("--ignore=")
    ]
    modules = [path for path in ignored if path.endswith(".py")]
    assert len(modules) == 2
    for path in modules:
        assert ">>>" not in (ROOT / path).read_text(), path


def test_lock_pins_every_package_by_hash_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(entries) > 200
    for entry in entries:
        assert re.match(r"[\w.\[\]-]+==\S+", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_params_round_trip():
    params = read_params(ROOT / "params.yaml")
    assert msgspec.convert(msgspec.to_builtins(params), type(params)) == params
