import numpy as np
import pytest

from fraud_core.poisoning.attacks import attack
from fraud_core.poisoning.defences import Evidence, trust
from fraud_core.poisoning.neighbours import nearest_neighbours
from fraud_core.poisoning.quantised import quantise
from fraud_core.poisoning.scan import detect
from fraud_core.poisoning.scores import out_of_fold_scores


@pytest.fixture(scope="session")
def attacked(versions):
    """Poisoned toy rows as a defender sees them, with the evidence on them, by attack name and rate."""
    kept = {}

    def of(name: str, rate: float):
        if (name, rate) not in kept:
            rows = versions.training_rows
            if name == "clean":
                poisoned = attack("fraud_to_legit", rows, 0.0, rng=np.random.default_rng(1))
            else:
                poisoned = attack(name, rows, rate, rng=np.random.default_rng(1))
            seen = trust(poisoned.rows, poisoned.y_true[poisoned.rows.validation])
            quantised = quantise(seen.features)
            scores = out_of_fold_scores(seen, seed=1, quantised=quantised)
            neighbours, _ = nearest_neighbours(seen.features)
            evidence = Evidence(scores, detect(seen, scores, seed=1), quantised, neighbours)
            kept[name, rate] = poisoned, seen, evidence
        return kept[name, rate]

    return of
