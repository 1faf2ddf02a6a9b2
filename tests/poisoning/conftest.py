import numpy as np
import pytest

from fraud_core.poisoning.attacks.registry import attack
from fraud_core.poisoning.defences.definition import DefenceContext, with_trusted_labels
from fraud_core.poisoning.defences.nearest_neighbours import nearest_neighbours
from fraud_core.poisoning.detection.label_scan import detect
from fraud_core.poisoning.detection.out_of_fold import out_of_fold_scores
from fraud_core.poisoning.detection.quantised_pool import quantise


@pytest.fixture(scope="session")
def attacked(versions):
    """Poisoned toy rows as a defender sees them, with
    the context of the defences, by attack name and rate.
    """
    kept = {}

    def of(name: str, rate: float):
        if (name, rate) not in kept:
            rows = versions.training_rows
            if name == "clean":
                poisoned = attack("fraud_to_legit", rows, 0.0, rng=np.random.default_rng(1))
            else:
                poisoned = attack(name, rows, rate, rng=np.random.default_rng(1))
            seen = with_trusted_labels(poisoned.rows, poisoned.y_true[poisoned.rows.is_validation])
            quantised = quantise(seen.X)
            scores = out_of_fold_scores(seen, seed=1, quantised=quantised)
            neighbours, _ = nearest_neighbours(seen.X)
            context = DefenceContext(scores, detect(seen, scores, seed=1), quantised, neighbours)
            kept[name, rate] = poisoned, seen, context
        return kept[name, rate]

    return of
