"""One order of addition on every machine, so that equal inputs give equal bytes.

OpenBLAS takes its kernels by the processor and its threads by the number of cores, NumPy its loops
by the widest vectors that it finds; each adds in another order, and what an optimiser makes of the
last digit reaches the seventh. Fixed here, for the commands of the pipeline and the kernels and
processes that they start, is what machines of the last ten years have in common. A variable that is
set already stays. One thread is no loss: two processes share the cores.
"""

from collections.abc import MutableMapping
from pathlib import Path

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
# For x86-64 with AVX2; a machine without it keeps what it has.
COMMON_KERNELS = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL "
    "AVX512_SPR",
}


def fix_arithmetic(environment: MutableMapping[str, str], processor: str) -> None:
    """Set the variables that NumPy and OpenBLAS read when they are first imported.

    Parameters
    ----------
    processor
        As from `read_processor`.

    Examples
    --------
    >>> environment = {"OPENBLAS_NUM_THREADS": "4"}
    >>> fix_arithmetic(environment, "flags : sse2 avx2 fma")
    >>> environment["OPENBLAS_NUM_THREADS"], environment["OPENBLAS_CORETYPE"]
    ('4', 'Haswell')
    """
    known = ONE_THREAD | (COMMON_KERNELS if "avx2" in processor.split() else {})
    for name, value in known.items():
        environment.setdefault(name, value)


def read_processor() -> str:
    """The system's description of the processor; empty where it gives none."""
    described = Path("/proc/cpuinfo")
    return described.read_text() if described.is_file() else ""
