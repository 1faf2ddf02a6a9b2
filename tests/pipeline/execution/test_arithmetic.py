import subprocess
import sys

from fraud_core.pipeline.execution.arithmetic import fix_arithmetic
from tests.conftest import ROOT


def test_processor_without_avx2_keeps_its_kernels():
    found = {}
    fix_arithmetic(found, "flags : sse2 sse4_2")
    assert found == {"OPENBLAS_NUM_THREADS": "1"}


def test_nothing_imports_numpy_before_it_is_fixed():
    code = (
        "import sys, runpy\n"
        "sys.argv = ['fraud_core', '--help']\n"
        "from fraud_core.pipeline.execution import arithmetic\n"
        "arithmetic.fix_arithmetic = lambda *given: print('numpy' in sys.modules)\n"
        "runpy.run_module('fraud_core', run_name='__main__')"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.splitlines()[0] == "False", run.stderr
