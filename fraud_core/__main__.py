"""``python -m fraud_core``: the commands of the pipeline."""

from fraud_core.pipeline.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
