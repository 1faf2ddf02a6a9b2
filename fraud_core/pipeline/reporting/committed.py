"""A study's page from what is committed: the source
notebook's words, with figures and numbers of its results.

An executed notebook is archived nowhere (it holds timestamps), so a fresh clone has none. What it
has is the notebook's source, `metrics.json` and the drawings; this puts them together, and says so
on the page. Tables of rows are not among the committed results, and a sentence that the notebook
says on a condition is left out, since no code is run.
"""

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fraud_core.errors import ResultError
from fraud_core.pipeline.reporting.pandoc_renderer import options_of
from fraud_core.pipeline.reporting.results import resolve

NOTE = (
    "::: {.callout-note}\n## Rendered from the committed results\n\nThe notebook was not executed "
    "for this page. Its "
    "words stand with the numbers and drawings of `{folder}`; tables and sentences that depend on "
    "a run are left out. "
    "`make studies` runs it.\n:::"
)
NO_TABLE = "*This table is made by a run of the study and is not among the committed results.*"


def committed_notebook(source: Mapping[str, Any], folder: Path, *, shown_as: str) -> dict[str, Any]:
    """A notebook as if executed, its outputs taken from a results folder.

    Parameters
    ----------
    source
        The notebook as in notebooks/, without outputs.
    folder
        Folder with metrics.json and figures/.
    shown_as
        Name of the folder on the page.

    Raises
    ------
    ResultError
        When the results are not there, or lack a figure or a drawing that the notebook speaks of.
    """
    path = folder / "metrics.json"
    if not path.is_file():
        raise ResultError(
            f"{shown_as}/metrics.json: no such file; run the study with `make run` or `make "
            "studies`"
        )
    metrics = json.loads(path.read_bytes())
    cells = []
    for cell in source["cells"]:
        copy = {**cell, "source": "".join(cell["source"])}
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            copy["outputs"] = _outputs(copy["source"], metrics, folder, shown_as)
        cells.append(copy)
    note = {"cell_type": "markdown", "metadata": {}, "source": NOTE.replace("{folder}", shown_as)}
    return {**source, "cells": [cells[0], note, *cells[1:]]}


def _outputs(
    code: str, metrics: Mapping[str, Any], folder: Path, shown_as: str
) -> list[dict[str, Any]]:
    tree = ast.parse(code)
    calls = [
        (node.func.id, node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    outputs = []
    for called, call in calls:
        if called == "save_figure":
            name = words_of(call.args[2], {})
            drawing = folder / "figures" / f"{name}.svg"
            if not drawing.is_file():
                raise ResultError(
                    f"{shown_as}/figures/{name}.svg: no such file; run the study with `make "
                    "studies`"
                )
            outputs.append(_shown("image/svg+xml", drawing.read_text(encoding="utf-8")))
        elif called == "reading":
            assigned = {
                target.id: node.value
                for node in tree.body
                if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name)
            }
            outputs.append(
                _shown("text/markdown", resolve(words_of(call.args[0], assigned), metrics))
            )
    options = options_of(code.splitlines())
    if options.get("label", "").startswith("tbl-"):
        outputs.append(_shown("text/markdown", NO_TABLE))
    return outputs


def _shown(kind: str, content: str) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: content}}


def words_of(node: ast.expr, assigned: Mapping[str, ast.expr]) -> str:
    """The text that an expression of string literals
    gives; a part that depends on a run gives nothing.

    Examples
    --------
    >>> words_of(
    ...     ast.parse("'a ' + b + (c if d else 'e')", mode="eval").body, {"b": ast.Constant("b ")}
    ... )
    'a b '
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return words_of(node.left, assigned) + words_of(node.right, assigned)
    if isinstance(node, ast.Name) and node.id in assigned:
        return words_of(
            assigned[node.id], {name: value for name, value in assigned.items() if name != node.id}
        )
    return ""
