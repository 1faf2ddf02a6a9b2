"""A bundle of one small tree, written with whatever a test changes in it."""

from dataclasses import replace

import numpy as np

from fraud_core.bundle import load as bundle
from fraud_core.bundle.arrays import ModelArrays
from fraud_core.bundle.schema import Contract, Described, Field, Policy, Reference
from fraud_core.policy.actions import DecisionPolicy, PolicySettings
from fraud_core.scoring.leaf_tables import build_leaf_tables
from fraud_core.scoring.oblivious_trees import ObliviousTrees
from fraud_core.scoring.partition_ensemble import PartitionEnsemble

TREES = ObliviousTrees(
    np.array([[1, 0]], "i4"), np.array([[0.5, 2.0]], "f4"), np.arange(4.0)[None, :], 0.25
)
CONTRACT = Contract(
    card="t",
    fields=tuple(Field(name, "float", None, None) for name in ("Time", "a", "b")),
    model_features=("a", "b"),
    amount="b",
)
SETTINGS = PolicySettings(1.0, 0.1, 0.1, 100.0, 1.0)
ACTIONS = DecisionPolicy("expected_loss", SETTINGS, review_cost_eur=5.0, review_price_eur=0.0)
POLICY = Policy(slope=1.0, intercept=0.0, threshold=0.5, alert_budget=0.01, actions=ACTIONS)
DESCRIBED = Described((0.0,), (0.5, 0.5), 2, -1.0, 1.0, -0.5, 0.5)
REFERENCE = Reference({"a": DESCRIBED, "b": DESCRIBED}, DESCRIBED)
VOTES = PartitionEnsemble(np.ones((3, 3)), np.zeros(3), np.zeros(2), np.ones(2))


def arrays(trees=TREES, votes=VOTES, **tables):
    built = build_leaf_tables(trees, np.ones(trees.leaf_value.shape))
    return ModelArrays(trees, replace(built, **tables), votes)


def write(folder, **change):
    content = {
        "contract": CONTRACT,
        "model": arrays(),
        "policy": POLICY,
        "reference": REFERENCE,
        "origin": {"data_sha256": {"v0": "0"}, "parameters": {}},
    }
    return bundle.write_content(folder, **(content | change))
