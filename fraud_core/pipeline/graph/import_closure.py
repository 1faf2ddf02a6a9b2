"""The modules of this package that some code reaches, directly or through others: what its results can depend on."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def reached_modules(modules: Iterable[str]) -> dict[str, bytes]:
    """Sources of the modules of this package among some modules, of all that these import and of their packages.

    Examples
    --------
    >>> sorted(reached_modules(["fraud_core.errors", "numpy"]))
    ['fraud_core', 'fraud_core.errors']
    """
    reached: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        path = module_path(module)
        if module in reached or path is None:
            continue
        reached[module] = path.read_bytes()
        waiting += [*imported_modules(reached[module]), *_packages(module)]
    return reached


def module_path(module: str) -> Path | None:
    """The file of a module of this package; None for any other name."""
    if module.split(".")[0] != PACKAGE.name:
        return None
    place = PACKAGE.parent.joinpath(*module.split("."))
    found = [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]
    return found[0] if found else None


@cache
def imported_modules(source: bytes) -> tuple[str, ...]:
    """Names that a source imports, at its top or inside a function.

    Examples
    --------
    >>> imported_modules(b"import a.b\\nfrom c.d import e\\n")
    ('a.b', 'c.d', 'c.d.e')
    """
    return tuple(imports_below(ast.parse(source)))


def imports_below(tree: ast.AST) -> list[str]:
    """Names that a part of a source imports, a function say."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    return found


def _packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]
