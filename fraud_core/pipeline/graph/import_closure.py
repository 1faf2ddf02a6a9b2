"""The modules of this package that some code reaches,
directly or through others: what its results can depend on.
"""

import ast
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]


def reached_modules(modules: Iterable[str]) -> dict[str, bytes]:
    """Sources of the modules of this package among some
    modules, of all that these import and of their packages.

    The public face takes no part: it computes nothing, and a name that is used through it is
    followed to the module that defines it. A public name more makes no result older.

    Examples
    --------
    >>> sorted(reached_modules(["fraud_core.errors", "fraud_core.attack", "numpy"]))[:2]
    ['fraud_core.data', 'fraud_core.data.card']
    >>> "fraud_core" in reached_modules(["fraud_core.errors"])
    False
    """
    reached: dict[str, bytes] = {}
    waiting = list(modules)
    while waiting:
        module = home_module(waiting.pop())
        path = module_path(module)
        if module in reached or module == PACKAGE.name or path is None:
            continue
        reached[module] = path.read_bytes()
        waiting += [*imported_modules(reached[module]), *_packages(module)]
    return reached


def module_path(module: str) -> Path | None:
    """The file of a module of this package; None for any other name."""
    if module.split(".")[0] != PACKAGE.name:
        return None
    place = PACKAGE.parent.joinpath(*module.split("."))
    files = [path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()]
    return files[0] if files else None


def home_module(name: str) -> str:
    """The module that defines a public name of the package's face; any other name as it is.

    The face loads a name when it is first used, by a table; the table is read here as text, nothing
    is imported.

    Examples
    --------
    >>> home_module("fraud_core.attack"), home_module("fraud_core.errors")
    ('fraud_core.poisoning.attacks.registry', 'fraud_core.errors')
    """
    package, _, public = name.partition(".")
    home = (
        _face_table((PACKAGE / "__init__.py").read_bytes()).get(public)
        if package == PACKAGE.name
        else None
    )
    return name if home is None else f"{PACKAGE.name}.{home}"


@cache
def _face_table(source: bytes) -> dict[str, str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and any(
            getattr(target, "id", "") == "_HOME" for target in node.targets
        ):
            return ast.literal_eval(node.value)
    return {}


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
    """Names that a part of a source imports, a function say,
    and those of the package that it uses as attributes.

    What is imported for type checkers alone is never loaded and does not count.

    Examples
    --------
    >>> imports_below(ast.parse("import fraud_core as fc\\nfc.attack('boundary')"))
    ['fraud_core', 'fraud_core.attack']
    """
    nodes = list(_running(tree))
    imported: list[str] = []
    package: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
            package |= {
                alias.asname or alias.name for alias in node.names if alias.name == PACKAGE.name
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    used = [
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in package
    ]
    return imported + [f"{PACKAGE.name}.{name}" for name in used]


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree, breadth first, without what stands below ``if TYPE_CHECKING``."""
    waiting = deque([tree])
    while waiting:
        node = waiting.popleft()
        yield node
        if (
            isinstance(node, ast.If)
            and getattr(node.test, "id", getattr(node.test, "attr", "")) == "TYPE_CHECKING"
        ):
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]
