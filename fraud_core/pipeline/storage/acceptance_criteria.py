"""Acceptance criteria of a table: data/criteria/<card>.poisoning.yaml."""

from fraud_core.pipeline.paths import within_project
from fraud_core.poisoning.study.acceptance import AcceptanceCriterion, decode_criteria

FOLDER = "data/criteria"


def read_criteria(card: str) -> list[AcceptanceCriterion]:
    """What the poisoning study of a table is asked to reach; nothing where no file says so.

    Raises
    ------
    ParameterError
        When the file is malformed.

    Examples
    --------
    >>> read_criteria("a_card_without_criteria")
    []
    """
    path = within_project(f"{FOLDER}/{card}.poisoning.yaml")
    return decode_criteria(path.read_bytes(), name=path.name) if path.is_file() else []
