import ast
import re
import subprocess
import sys

import pytest

import fraud_core as fc
from tests.conftest import ROOT

HEAVY = ("polars", "sklearn", "catboost", "scipy")


def for_type_checkers():
    """Name and module of every import below ``if TYPE_CHECKING``."""
    tree = ast.parse((ROOT / "fraud_core" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {alias.name: node.module for node in block.body for alias in node.names}


@pytest.mark.parametrize("name", fc.__all__)
def test_every_public_name_can_be_imported_and_is_defined_where_the_table_says(name):
    assert getattr(fc, name) is getattr(sys.modules[f"fraud_core.{fc._HOME[name]}"], name)
    home = getattr(getattr(fc, name), "__module__", None)
    assert home in {None, f"fraud_core.{fc._HOME[name]}"}


def test_lists_of_public_names_agree():
    assert sorted(fc.__all__) == sorted(fc._HOME)
    assert for_type_checkers() == {name: f"fraud_core.{home}" for name, home in fc._HOME.items()}
    assert set(fc.__all__) <= set(dir(fc))


def test_the_face_computes_nothing():
    """Results do not depend on it, so that it may hold no more than names and their loading."""
    tree = ast.parse((ROOT / "fraud_core" / "__init__.py").read_text(encoding="utf-8"))
    others = {type(node).__name__ for node in tree.body} - {"FunctionDef"}
    assert others <= {"Expr", "ImportFrom", "If", "Assign", "AnnAssign"}
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert functions == {"__getattr__", "__dir__"}


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="module 'fraud_core' has no attribute 'atack'"):
        _ = fc.atack


def test_importing_the_package_loads_no_heavy_library():
    code = f"import sys, fraud_core as fc; dir(fc); print([m for m in {HEAVY} if m in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.strip() == "[]"


def test_type_hints_travel_with_the_package():
    assert (ROOT / "fraud_core" / "py.typed").is_file()
    assert 'fraud_core = ["py.typed"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_examples_of_the_documentation_run():
    text = (ROOT / "docs" / "poisoning.md").read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        exec(block, names)
    assert len(names["cleaned"].kept_index) < len(names["rows"])
    assert names["search"].best_params_["defendedclassifier__defence"] in {
        "none",
        "knn",
        "micro_models",
    }
    reached = names["reached"]
    assert reached["attacked"] < reached["defended"] <= reached["clean"]
