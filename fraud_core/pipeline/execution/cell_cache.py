"""A study's grid: one function over many cells, in processes, with finished cells kept.

A cell's result is a dict of arrays, kept as .npz under a key made of the code, the inputs and the
settings. An interrupted study continues where it stopped, and a changed line of code or number is
never answered from the store.
"""

import ast
import hashlib
import io
import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from fraud_core.pipeline.graph.import_closure import reached_modules
from fraud_core.pipeline.paths import within_project

STORE = "scratch/cells"
_context: tuple[Any, ...] = ()


def run_cells(
    function: Callable[..., dict],
    cells: Sequence[Any],
    *context: Any,
    what: str,
    n_processes: int,
    progress: Callable[[str, int, int], None],
    store: str = STORE,
) -> list[dict[str, np.ndarray]]:
    """Call ``function(cell, *context)`` for each cell, in
    order of completion; results in the order of the cells.

    Parameters
    ----------
    function
        A module-level function that returns a dict of arrays.
    cells
        Each with a stable `name`, unique within the call, and a `repr` that tells all it holds.
    context
        The same arguments for every cell: arrays, dataclasses of arrays, plain settings.
    what
        What is counted, for the progress line.
    n_processes
        Processes; 1 runs in this one.
    progress
        Called with (what, done, total).
    store
        Folder of finished cells, relative to the project.
    """
    folder = within_project(store) / _key(function, context)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {cell.name: folder / f"{cell.name}-{_digest(repr(cell))}.npz" for cell in cells}
    if len(paths) != len(cells):
        raise ValueError("expected cells of different names; two are equal")
    missing = [cell for cell in cells if not paths[cell.name].is_file()]
    done = len(cells) - len(missing)
    what += f" ({done} kept)" if done else ""
    progress(what, done, len(cells))
    if n_processes == 1 or len(missing) <= 1:
        for number, cell in enumerate(missing):
            _keep(paths[cell.name], function(cell, *context))
            progress(what, done + number + 1, len(cells))
    else:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(n_processes, spawn, _receive, (function, context)) as pool:
            running = {pool.submit(_call, cell): cell for cell in missing}
            for number, future in enumerate(as_completed(running)):
                _keep(paths[running[future].name], future.result())
                progress(what, done + number + 1, len(cells))
    return [_read(paths[cell.name]) for cell in cells]


def _receive(function: Callable, context: tuple[Any, ...]) -> None:
    global _context
    _context = (function, context)


def _call(cell: Any) -> dict:
    function, context = _context
    return function(cell, *context)


def _keep(path: Path, result: dict[str, np.ndarray]) -> None:
    buffer = io.BytesIO()
    # NumPy's stub would take an array for its flag `allow_pickle`
    save: Callable[..., None] = np.savez
    save(buffer, **result)
    partial = path.with_suffix(".partial")
    partial.write_bytes(buffer.getvalue())
    partial.replace(path)


def _read(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _key(function: Callable, context: tuple[Any, ...]) -> str:
    digest = hashlib.sha256(
        f"{function.__module__}.{function.__qualname__} {code_sha256(function)}".encode()
    )
    for part in context:
        _update(digest, part)
    return f"{function.__qualname__}-{digest.hexdigest()[:16]}"


def _update(digest: "hashlib._Hash", part: Any) -> None:
    if isinstance(part, np.ndarray):
        digest.update(str((part.dtype, part.shape)).encode() + np.ascontiguousarray(part).tobytes())
    elif hasattr(part, "__dataclass_fields__"):
        for name in part.__dataclass_fields__:
            digest.update(name.encode())
            _update(digest, getattr(part, name))
    else:
        digest.update(json.dumps(part, sort_keys=True, default=str).encode())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def code_sha256(function: Callable) -> str:
    """Digest of the modules of this package that a
    function's module imports, directly or through others.

    Nothing else can move what the function computes: neither a change of a summary nor one of a
    docstring, a comment or the layout of a line touches finished cells.
    """
    reached, digest = reached_modules([function.__module__]), hashlib.sha256()
    for module in sorted(reached):
        digest.update(module.encode() + what_runs(reached[module]))
    return digest.hexdigest()


def what_runs(source: bytes) -> bytes:
    """The code of a module without its docstrings, comments and layout.

    Examples
    --------
    >>> what_runs(b"def f():\\n    'Says.'\\n    return 1  # one") == what_runs(
    ...     b"def f():\\n    return (1)"
    ... )
    True
    """
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree).encode()
