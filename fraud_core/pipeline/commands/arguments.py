"""Command line: its subcommands, their arguments and their purpose."""

import argparse
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from fraud_core.pipeline.params import STUDIES, SWEEPS
from fraud_core.pipeline.paths import CHAMPION, PROFILES

# Adds one subcommand, given its name and what it does in words.
Add = Callable[[str, str], argparse.ArgumentParser]
USAGE_EXIT_CODE = 64  # as sysexits.h has it; 2 says that a command found something
# What an exit code says, whatever the command.
EXIT_CODES = {
    0: "done; nothing that calls for action",
    1: "an error, in one line on standard error",
    2: "done, and it found something: poisoned labels, drift, refused rows, a broken lineage",
    3: "done, and it cannot say: too few rows or frauds",
    USAGE_EXIT_CODE: "wrong usage: an unknown command or a missing argument",
    130: "interrupted; finished parts are kept",
}
PROGRAM = "fraud"


def user_path(text: str) -> Path:
    """A path as a person writes it: ``~`` is their home, also where shells keep it (``DATA=~``).

    Examples
    --------
    >>> user_path("~/payments.csv") == Path.home() / "payments.csv"
    True
    """
    return Path(text).expanduser()


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints have an exit code of their own."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE_EXIT_CODE, f"{self.prog}: error: {message}\n")


class _GroupedParser(_Parser):
    """A parser whose help lists its subcommands by group."""

    listed: tuple[str, ...] = ()

    def format_help(self) -> str:
        """Usage, and one line for each command below the title of its group."""
        return "\n".join([self.format_usage(), self.description or "", *self.listed, ""])


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; the one that was chosen stands under ``command``.

    Examples
    --------
    >>> build_parser().parse_args(["study", "drift"]).command
    'study'
    """
    parser = _GroupedParser(
        prog=PROGRAM, description="Fraud research, from a table to a served decision."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    listed: list[str] = []

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(command=name)
        listed.extend(textwrap.wrap(f"  {name:12} {text}", 98, subsequent_indent=" " * 15))
        return command

    for title, add_group in GROUPS.items():
        listed += ["", title]
        add_group(add)
    listed += ["", f"`{PROGRAM} COMMAND --help` says what a command takes."]
    parser.listed = tuple(listed)
    return parser


def _add_data(add: Add) -> None:
    source = add("source", "choose the card's data or a table of your own")
    source.add_argument(
        "--data", type=user_path, help="a CSV or parquet table with the columns of the card"
    )
    source.add_argument(
        "--card",
        type=user_path,
        help="a card of events, for the study of entities (docs/entities.md)",
    )
    add("fetch", "get the raw tables and check their digests")
    add("prepare", "check the tables and write v0 and the sealed v1")
    add("poison", "write the poisoned versions of v0")


def _add_tables(add: Add) -> None:
    scan = add("scan", "scan a label batch for poisoning; exit code 2 when some was found")
    scan.add_argument(
        "data", type=user_path, help="a CSV or parquet table with the columns of the card"
    )
    scan.add_argument(
        "--trusted", type=user_path, help="a table whose labels are true; its last hours are used"
    )
    drift = add("drift", "compare two tables of a card; exit code 2 for material drift")
    drift.add_argument(
        "reference", type=user_path, help="a CSV or parquet table with the columns of the card"
    )
    drift.add_argument("current", type=user_path, help="the table to compare with it")
    drift.add_argument("--card", help="the dataset card; default: data.card of params.yaml")
    _add_score(add)
    for command in (scan, drift):
        command.add_argument("--json", action="store_true", help="print one JSON object")


def _add_score(add: Add) -> None:
    score = add("score", "score a table or a folder of them; exit code 2 when rows were refused")
    score.add_argument(
        "data", type=user_path, help="a CSV (also gzip, zstd) or parquet table, or a folder of them"
    )
    score.add_argument(
        "--out", type=user_path, required=True, help="the .csv or .parquet to write, or a folder"
    )
    score.add_argument(
        "--model",
        type=user_path,
        default=CHAMPION,
        help="folder of the bundle; default: the champion",
    )
    score.add_argument(
        "--keep", action="append", default=[], metavar="COLUMN", help="copy a column of the input"
    )
    score.add_argument("--decisions", action="store_true", help="add the decision of the policy")
    score.add_argument("--reasons", action="store_true", help="add the reasons, as JSON (slow)")
    score.add_argument("--overwrite", action="store_true", help="replace an output that is there")
    score.add_argument("--json", action="store_true", help="print one JSON object for each file")


def _add_studies(add: Add) -> None:
    lanes = add("lanes", "reproduce independent stages side by side")
    lanes.add_argument("lane", nargs="+", help="stages of one lane, between commas")
    study = add("study", "run a study notebook")
    study.add_argument("name", choices=[*STUDIES, *SWEEPS])
    report = add("report", "render the report")
    summary = add("summary", "print the headline figures")
    summary.add_argument("--json", action="store_true", help="print one JSON object")
    unexecuted = add(
        "unexecuted", "print the stages whose executed notebook is not on this machine"
    )
    for command in (study, report, summary, unexecuted):
        command.add_argument("--profile", choices=PROFILES, default="quick")


def _add_models(add: Add) -> None:
    add("train", "train the candidate on v0")
    add(
        "features",
        "train the model on entity history, and write the histories of a feature store",
    )
    promote = add("promote", "make the candidate the champion if the gate passed it")
    promote.add_argument("--profile", choices=PROFILES, default="quick")
    promote.add_argument(
        "--override-by", help="who promotes in spite of the gate; recorded with the reason"
    )
    promote.add_argument("--override-why", help="the reason of an override")
    rollback = add("rollback", "put the previous champion back")
    rollback.add_argument("--by", required=True, help="who does it; recorded with the reason")
    rollback.add_argument("--why", required=True, help="the reason")
    lineage = add("lineage", "recompute the digests behind a model; exit code 2 when one differs")
    lineage.add_argument("act", choices=["verify"])
    lineage.add_argument("id", help="the lineage_id of a decision or of /v1/model")
    keys = add("signing-key", "make a key pair that signs bundles")
    keys.add_argument(
        "folder",
        type=user_path,
        help="folder outside the repository for signing.pem and public.pem",
    )
    add("track", "upload runs that MLflow has not taken yet")
    example = add("example", "print the first payment of v1 as a request for /predict")
    example.add_argument("--decision", action="store_true", help="as a request for /v1/decisions")


def _add_written(add: Add) -> None:
    for name, text in (
        ("stages", "write dvc.yaml from the description of the stages and the imports"),
        ("readme", "write the current figures into README.md"),
    ):
        command = add(name, text)
        command.add_argument("--check", action="store_true", help="only say whether it is current")
    add("reference", "write the API reference from the docstrings")
    add("stale", "print the stages that are older than what they depend on; exit code 1 if any is")


def _add_help(add: Add) -> None:
    doctor = add("doctor", "say what is wrong with this checkout, and how to mend it")
    doctor.add_argument(
        "--port", type=int, default=8000, help="where the service would listen; default: 8000"
    )
    doctor.add_argument("--json", action="store_true", help="print one JSON object for each check")
    completion = add("completion", "print a script that completes commands in your shell")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"])


GROUPS: dict[str, Callable[[Add], None]] = {
    "Data": _add_data,
    "Tables": _add_tables,
    "Studies and reports": _add_studies,
    "Models": _add_models,
    "Files in git": _add_written,
    "Help": _add_help,
}
