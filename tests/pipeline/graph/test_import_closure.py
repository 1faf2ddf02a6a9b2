import pytest

from fraud_core.pipeline.graph.import_closure import (
    home_module,
    imported_modules,
    module_path,
    reached_modules,
)
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("fraud_core.errors", "fraud_core/errors.py"),
        ("fraud_core.data", "fraud_core/data/__init__.py"),
        ("fraud_core.nothing", None),
        ("numpy", None),
        ("serve.app", None),
    ],
)
def test_file_of_a_module(name, path):
    found = module_path(name)
    assert (found and found.relative_to(ROOT).as_posix()) == path


def test_imports_are_found_wherever_they_stand_and_those_for_checkers_are_not():
    source = b"""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import never.loaded
else:
    import loaded.instead
def f():
    from late import part
"""
    found = imported_modules(source)
    assert {"loaded.instead", "late", "late.part"} <= set(found)
    assert "never.loaded" not in found


def test_module_reaches_what_its_imports_reach_and_itself():
    reached = reached_modules(["fraud_core.poisoning.attacks.group"])
    assert {
        "fraud_core.poisoning.attacks.group",
        "fraud_core.poisoning.attacks.budgets",
        "fraud_core.poisoning.attacks",
        "fraud_core.data.rows",
        "fraud_core.errors",
    } <= set(reached)
    assert not [name for name in reached if name.startswith("fraud_core.drift")]
    source = (ROOT / "fraud_core/errors.py").read_bytes()
    assert reached["fraud_core.errors"] == source


def test_closure_is_closed():
    reached = reached_modules(["fraud_core.bundle.load"])
    assert set(reached_modules(list(reached))) == set(reached)


def test_public_name_leads_to_the_module_that_defines_it():
    assert home_module("fraud_core.attack") == "fraud_core.poisoning.attacks.registry"
    assert home_module("fraud_core.attack") in reached_modules(["fraud_core.attack"])
    assert home_module("other.attack") == "other.attack"
