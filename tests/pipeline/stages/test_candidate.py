import msgspec
import pytest

from fraud_core.bundle import load as bundle
from fraud_core.pipeline.stages import candidate
from fraud_core.pipeline.storage.dataset_versions import open_versions


def version(project) -> str:
    return bundle.content_version(project / "models/candidate")


def test_candidate_says_what_it_was_trained_on(trained):
    found = bundle.read_content(trained / "models/candidate")
    versions = open_versions("data")
    assert found.origin["data_sha256"] == versions.content_sha256
    assert found.contract.model_features == tuple(versions.card.model_features)
    assert [field.name for field in found.contract.fields] == [
        "Time",
        *(f"V{i}" for i in range(1, 29)),
        "Amount",
    ]
    assert 0 < found.policy.threshold < 1


def test_training_again_gives_the_same_model_and_another_seed_another_one(trained, small):
    before = version(trained)
    candidate.train_candidate(small)
    assert version(trained) == before
    candidate.train_candidate(
        msgspec.structs.replace(small, model=msgspec.structs.replace(small.model, seed=9))
    )
    assert version(trained) != before


def test_reference_shares_sum_to_one_for_every_feature(trained):
    reference = bundle.read_content(trained / "models/candidate").reference
    assert set(reference.features) == set(open_versions("data").card.model_features)
    for described in [*reference.features.values(), reference.score]:
        assert sum(described.shares) == pytest.approx(1.0)
        assert len(described.shares) == len(described.edges) + 1


def test_reference_knows_the_hours_where_each_of_them_holds_enough_rows(project):
    """Rows of one hour are like that hour, and an
    hour in which nothing was scored judges no score.
    """
    from fraud_core.data.splits import split_by_time
    from fraud_core.data.toy import toy_card, toy_transactions
    from fraud_core.drift.monitoring.reference_histogram import SCORE, reference_of_bundle
    from fraud_core.drift.monitoring.stream_monitor import StreamMonitor
    from fraud_core.pipeline.storage.dataset_versions import Versions

    table = toy_transactions(14_000, seed=0)
    night = table["Time"] % 86_400 < 6 * 3600
    table = table.with_columns(V7=table["V7"] + 3.0 * night)
    versions = Versions(toy_card(), *split_by_time(table, toy_card()))
    chosen = candidate.train_by(candidate.TOY_PLAN, "catboost", versions.training_rows)
    candidate.write_candidate("models/hours", chosen, versions, candidate.TOY_PLAN)
    found = bundle.read_content(project / "models/hours")
    assert len(found.reference.by_hour["V7"]) == 24
    reference = reference_of_bundle(
        msgspec.to_builtins(found.reference), found.contract.model_features
    )
    rows = versions.v1.select(found.contract.model_features).to_numpy()
    for hour, moved in ((3, False), (15, True)):
        monitor = StreamMonitor(reference, window_rows=2000)
        nightly = rows[(versions.v1["Time"] % 86_400 < 6 * 3600).to_numpy()]
        monitor.observe_many(nightly, found.probability(nightly), hour * 3600.0)
        verdict = monitor.verdict("rows", hour * 3600.0)
        assert verdict.state != "insufficient_data"
        assert ("V7" in verdict.material) == moved
        assert SCORE not in verdict.variables
