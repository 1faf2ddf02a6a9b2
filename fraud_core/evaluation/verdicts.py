"""The one vocabulary of verdicts. A study that has words
of its own maps them to these, in one place beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fraud_core.errors import ResultError


class Verdict(StrEnum):
    """What evidence says of a question.

    Attributes
    ----------
    PASS, FAIL
        The evidence answers the question.
    INSUFFICIENT
        It could, with more rows or seeds; it does not now. Never a pass.
    NOT_ASSESSABLE
        These data can never answer it, whatever their number.

    Examples
    --------
    >>> Verdict("fail"), f"{Verdict.INSUFFICIENT}"
    ('fail', 'insufficient evidence')
    """

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INSUFFICIENT = "insufficient evidence"
    NOT_ASSESSABLE = "not assessable"

    def __repr__(self) -> str:
        return repr(self.value)


def verdict_of(word: str, words: Mapping[str, Verdict], *, study: str) -> Verdict:
    """The verdict that a study's own word stands for.

    Parameters
    ----------
    words
        The study's map of its words; every word that it can emit is in it.

    Raises
    ------
    ResultError
        When the study has no such word: a word that nobody maps would otherwise count as lack of
        evidence.

    Examples
    --------
    >>> verdict_of("fell", {"fell": Verdict.FAIL}, study="drift")
    'fail'
    """
    if word not in words:
        raise ResultError(
            f"{study}: expected a verdict among {', '.join(words)}, got {word!r}; map it where "
            "the study's words stand"
        )
    return words[word]


@dataclass(frozen=True)
class Evidence:
    """What a study says in a word, and whether it says it of the data at hand.

    Attributes
    ----------
    word
        The study's own word, or None when it has not been run.
    refused
        Why it does not count although it is there: it speaks of other data, or does not say of
        which. Empty when it counts.
    """

    word: str | None
    refused: str = ""

    def judged(self, words: Mapping[str, Verdict], *, study: str) -> tuple[Verdict, str]:
        """The verdict with its words; what is missing or
        speaks of other data is insufficient evidence.

        Examples
        --------
        >>> Evidence("fell").judged({"fell": Verdict.FAIL}, study="drift")
        ('fail', 'fell')
        >>> Evidence("fell", "of other data").judged({"fell": Verdict.FAIL}, study="drift")
        ('insufficient evidence', 'of other data')
        """
        if self.refused:
            return Verdict.INSUFFICIENT, self.refused
        if self.word is None:
            return Verdict.INSUFFICIENT, "not studied"
        return verdict_of(self.word, words, study=study), self.word
