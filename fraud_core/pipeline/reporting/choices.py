"""The register of choices (docs/choices.md) as a table, and the counts that pages show."""

import re

import msgspec

from fraud_core.errors import ResultError
from fraud_core.pipeline.paths import within_project

REGISTER = "docs/choices.md"
COLUMNS = ("no.", "choice", "made on", "test figure known", "evidence")
# A bar inside a cell would be written as \|.
CELL_END = re.compile(r"(?<!\\)\|")


class Choice(msgspec.Struct, frozen=True):
    """One row of the register.

    Attributes
    ----------
    known
        Whether a figure of the test period that the choice can move was known when it was made.
    """

    number: int
    words: str
    made_on: str
    known: bool
    evidence: str


def read_choices() -> list[Choice]:
    """The rows of the register, in order.

    Raises
    ------
    ResultError
        When the table has other columns, a number out of turn, an empty cell, or neither yes nor
        no.

    Examples
    --------
    >>> [choice.number for choice in read_choices()][:3]
    [1, 2, 3]
    """
    lines = [
        line
        for line in within_project(REGISTER).read_text(encoding="utf-8").splitlines()
        if line[:1] == "|"
    ]
    rows = [tuple(cell.strip() for cell in CELL_END.split(line)[1:-1]) for line in lines]
    if not rows or rows[0] != COLUMNS:
        raise ResultError(f"{REGISTER}: expected a table with the columns {', '.join(COLUMNS)}")
    return [_choice(number, row) for number, row in enumerate(rows[2:], 1)]


def _choice(number: int, row: tuple[str, ...]) -> Choice:
    if (
        len(row) != len(COLUMNS)
        or not all(row)
        or row[0] != str(number)
        or row[3] not in ("yes", "no")
    ):
        raise ResultError(
            f"{REGISTER}, row {number}: expected the number {number}, four cells that are filled, "
            "and yes or no under "
            f"`test figure known`, got {' | '.join(row)[:80]}"
        )
    return Choice(number, row[1], row[2], row[3] == "yes", row[4])


def choice_counts() -> dict[str, int]:
    """How many choices there are, and how many were made with a figure of the test period known."""
    choices = read_choices()
    return {"total": len(choices), "known": sum(choice.known for choice in choices)}
