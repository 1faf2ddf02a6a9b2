import json

import pytest

from fraud_core.errors import ResultError
from fraud_core.evaluation.verdicts import Evidence, Verdict, verdict_of

WORDS = {"fell": Verdict.FAIL, "rose": Verdict.PASS}


def test_verdict_is_written_and_shown_as_its_word():
    assert [str(verdict) for verdict in Verdict] == [
        "pass",
        "fail",
        "insufficient evidence",
        "not assessable",
    ]
    assert json.loads(json.dumps({"verdict": Verdict.FAIL})) == {"verdict": "fail"}
    assert repr(Verdict.PASS) == "'pass'"


def test_word_that_nobody_maps_is_an_error_and_names_those_that_are():
    assert verdict_of("rose", WORDS, study="drift") == Verdict.PASS
    with pytest.raises(ResultError, match="drift: expected a verdict among fell, rose, got 'up'"):
        verdict_of("up", WORDS, study="drift")


@pytest.mark.parametrize(
    ("evidence", "verdict", "words"),
    [
        (Evidence("fell"), Verdict.FAIL, "fell"),
        (Evidence(None), Verdict.INSUFFICIENT, "not studied"),
        (Evidence("rose", "of other data"), Verdict.INSUFFICIENT, "of other data"),
        (Evidence("up", "of other data"), Verdict.INSUFFICIENT, "of other data"),
    ],
)
def test_only_evidence_of_these_data_counts(evidence, verdict, words):
    assert evidence.judged(WORDS, study="drift") == (verdict, words)
