"""Every error that this package raises on purpose.

FraudCoreError
├── ContractError    a table breaks its dataset card
├── SourceError      a data set could not be had, or is not the file that the card pins
├── SealError        the sealed holdout is not the one that was sealed
├── ParameterError   params.yaml or a notebook parameter is unknown, missing or out of range
├── NotebookError    a study notebook failed
├── ResultError      a figure that a page or the README names is missing
└── BundleError      a model bundle is incomplete, altered or of another format
"""


class FraudCoreError(Exception):
    """Base of all errors raised on purpose; the message names place, expectation, value and fix."""


class ContractError(FraudCoreError):
    """A table breaks its dataset card.

    Parameters
    ----------
    file
        Name of the table, as the user knows it.
    rule
        What the card demands.
    found
        What the table holds instead.
    column
        The column concerned, or None when the rule is about the whole file.
    row
        First offending data row, counted from 1 without the header, or None.
    fix
        What the user can do.
    """

    def __init__(
        self,
        *,
        file: str,
        rule: str,
        found: str,
        column: str | None = None,
        row: int | None = None,
        fix: str = "correct the file, or the dataset card if the card is wrong",
    ) -> None:
        self.file, self.rule, self.found = file, rule, found
        self.column, self.row, self.fix = column, row, fix
        place = file
        if column is not None:
            place += f", column {column}"
        if row is not None:
            place += f", row {row}"
        super().__init__(f"{place}: expected {rule}, found {found}; {fix}")


class SourceError(FraudCoreError):
    """A data set could not be had, or is not the file that the card pins."""


class SealError(FraudCoreError):
    """The sealed holdout is not the one that was sealed."""


class ParameterError(FraudCoreError):
    """A parameter is unknown, missing, of another type or out of range."""


class NotebookError(FraudCoreError):
    """A study notebook failed; the executed copy is kept."""


class ResultError(FraudCoreError):
    """A figure that a page or the README names is missing from the results."""


class BundleError(FraudCoreError):
    """A model bundle is incomplete, altered or of another format."""
