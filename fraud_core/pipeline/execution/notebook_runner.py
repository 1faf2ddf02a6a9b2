"""The strict notebook runner: Papermill, with what it forgives refused.

Papermill accepts a parameter that the notebook does not declare (a misspelt one, say) with a
warning. Here the parameters passed must be exactly those that the cell tagged ``parameters``
declares, each of the annotated type. The executed copy is kept whether the run succeeds or fails,
without absolute paths, secrets, timestamps or identifiers.
"""

import ast
import os
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fraud_core.errors import NotebookError, ParameterError
from fraud_core.pipeline.execution.progress import PROGRESS_FILE
from fraud_core.pipeline.execution.whole_results import UNFINISHED

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from traitlets.config import Config

SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|CREDENTIAL|_KEY$|_URI$", re.IGNORECASE)
MINIMUM_SECRET_LENGTH = 6
CELL_TIMEOUT_SECONDS = 7200
LONGEST_SOCKET_PATH = 100  # the system takes 107 bytes, and a port is appended
ANNOTATIONS = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}


def declared_parameters(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Names and types that the ``parameters`` cell of a notebook declares.

    Raises
    ------
    NotebookError
        When there is no such cell, or a parameter has no annotation.
    """
    cells = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    if len(cells) != 1:
        raise NotebookError(f"expected one cell tagged `parameters`, found {len(cells)}")
    declared = {}
    for statement in ast.parse("".join(cells[0]["source"])).body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            raise NotebookError(
                f"parameters cell, line {statement.lineno}: expected `name: type = value`"
            )
        annotation = ast.unparse(statement.annotation)
        declared[statement.target.id] = eval(annotation, {"__builtins__": ANNOTATIONS})  # noqa: S307 - our notebooks
    return declared


def check_parameters(
    given: Mapping[str, Any], declared: Mapping[str, Any], *, notebook: str
) -> None:
    """Refuse parameters that are not exactly the declared ones, or not of the declared types.

    Raises
    ------
    ParameterError
        Naming the notebook and the parameter.

    Examples
    --------
    >>> check_parameters({"seed": 1}, {"seed": int}, notebook="10_baseline")
    """
    for name in given:
        if name not in declared:
            raise ParameterError(
                f"{notebook}: parameter {name} is not declared; it declares "
                f"{', '.join(declared)}; correct the name"
            )
    for name, kind in declared.items():
        if name not in given:
            raise ParameterError(
                f"{notebook}: parameter {name} is declared but not given; add it to params.yaml"
            )
        try:
            msgspec.convert(given[name], kind, strict=True)
        except msgspec.ValidationError as error:
            raise ParameterError(
                f"{notebook}: parameter {name} = {given[name]!r}: {error}"
            ) from error


def run_notebook(
    source: Path, executed: Path, parameters: Mapping[str, Any], *, root: Path
) -> None:
    """Execute a notebook in the project folder and keep the executed copy.

    Parameters
    ----------
    source
        The notebook; it is not changed.
    executed
        Where the executed copy goes, after a failure too.
    parameters
        Exactly the declared ones.
    root
        Working folder of the run; its path is taken out of the executed copy.

    Raises
    ------
    ParameterError
        Before anything runs, when the parameters are not the declared ones.
    NotebookError
        When a cell failed; the message names the cell and the error.
    """
    import nbformat
    import papermill

    notebook = nbformat.read(source, as_version=4)
    check_parameters(parameters, declared_parameters(notebook), notebook=source.stem)
    executed.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _forward_progress(Path(folder) / "progress"):
        raw = Path(folder) / "executed.ipynb"
        failure = None
        try:
            papermill.execute_notebook(
                str(source),
                str(raw),
                dict(parameters),
                kernel_name="python3",
                cwd=str(root),
                progress_bar=False,
                execution_timeout=CELL_TIMEOUT_SECONDS,
                config=_local_kernel(Path(folder)),
            )
        except papermill.exceptions.PapermillExecutionError as error:
            failure = error
        if raw.is_file():
            cleaned = clean(nbformat.read(raw, as_version=4), root=root, temporary=Path(folder))
            executed.write_text(nbformat.writes(cleaned) + "\n", encoding="utf-8")
    if failure is not None:
        raise NotebookError(
            f"{source.name}: cell {failure.exec_count} failed with {failure.ename}: "
            f"{failure.evalue}; "
            "the executed copy is "
            f"{executed.relative_to(root) if executed.is_relative_to(root) else executed.name}"
        ) from failure


def _local_kernel(folder: Path) -> "Config":
    """Talk to the kernel over local sockets instead of unencrypted TCP, where the system has them.

    The sockets lie in a folder of this run's own: those of two runs in one working folder would
    have the same names, and each would wait for the other's kernel.
    """
    from traitlets.config import Config

    address = str(folder / "kernel")
    if os.name == "nt" or len(address) > LONGEST_SOCKET_PATH:
        return Config({"KernelManager": {"transport": "tcp"}})
    return Config({"KernelManager": {"transport": "ipc", "ip": address}})


@contextmanager
def _forward_progress(path: Path) -> Iterator[None]:
    """Show on our standard error what the kernel writes to
    its progress file, without it entering the notebook.
    """
    path.touch()
    stop = threading.Event()

    def follow() -> None:
        with path.open() as stream:
            while not stop.wait(0.3):
                if text := stream.read():
                    os.write(2, text.encode())
            os.write(2, stream.read().encode())

    previous = os.environ.get(PROGRESS_FILE)
    os.environ[PROGRESS_FILE] = str(path)
    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        os.environ.pop(PROGRESS_FILE)
        if previous is not None:
            os.environ[PROGRESS_FILE] = previous


def clean(notebook: "NotebookNode", *, root: Path, temporary: Path | None = None) -> "NotebookNode":
    """A notebook without absolute paths, secrets, timestamps
    or random identifiers; equal runs give equal bytes.
    """
    import nbformat

    text = nbformat.writes(notebook)
    for value in _secrets():
        text = text.replace(value, "[secret removed]")
    text = text.replace(UNFINISHED, "")  # results are read where they are when the run is over
    folders = [(str(root), "."), (str(temporary), "[temporary folder]") if temporary else ("", "")]
    for folder, stand_in in [*folders, (str(Path.home()), "~")]:
        if len(folder) > 1:
            text = text.replace(folder, stand_in)
    notebook = nbformat.reads(text, as_version=4)
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("language_info", None)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        for key in ("papermill", "execution"):
            cell["metadata"].pop(key, None)
    return notebook


def _secrets() -> list[str]:
    values = [value for name, value in os.environ.items() if SECRET_NAME.search(name)]
    return sorted((v for v in values if len(v) >= MINIMUM_SECRET_LENGTH), key=len, reverse=True)
