"""One row in compiled code, where there is a C compiler:
``python -m serve.scoring.compiled_scorer`` makes it.

It is optional, and equal: the service scores by NumPy where it is not there, and a kernel that does
not give the very bits of NumPy is not used. The binary's name holds the digest of its source, so
that one of another source is not found.
"""

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from fraud_core.bundle.load import Bundle
from fraud_core.scoring.row_scorer import RowScorer

SOURCE = Path(__file__).with_name("kernel.c")
# Without contraction no multiplication is fused with an addition, which would change the last bit
# on some processors.
FLAGS = ("-O2", "-std=c99", "-ffp-contract=off", "-fno-fast-math", "-shared", "-fPIC")
COMPARED_ROWS = 256


class CompiledScorer(RowScorer):
    """Scores single rows in compiled code, equal to the bit to `RowScorer`; for one thread.

    Parameters
    ----------
    bundle
        A verified bundle: loading it has checked that every place it names lies inside its arrays.
    library
        The compiled source.
    """

    def __init__(self, bundle: Bundle, library: ctypes.CDLL) -> None:
        n_features = len(bundle.contract.model_features)
        super().__init__(bundle.trees, bundle.model.tables, bundle.calibration, n_features)
        trees = bundle.trees
        n_trees, depth = trees.feature.shape
        self._row = np.zeros(n_features)
        # held for as long as the compiled code has their addresses
        self._arrays = {
            "feature": np.ascontiguousarray(trees.feature, dtype=np.intc),
            "border": np.ascontiguousarray(trees.border, dtype=np.float32),
            "leaf_value": np.ascontiguousarray(trees.leaf_value, dtype=np.float64),
            "row": self._row,
            "seen": np.zeros(n_features, dtype=np.float32),
            "chosen": np.zeros(n_trees),
        }
        addresses = {name: array.ctypes.data for name, array in self._arrays.items()}
        self._trees = _Trees(
            **addresses, bias=trees.bias, n_trees=n_trees, depth=depth, n_features=n_features
        )
        self._address = ctypes.byref(self._trees)
        self._compiled = library.log_odds
        self._compiled.restype = ctypes.c_double

    def log_odds(self, values: np.ndarray) -> float:
        """Log-odds of one row of shape (n_features,) before calibration."""
        self._row[:] = values
        return self._compiled(self._address)

    def probability(self, values: np.ndarray) -> float:
        """Calibrated probability of fraud of one row of shape (n_features,)."""
        return self._calibrated(self.log_odds(values))


class _Trees(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("feature", "border", "leaf_value")),
        ("bias", ctypes.c_double),
        *((name, ctypes.c_long) for name in ("n_trees", "depth", "n_features")),
        *((name, ctypes.c_void_p) for name in ("row", "seen", "chosen")),
    )


def row_scorer(bundle: Bundle) -> RowScorer:
    """The fastest scorer of single rows that gives the bits of NumPy."""
    described = (bundle.reference.features[name] for name in bundle.contract.model_features)
    least, most = np.array([(feature.minimum, feature.maximum) for feature in described]).T
    plain = RowScorer(bundle.trees, bundle.model.tables, bundle.calibration, len(least))
    if not binary().is_file():
        return plain
    try:
        compiled = CompiledScorer(bundle, ctypes.CDLL(str(binary())))
    except OSError as error:
        print(
            f"warning: {binary().name} cannot be loaded and is not used ({error}); delete it",
            flush=True,
        )
        return plain
    if all(compiled.log_odds(row) == plain.log_odds(row) for row in _spread(least, most)):
        return compiled
    print(
        f"warning: {binary().name} gives other figures than NumPy and is not used; delete it",
        flush=True,
    )
    return plain


def _spread(least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Rows all over the training range, shape (256,
    n_features); a generator would cost megabytes to load.

    An odd step visits each place of a grid of 256 once, in another order for each feature.
    """
    feature = np.arange(len(least))
    place = np.arange(COMPARED_ROWS)[:, None] * (2 * feature + 1) % COMPARED_ROWS
    return np.linspace(least, most, COMPARED_ROWS)[place, feature]


def binary() -> Path:
    """Where the compiled source of this version is, or would be."""
    return SOURCE.with_name(f"kernel-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}.so")


def compile_source() -> str:
    """Compile the source with the compiler of ``CC``, or ``cc``, and say what was done."""
    command = shlex.split(os.environ.get("CC", "cc"))
    if binary().is_file():
        return "is there"
    if shutil.which(command[0]) is None:
        return f"no C compiler ({command[0]}) here: the service scores by NumPy"
    partial = binary().with_suffix(".partial")
    done = subprocess.run(
        [*command, *FLAGS, "-o", str(partial), str(SOURCE)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return f"does not compile here: the service scores by NumPy\n{done.stderr[:2000]}"
    partial.replace(binary())
    return "compiled"


if __name__ == "__main__":
    print(f"kernel: {compile_source()}", file=sys.stderr)
