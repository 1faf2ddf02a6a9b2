"""Parts of a bundle beside its arrays: contract, policy, reference and manifest."""

from typing import Any

import msgspec
import numpy as np

from fraud_core.policy.actions import DecisionPolicy


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a request, with the closed range of its
    values; null says that nothing is known, where it may.
    """

    name: str
    type: str
    min: float | None
    max: float | None
    nullable: bool = False


class EntityWindows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the features of customer and terminal are made, for a service that makes them itself.

    Attributes
    ----------
    windows_days, label_delay_days
        As of `fraud_core.features.offline.add_features`.
    """

    windows_days: tuple[int, ...]
    label_delay_days: int


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of a request in order, those among them that
    the model sees, in its order, and the amount in euros.

    Attributes
    ----------
    entities
        Set when all fields but the amount are features of customer and terminal, which may be named
        instead.
    """

    card: str
    fields: tuple[Field, ...]
    model_features: tuple[str, ...]
    amount: str
    entities: EntityWindows | None = None


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How log-odds becomes a probability and a probability a decision."""

    slope: float
    intercept: float
    threshold: float
    alert_budget: float
    actions: DecisionPolicy


class Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The distribution of one feature, or of the score.

    Attributes
    ----------
    edges, shares
        Inner bin edges, ascending, and the share of each bin; one more share than edges.
    rows
        Rows described, those without a value left out.
    minimum, maximum
        Of all of them.
    low, high
        The 5% and 95% quantile: what the reasons of a decision call usual.
    missing
        Rows without a value.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    rows: int
    minimum: float
    maximum: float
    low: float
    high: float
    missing: int = 0

    def is_distribution(self) -> bool:
        """Whether edges and quantiles ascend and the shares of the bins make one whole."""
        ordered = (self.minimum, self.low, self.high, self.maximum)
        return (
            len(self.shares) == len(self.edges) + 1
            and abs(sum(self.shares) - 1.0) < 1e-9
            and bool(np.all(np.diff(self.edges) > 0))
            and bool(np.all(np.diff(ordered) >= 0))
        )


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the training rows looked like, and the score on the validation hours.

    Attributes
    ----------
    by_hour
        Rows by hour of the day and bin, for each feature and ``score``, 24 lists each; the last
        number of a list counts the rows without a value.
    """

    features: dict[str, Described]
    score: Described
    by_hour: dict[str, tuple[tuple[int, ...], ...]] | None = None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bundle consists of and where it came from: its lineage.

    Attributes
    ----------
    code_sha256, notebooks_sha256
        Digest of each room of the package, and of the source of each notebook, as they were at the
        promotion.
    """

    format: int
    model_version: str
    sha256: dict[str, str]
    git_revision: str
    library_versions: dict[str, str]
    data_sha256: dict[str, str]
    parameters: dict[str, Any]
    code_sha256: dict[str, str]
    notebooks_sha256: dict[str, str]
