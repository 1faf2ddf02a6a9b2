"""Command line: its subcommands, their arguments and their purpose."""

import argparse
from collections.abc import Callable
from pathlib import Path

from fraud_core.pipeline.params import STUDIES, SWEEPS
from fraud_core.pipeline.paths import PROFILES

# Adds one subcommand, given its name and what it does in words.
Add = Callable[[str, str], argparse.ArgumentParser]


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; the one that was chosen stands under ``command``.

    Examples
    --------
    >>> build_parser().parse_args(["study", "drift"]).command
    'study'
    """
    parser = argparse.ArgumentParser(
        prog="python -m fraud_core", description="Commands of the fraud research pipeline."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=name)
        return command

    _add_data(add)
    _add_drift(add)
    _add_models(add)
    _add_records(add)
    _add_written(add)
    return parser


def _add_data(add: Add) -> None:
    """The commands that get, check and poison tables."""
    source = add("source", "choose the card's data or a table of your own")
    source.add_argument(
        "--data", type=Path, help="a CSV or parquet table with the columns of the card"
    )
    source.add_argument(
        "--card", type=Path, help="a card of events, for the study of entities (docs/entities.md)"
    )
    add("fetch", "get the raw tables and check their digests")
    add("prepare", "check the tables and write v0 and the sealed v1")
    add("poison", "write the poisoned versions of v0")
    scan = add(
        "scan", "scan a label batch for poisoning; exit code 2 when some was found, 3 unknown"
    )
    scan.add_argument("data", type=Path, help="a CSV or parquet table with the columns of the card")
    scan.add_argument(
        "--trusted", type=Path, help="a table whose labels are true; its last hours are used"
    )


def _add_models(add: Add) -> None:
    """The commands that train, study, promote and report."""
    add("train", "train the candidate on v0")
    add(
        "features",
        "train the model of customers and terminals, and write the pasts of a feature store",
    )
    study = add("study", "run a study notebook")
    study.add_argument("name", choices=[*STUDIES, *SWEEPS])
    promote = add("promote", "make the candidate the champion if the gate passed it")
    promote.add_argument(
        "--override-by", help="who promotes in spite of the gate; recorded with the reason"
    )
    promote.add_argument("--override-why", help="the reason of an override")
    rollback = add("rollback", "put the previous champion back")
    rollback.add_argument("--by", required=True, help="who does it; recorded with the reason")
    rollback.add_argument("--why", required=True, help="the reason")
    report = add("report", "render the report")
    unexecuted = add(
        "unexecuted", "print the stages whose executed notebook is not on this machine"
    )
    summary = add("summary", "print the headline figures")
    for command in (study, promote, report, unexecuted, summary):
        command.add_argument("--profile", choices=PROFILES, default="quick")


def _add_records(add: Add) -> None:
    """The commands for what is kept of models: lineage, signatures, runs, an example."""
    lineage = add("lineage", "recompute the digests behind a model; exit code 2 when one differs")
    lineage.add_argument("act", choices=["verify"])
    lineage.add_argument("id", help="the lineage_id of a decision or of /v1/model")
    keys = add("signing-key", "make a key pair that signs bundles")
    keys.add_argument(
        "folder", type=Path, help="folder outside the repository for signing.pem and public.pem"
    )
    add("track", "upload runs that MLflow has not taken yet")
    example = add("example", "print the first payment of v1 as a request for /predict")
    example.add_argument("--decision", action="store_true", help="as a request for /v1/decisions")


def _add_written(add: Add) -> None:
    """The commands that keep files in git current."""
    for name, text in (
        (
            "stages",
            "write dvc.yaml from the description of the stages and the imports of the code",
        ),
        ("readme", "write the current figures into README.md"),
    ):
        command = add(name, text)
        command.add_argument("--check", action="store_true", help="only say whether it is current")
    add(
        "reference",
        "write the API reference from the docstrings into reports/_site/reference",
    )
    add(
        "stale",
        "print the stages whose results are older than what they depend on; exit code 1 when any "
        "is",
    )


def _add_drift(add: Add) -> None:
    drift = add(
        "drift",
        "compare two tables of a card; exit code 2 when drifted, 3 when too few rows to say",
    )
    drift.add_argument(
        "reference", type=Path, help="a CSV or parquet table with the columns of the card"
    )
    drift.add_argument("current", type=Path, help="the table to compare with it")
    drift.add_argument("--card", help="the dataset card; default: data.card of params.yaml")
    drift.add_argument("--json", action="store_true", help="print one JSON object")
