import msgspec
import pytest

from fraud_core.model import bundle
from fraud_core.pipeline import candidate
from fraud_core.pipeline.versions import open_versions


def version(project) -> str:
    return bundle.content_version(project / "models/candidate")


def test_candidate_says_what_it_was_trained_on(trained):
    found = bundle.read_content(trained / "models/candidate")
    versions = open_versions("data")
    assert found.origin["data_sha256"] == versions.content_sha256
    assert found.contract.model_features == tuple(versions.card.model_features)
    assert [field.name for field in found.contract.fields] == ["Time", *(f"V{i}" for i in range(1, 29)), "Amount"]
    assert 0 < found.policy.threshold < 1


def test_training_again_gives_the_same_model_and_another_seed_another_one(trained, small):
    before = version(trained)
    candidate.train_candidate(small)
    assert version(trained) == before
    candidate.train_candidate(msgspec.structs.replace(small, model=msgspec.structs.replace(small.model, seed=9)))
    assert version(trained) != before


def test_reference_shares_sum_to_one_for_every_feature(trained):
    reference = bundle.read_content(trained / "models/candidate").reference
    assert set(reference.features) == set(open_versions("data").card.model_features)
    for described in [*reference.features.values(), reference.score]:
        assert sum(described.shares) == pytest.approx(1.0)
        assert len(described.shares) == len(described.edges) + 1
