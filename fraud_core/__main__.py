"""``python -m fraud_core``: the commands of the pipeline."""

import os

from fraud_core.pipeline.execution.arithmetic import fix_arithmetic, read_processor

if __name__ == "__main__":
    fix_arithmetic(os.environ, read_processor())  # before anything imports NumPy
    from fraud_core.pipeline.commands.cli import main

    raise SystemExit(main())
