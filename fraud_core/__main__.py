"""``fraud``, or ``python -m fraud_core``: the commands of the pipeline."""

import os

from fraud_core.pipeline.execution.arithmetic import fix_arithmetic, read_processor


def main() -> int:
    """Run the command that was given; returns its exit code."""
    fix_arithmetic(os.environ, read_processor())  # before anything imports NumPy
    from fraud_core.pipeline.commands.cli import main as run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
