import json

import numpy as np
import pytest

from fraud_core.bundle.decider import DECISIONS, Decider
from fraud_core.pipeline.batch.scored_rows import BatchScorer, Wanted
from fraud_core.pipeline.stages.candidate import open_candidate
from fraud_core.pipeline.storage.dataset_versions import open_versions


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("project")
        for name in ("params.yaml", "dvc.yaml"):
            (folder / name).write_text("{}")
        patch.chdir(folder)
        return open_candidate("toy")


def test_probability_decision_and_reasons_are_those_of_single_rows(bundle):
    table = open_versions("toy").v1.select([field.name for field in bundle.contract.fields])
    fields = table.to_numpy()[:300].astype(np.float64)
    fields[5, 3] = 900.0  # far outside: the policy abstains
    scored = BatchScorer(bundle, Wanted(decisions=True, reasons=True)).score(fields)
    decider, names = Decider(bundle), list(bundle.contract.model_features)
    seen = [table.columns.index(name) for name in names]
    amount = table.columns.index(bundle.contract.amount)
    for row, (probability, alert, decision, reasons) in zip(fields, scored.rows(), strict=True):
        verdict = decider.decide(row[seen], row[amount])
        assert probability == verdict.fraud_probability == decider.probability(row[seen])
        assert alert == (probability >= bundle.policy.threshold)
        assert decision == verdict.decision
        assert [each["feature"] for each in json.loads(reasons)] == [
            reason.feature for reason in verdict.reasons
        ]
    assert set(scored["decision"]) >= {"approve", "abstain"}
    assert set(scored["decision"]) <= set(DECISIONS)
