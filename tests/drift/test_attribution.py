import numpy as np
import pytest

from fraud_core.data.arrays import Arrays
from fraud_core.drift.attribution import CAUSES, INCONCLUSIVE, fit_attributor
from fraud_core.drift.decomposition import decompose
from fraud_core.drift.evidence import Evidence, LabelledWindow, gather_evidence
from fraud_core.drift.label_free import estimate_performance, expected_average_precision
from fraud_core.drift.replay import POLICIES, Schedule, first_detection, hide_frauds, replay, summarise_replay
from fraud_core.drift.scenarios import HELD_OUT_STRENGTHS, STRENGTHS, make_pool, run_scenarios, simulate
from fraud_core.model.metrics import average_precision

MODEL = {"seed": 1, "n_threads": 1, "catboost": {"iterations": 20}}
DECISION = {"alert_budget": 0.05, "review_cost_eur": 5.0}
LIMITS = {"n_bins": 10, "psi_limit": 0.1, "domain_limit": 0.6, "alpha": 0.05}


@pytest.fixture(scope="module")
def pool():
    rng = np.random.default_rng(5)
    n, frauds = 12_000, 240
    features, y = rng.normal(size=(n, 5)), np.zeros(n, dtype=int)
    y[:frauds] = 1
    features[:frauds, 0] += 4.0
    probability = 1 / (1 + np.exp(-(3 * features[:, 0] - 9)))
    return make_pool(LabelledWindow(features, y, probability), np.zeros(n, bool))


def evidence_of(pool, cause, strength, seed=0):
    rng = np.random.default_rng(seed)
    return gather_evidence(*simulate([pool], cause, strength, rng=rng), rng=rng)


class TestEvidence:
    def test_each_cause_shows_where_it_should(self, pool):
        assert evidence_of(pool, "labels_hidden", 0.6).high_legitimate > 4
        injected, pattern = evidence_of(pool, "labels_injected", 1.0), evidence_of(pool, "new_pattern", 1.0)
        assert min(injected.low_fraud, pattern.low_fraud) > 4
        assert pattern.displacement > injected.displacement + 1
        prior = evidence_of(pool, "prior", 2.5)
        assert prior.suspicious > 4
        assert abs(prior.expected) < 3.5
        assert evidence_of(pool, "covariate", 1.0).features > 5

    def test_unchanged_windows_show_little(self, pool):
        found = np.array([evidence_of(pool, "none", 0.0, seed).high_legitimate for seed in range(10)])
        assert np.abs(found).mean() < 2.5

    def test_label_attacks_leave_the_features_alone(self, pool):
        assert evidence_of(pool, "labels_injected", 1.0, seed=3).scores < 6

    def test_windows_without_rows_or_frauds_are_errors(self, pool):
        rows = pool.rows
        for bad in (slice(0, 100), slice(1000, 3000)):
            part = LabelledWindow(rows.features[bad], rows.y_seen[bad], rows.probability[bad])
            with pytest.raises(ValueError, match="attribution: expected"):
                gather_evidence(part, rows, rng=np.random.default_rng(0))


