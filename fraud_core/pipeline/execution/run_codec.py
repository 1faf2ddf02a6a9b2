"""Codec of one run of a cell: to the flat arrays that the store of finished cells keeps, and back.

Nothing else knows the flat names. A name is ``<part>/<field>``, and the array ``defences`` says
which there are.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from fraud_core.poisoning.study.bench import run_cell
from fraud_core.poisoning.study.cells import Cell, Inputs
from fraud_core.poisoning.study.run_results import (
    AttackFigures,
    DefendedRun,
    Recovery,
    RunResult,
    ScanFigures,
)

Flat = dict[str, np.ndarray]
Part = TypeVar("Part", AttackFigures, DefendedRun, Recovery, ScanFigures)


def run_encoded(cell: Cell, inputs: Inputs, settings: Mapping[str, Any]) -> Flat:
    """`run_cell`, as flat arrays: what a process of the grid hands back."""
    return encode_run(run_cell(cell, inputs, settings))


def encode_run(result: RunResult) -> Flat:
    """One run as arrays that `numpy.savez` keeps without pickling.

    Examples
    --------
    >>> run = RunResult(
    ...     AttackFigures(3, 0.1, 20.0), None, {"none": DefendedRun(np.zeros(2, "f4"), 0.5, 0.7)}
    ... )
    >>> sorted(encode_run(run))[:3]
    ['attack/false_fraud_share', 'attack/hidden_eur', 'attack/n_changed']
    """
    flat = _pack("attack", result.attack) | {
        "defences": np.array(list(result.defences), dtype=np.str_)
    }
    if result.scan is not None:
        flat |= _pack("scan", result.scan)
        if result.scan.recovery is not None:
            flat |= _pack("recovery", result.scan.recovery)
    for name, run in result.defences.items():
        flat |= _pack(f"defence/{name}", run)
    if result.selector_cleaned is not None:
        flat["selector_cleaned"] = np.array(result.selector_cleaned)
    return flat


def decode_run(flat: Mapping[str, np.ndarray]) -> RunResult:
    """The run that `encode_run` wrote.

    Examples
    --------
    >>> run = RunResult(
    ...     AttackFigures(3, 0.1, 20.0), None, {"none": DefendedRun(np.zeros(2, "f4"), 0.5, 0.7)}
    ... )
    >>> decode_run(encode_run(run)).defences["none"].threshold
    0.5
    """
    scan = None
    if "scan/alarmed" in flat:
        recovered = any(name.startswith("recovery/") for name in flat)
        recovery = _unpack("recovery", Recovery, flat) if recovered else None
        scan = _unpack("scan", ScanFigures, flat, recovery=recovery)
    cleaned = flat.get("selector_cleaned")
    return RunResult(
        _unpack("attack", AttackFigures, flat),
        scan,
        {name: _unpack(f"defence/{name}", DefendedRun, flat) for name in flat["defences"].tolist()},
        None if cleaned is None else bool(cleaned),
    )


def _pack(part: str, values: Part) -> Flat:
    named = ((field.name, getattr(values, field.name)) for field in fields(values))
    return {
        f"{part}/{name}": np.asarray(value)
        for name, value in named
        if value is not None and not isinstance(value, Recovery)
    }


def _unpack(part: str, kind: type[Part], flat: Mapping[str, np.ndarray], **others: Any) -> Part:
    stored = {
        field.name: flat[f"{part}/{field.name}"]
        for field in fields(kind)
        if f"{part}/{field.name}" in flat
    }
    return kind(
        **{name: value if value.ndim else value.item() for name, value in stored.items()}, **others
    )
