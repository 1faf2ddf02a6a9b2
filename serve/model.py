"""The champion as the handlers use it, and the one place that knows what a bundle offers to them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fraud_core.errors import BundleError
from fraud_core.model.bundle import Bundle, Manifest, load_bundle, read_manifest
from fraud_core.model.decide import Verdict, decide
from serve.wire import TransactionReader, transaction_reader

AMOUNT = "Amount"


@dataclass(frozen=True)
class Model:
    """A loaded, verified and tried champion.

    Attributes
    ----------
    score
        Probability of rows, timed where telemetry is on.
    amount_position
        Where the amount stands among the fields of the contract.
    self_test_probability
        What the self-test row scored when the model was loaded.
    """

    bundle: Bundle
    manifest: Manifest
    reader: TransactionReader
    score: Callable[[np.ndarray], np.ndarray]
    amount_position: int
    self_test_probability: float

    @property
    def version(self) -> str:
        """Digest of the model."""
        return self.bundle.version

    @property
    def policy_version(self) -> str:
        """Digest of the policy."""
        return self.manifest.sha256["policy.json"][:16]

    @property
    def lineage_id(self) -> str:
        """What the lineage of the model is known by."""
        return self.bundle.version

    def verdict(self, features: np.ndarray, amount_eur: float) -> Verdict:
        """The decision on one row, shape (n_features,)."""
        return decide(self.bundle, features, amount_eur)

    def passes_self_test(self) -> bool:
        """Whether the self-test row still scores exactly what it did at load."""
        return _self_test(self.bundle) == self.self_test_probability

    def lineage(self) -> dict[str, Any]:
        """Where the model came from, as it is recorded and answered."""
        manifest = msgspec.to_builtins(self.manifest)
        return {
            "lineage_id": self.lineage_id,
            "model_version": self.version,
            "policy_version": self.policy_version,
            "git_revision": manifest["git_revision"],
            "data_sha256": manifest["data_sha256"],
            "parameters": manifest["parameters"],
            "library_versions": manifest["library_versions"],
            "files_sha256": manifest["sha256"],
        }

    def thresholds(self) -> dict[str, float]:
        """The probabilities at which the decision changes."""
        return {"review": self.bundle.policy.threshold}

    def costs(self) -> dict[str, float]:
        """What the policy weighs, in euros or as shares."""
        policy = self.bundle.policy
        return {"review_cost_eur": policy.review_cost_eur, "alert_budget": policy.alert_budget}


def load_model(folder: Path, timed: Callable[[Callable], Callable] | None = None) -> Model:
    """Load and verify a bundle, and score its self-test row.

    Parameters
    ----------
    timed
        Wraps the scoring function where telemetry is on.

    Raises
    ------
    BundleError
        When the bundle is missing, altered, or does not score.
    """
    bundle, manifest = load_bundle(folder), read_manifest(folder)
    if manifest.model_version != bundle.version:
        raise BundleError(f"{folder.name}: the bundle changed while it was read; load it again")
    names = [field.name for field in bundle.contract.fields]
    if AMOUNT not in names:
        raise BundleError(f"{folder.name}/contract.json: expected a field {AMOUNT}, since losses depend on it")
    probability = _self_test(bundle)
    if not 0.0 <= probability <= 1.0:
        raise BundleError(f"{folder.name}: the self-test row does not score; make the bundle anew with `make run`")
    score = timed(bundle.probability) if timed else bundle.probability
    return Model(bundle, manifest, transaction_reader(bundle.contract), score, names.index(AMOUNT), probability)


def _self_test(bundle: Bundle) -> float:
    return float(bundle.probability(np.zeros((1, len(bundle.contract.model_features))))[0])
