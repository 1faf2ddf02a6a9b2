import msgspec
import numpy as np
import pytest

from fraud_core.bundle import load as bundle
from fraud_core.pipeline.storage.dataset_versions import open_versions
from serve.scoring.champion import load_champion
from tests.conftest import ROOT

ULB = ROOT / "data" / "v1" / "transactions_2023.parquet"


def test_prediction_equals_the_offline_score_exactly(client, champion, versions, transactions):
    offline = bundle.load_bundle(champion).bundle.probability(versions.holdout.X)
    for row, expected in list(zip(transactions, offline, strict=True))[:200]:
        answer = client.post("/predict", json=row)
        assert answer.status_code == 200
        assert answer.json()["fraud_probability"] == expected


def test_answer_names_what_decided(client, champion, transactions):
    served = bundle.load_bundle(champion).bundle
    scores = served.probability(
        np.array([[row[n] for n in served.contract.model_features] for row in transactions])
    )
    for row in (transactions[int(scores.argmax())], transactions[int(scores.argmin())]):
        answer = client.post("/predict", json=row).json()
        assert set(answer) == {"fraud_probability", "prediction", "threshold", "model_version"}
        assert answer["threshold"] == served.policy.threshold
        assert answer["prediction"] == int(answer["fraud_probability"] >= answer["threshold"])
        assert answer["model_version"] == served.version
    assert {
        client.post("/predict", json=transactions[int(k)]).json()["prediction"]
        for k in (scores.argmax(), scores.argmin())
    } == {0, 1}


def test_order_of_the_fields_does_not_matter(client, transactions):
    row = transactions[0]
    answers = [client.post("/predict", json=r).json() for r in (row, dict(reversed(row.items())))]
    assert answers[0] == answers[1]


def test_whole_numbers_are_numbers(client, transactions):
    assert client.post("/predict", json=transactions[0] | {"Amount": 12}).status_code == 200


@pytest.mark.slow
@pytest.mark.skipif(
    not ULB.is_file() or not (ROOT / "models/champion").is_dir(),
    reason="no data yet: run `make run`",
)
def test_every_row_of_v1_scores_online_what_it_scores_offline(tmp_path, monkeypatch):
    """All rows of the holdout through the reader and the
    row scorer of the service: the same bytes as the batch.
    """
    monkeypatch.chdir(ROOT)
    holdout = open_versions("data")
    champion = load_champion(ROOT / "models/champion")
    offline = champion.bundle.probability(holdout.holdout.X)
    rows = holdout.v1.select([field.name for field in champion.bundle.contract.fields])
    for row, expected in zip(rows.iter_rows(named=True), offline, strict=True):
        values, amount_eur = champion.reader.read(msgspec.json.encode(row))
        assert (
            champion.scorer.probability(values) == champion.decider.probability(values) == expected
        )
        assert amount_eur == row["Amount"]


def test_reasons_come_only_where_they_are_asked_for(client, transactions):
    plain = client.post("/predict", json=transactions[0]).json()
    explained = client.post("/predict?reasons=true", json=transactions[0]).json()
    assert "reasons" not in plain
    assert explained["reasons"]
    assert {name: explained[name] for name in plain} == plain
