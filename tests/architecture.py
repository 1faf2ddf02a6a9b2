"""The imports of a package as a graph, and its broad
excepts, for the tests that hold its architecture.
"""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path


def imported_names(source: str) -> Iterator[str]:
    """What a source imports, inside functions too;
    what is imported from a module is named with it.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield from (
                f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names
            )
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def sources(folder: Path) -> dict[str, str]:
    """The source of every module below a package, by
    its name; a package is named as its ``__init__``.
    """
    paths = {
        path.relative_to(folder.parent).with_suffix(""): path
        for path in sorted(folder.rglob("*.py"))
    }
    return {
        ".".join(name.parts).removesuffix(".__init__"): path.read_text()
        for name, path in paths.items()
    }


def module_graph(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """The modules that each module imports, among those that are given.

    Raises
    ------
    ValueError
        When a module imports relatively, which hides where the arrow leads.
    """
    graph: dict[str, set[str]] = {}
    for name, source in modules.items():
        graph[name] = set()
        for imported in imported_names(source):
            if imported.startswith("."):
                raise ValueError(f"{name} imports {imported}; write the whole name")
            known = [m for m in (imported, imported.rpartition(".")[0]) if m in modules]
            graph[name] |= set(known[:1]) - {name}
    return graph


def package_graph(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The arrows between the parts below the top
    package: packages, and modules that stand in none.
    """
    parts: dict[str, set[str]] = {}
    for name, imported in graph.items():
        here = _part(name)
        parts[here] = parts.get(here, set()) | {_part(module) for module in imported} - {here}
    return parts


def _part(module: str) -> str:
    return [*module.split("."), ""][1]


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle of a graph, first and last the same; empty when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def is_broad(caught: ast.expr | None) -> bool:
    """Whether an except clause catches everything: none named,
    or Exception or BaseException, alone or among others.
    """
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple | ast.List):
        return any(is_broad(part) for part in caught.elts)
    last = caught.attr if isinstance(caught, ast.Attribute) else getattr(caught, "id", "")
    return last in {"Exception", "BaseException"}


def catching_all(source: str) -> list[str]:
    """Where a source catches whatever is raised, by an except
    clause or `contextlib.suppress`: qualified functions.
    """

    def visit(node, place):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            place = (*place, node.name)
        called = node.func if isinstance(node, ast.Call) else None
        suppressing = called is not None and "suppress" in (
            getattr(called, "attr", ""),
            getattr(called, "id", ""),
        )
        if (isinstance(node, ast.ExceptHandler) and is_broad(node.type)) or (
            suppressing and any(is_broad(argument) for argument in node.args)
        ):
            yield ".".join(place)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, place)

    return list(visit(ast.parse(source), ()))