class TestScenarios:
    @pytest.mark.parametrize("cause", CAUSES)
    def test_reference_is_never_touched_and_labels_change_only_under_label_causes(self, pool, cause):
        rng = np.random.default_rng(1)
        reference, current = simulate([pool], cause, HELD_OUT_STRENGTHS[cause][0], rng=rng)
        assert len(reference.y_seen) == 6000
        assert set(np.unique(reference.y_seen)) == {0, 1}
        assert len(current.y_seen) == len(current.probability) == len(current.features)

    def test_strengths_of_the_judgement_are_not_those_of_the_fit(self):
        for cause in set(CAUSES) - {"none"}:
            assert not set(STRENGTHS[cause]) & set(HELD_OUT_STRENGTHS[cause])

    def test_unknown_cause_is_refused(self, pool):
        with pytest.raises(ValueError, match="expected one of none"):
            simulate([pool], "weather", 1.0, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def attributor(pool):
    built = run_scenarios([pool], STRENGTHS, n_each=12, rng=np.random.default_rng(2))
    return fit_attributor(
        [one.evidence for one in built], [one.cause for one in built],
        false_attack_rate=0.01, minimum_confidence=0.4, seed=1,
    )  # fmt: skip


class TestAttributor:
    def test_strong_attacks_are_named(self, attributor, pool):
        assert attributor.judge(evidence_of(pool, "labels_hidden", 0.7, seed=8)).verdict == "labels_hidden"
        assert attributor.judge(evidence_of(pool, "labels_injected", 1.5, seed=8)).verdict == "labels_injected"

    def test_unchanged_windows_are_not_called_attacks(self, attributor, pool):
        found = [attributor.judge(evidence_of(pool, "none", 0.0, 50 + seed)).verdict for seed in range(12)]
        assert sum(verdict.startswith("labels") for verdict in found) <= 1

    def test_probabilities_sum_to_one_and_the_reason_is_given(self, attributor):
        judged = attributor.judge(Evidence(*[0.0] * 11))
        assert sum(judged.probabilities.values()) == pytest.approx(1.0)
        assert "confidence" in judged.reason

    def test_reference_with_few_frauds_is_inconclusive(self, attributor, pool):
        rows = pool.rows
        few = LabelledWindow(rows.features[230:3000], rows.y_seen[230:3000], rows.probability[230:3000])
        judged = attributor.attribute(few, rows, rng=np.random.default_rng(0))
        assert judged.verdict == INCONCLUSIVE
        assert "10 frauds" in judged.reason


class TestLabelFree:
    def test_expectation_agrees_with_drawn_labels(self, rng):
        p = rng.beta(0.1, 2.0, 4000)
        drawn = [average_precision((rng.random(4000) < p).astype(int), p) for _ in range(60)]
        assert expected_average_precision(p) == pytest.approx(np.mean(drawn), abs=0.01)

    def test_a_new_pattern_is_invisible_to_the_estimate(self, rng):
        margin = rng.normal(-4.0, 2.0, 20_000)
        y = (rng.random(20_000) < 1 / (1 + np.exp(-margin))).astype(int)
        hidden = y.copy()
        hidden[np.flatnonzero(margin < -5)[:1500]] = 1
        fine, broken = (estimate_performance(margin, y, margin, truth, rng=rng).error.value for truth in (y, hidden))
        assert abs(fine) < 0.03 < broken


class TestDecomposition:
    def test_parts_add_up(self, rng):
        a, b = rng.normal(size=(2000, 2)), rng.normal(0.5, 1, size=(2000, 2))
        found = decompose(a, b, {"loss": (a[:, 0] ** 2, b[:, 0] ** 2 + 0.3)}, rng=rng)["loss"]
        total = found.leaving.value + found.conditional.value + found.arriving.value
        assert total == pytest.approx(found.change.value)

    def test_moved_rows_of_one_meaning_are_covariate(self, rng):
        a, b = rng.normal(size=(4000, 2)), rng.normal(0.7, 1, size=(4000, 2))
        found = decompose(a, b, {"loss": (a[:, 0], b[:, 0])}, rng=rng)["loss"]
        assert found.covariate == pytest.approx(0.7, abs=0.15)
        assert abs(found.conditional.value) < 0.12


@pytest.fixture(scope="module")
def stream():
    rng = np.random.default_rng(3)
    n = 6000
    y = (rng.random(n) < 0.08).astype(int)
    features = rng.normal(size=(n, 4)).astype(np.float32)
    features[y == 1, 0] += 2.5
    return Arrays(features, y, np.full(n, 50.0), np.arange(n) * 28.8)


class Recorder:
    """Stands for an attributor and remembers the labels it was shown."""

    def __init__(self):
        self.seen = []

    def attribute(self, reference, current, *, rng):
        from fraud_core.drift.attribution import Attribution

        self.seen.append((len(current.y_seen), int(current.y_seen.sum())))
        return Attribution("none", 1.0, {}, "")


class TestReplay:
    SCHEDULE = Schedule(train_hours=12, calibrate_hours=20, block_hours=4, label_delay_hours=4)

    def test_labels_are_used_only_after_their_delay(self, stream):
        recorder = Recorder()
        blocks = replay(
            stream, stream.y_true, list("abcd"), self.SCHEDULE, recorder,
            model=MODEL, decision=DECISION, limits=LIMITS, rng=np.random.default_rng(0),
        )  # fmt: skip
        assert blocks[0].cause == INCONCLUSIVE
        assert [block.labels_known for block in blocks[:2]] == [2500, 3000]
        assert [rows for rows, _ in recorder.seen[:3]] == [500, 1000, 1000]
        assert set(blocks[0].cost_eur) == set(POLICIES)

    def test_hidden_labels_change_what_retraining_costs_and_nothing_of_the_first_model(self, stream):
        hidden = hide_frauds(stream, 0.9, from_hour=28, rng=np.random.default_rng(0))
        assert hidden[: 28 * 125].sum() == stream.y_true[: 28 * 125].sum()
        plain, attacked = (
            replay(
                stream, seen, list("abcd"), self.SCHEDULE, Recorder(),
                model=MODEL, decision=DECISION, limits=LIMITS, rng=np.random.default_rng(0),
            )
            for seen in (stream.y_true, hidden)
        )  # fmt: skip
        assert [b.cost_eur["never"] for b in plain] == [b.cost_eur["never"] for b in attacked]
        assert sum(b.cost_eur["each_block"] for b in plain) < sum(b.cost_eur["each_block"] for b in attacked)
        summary = summarise_replay(plain, attacked, attack_hour=28)
        assert summary["replay.detected"] == "never"
        assert "replay.hours_to_detect" not in summary
        assert first_detection(attacked, ("labels_hidden",), from_hour=28) is None
