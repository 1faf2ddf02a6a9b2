"""Decisions on named entities: customer, terminal and
amount in, the features made here from what is remembered.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

import msgspec
import numpy as np

from fraud_core.bundle.decider import Code, Reason
from fraud_core.bundle.schema import Contract
from fraud_core.features.history import EntityHistory, Event, payment_features
from fraud_core.features.store_rows import MONDAY
from fraud_core.features.windows import feature_lookback_seconds
from serve.http.fields import Name
from serve.http.repeated_keys import repeated_key_detector
from serve.http.transaction import InvalidTransaction, Problem, decode_body

MOST_EUR = 1e7


class NamedEntities(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who pays whom how much, instead of features."""

    customer_id: Name
    terminal_id: Name
    amount_eur: Annotated[float, msgspec.Meta(ge=0.0, le=MOST_EUR)]


class Freshness(msgspec.Struct, frozen=True):
    """How old the newest payment is that is remembered of each entity when another comes.

    Attributes
    ----------
    customer_seconds, terminal_seconds
        None for an entity that was never seen; below 0 when the payment comes later than younger
        ones.
    ttl_seconds
        Beyond this age nothing is relied on.
    """

    customer_seconds: int | None
    terminal_seconds: int | None
    ttl_seconds: int


@dataclass(frozen=True)
class EntityHistories:
    """What the feature store holds of both entities, and the
    time of the newest payment of each (None: never seen).
    """

    customer: EntityHistory
    terminal: EntityHistory
    customer_at: int | None
    terminal_at: int | None


class FeatureStoreUnavailable(Exception):
    """The feature store cannot be read now."""


class HistoryReader(Protocol):
    """A feature store."""

    ttl_seconds: int

    async def read(self, customer_id: str, terminal_id: str) -> EntityHistories:
        """The histories of both, in one call; `FeatureStoreUnavailable` when there is none."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


@dataclass(frozen=True)
class Featurised:
    """The model's features of a payment, how fresh
    they are, and why they cannot be relied on, if so.
    """

    values: np.ndarray
    freshness: Freshness
    refused: tuple[Reason, ...]


decode_entities = msgspec.json.Decoder(NamedEntities).decode
repeats_a_key = repeated_key_detector(NamedEntities)


def read_entities(body: bytes) -> NamedEntities:
    """Read the entities of a request.

    Raises
    ------
    InvalidTransaction
        Naming the field.
    """
    named = decode_body(decode_entities, body)
    if repeats_a_key(body, named):
        raise InvalidTransaction(
            Problem(
                "Not a decision request",
                400,
                "duplicate_field",
                "entities: a field was sent more than once",
            )
        )
    return named


def monday_seconds(moment: datetime) -> int:
    """A moment in whole seconds from a Monday, as histories count."""
    return int(moment.timestamp()) - MONDAY


def featurise(
    payment: Event, histories_read: EntityHistories, contract: Contract, ttl_seconds: int
) -> Featurised:
    """The features of a payment by the code that made those of the training rows.

    Parameters
    ----------
    payment
        At a time from `monday_seconds`.
    contract
        Of a model of customers and terminals.
    ttl_seconds
        How far back the store remembers.

    Raises
    ------
    ValueError
        When the contract is not one of customers and terminals.
    """
    windows = contract.entities
    if windows is None:
        raise ValueError(f"{contract.card}: expected the contract of a model on entity history")
    made = payment_features(
        histories_read.customer,
        histories_read.terminal,
        payment,
        windows_days=windows.windows_days,
        label_delay_days=windows.label_delay_days,
    )
    made[contract.amount] = payment.amount_eur
    values = np.array([made[name] for name in contract.model_features])
    customer_seconds, terminal_seconds = (
        None if at is None else payment.time - at
        for at in (histories_read.customer_at, histories_read.terminal_at)
    )
    late = ttl_seconds - feature_lookback_seconds(windows.windows_days, windows.label_delay_days)
    reasons = [
        _unreliable(name, age, ttl_seconds, late)
        for name, age in (("customer_id", customer_seconds), ("terminal_id", terminal_seconds))
    ]
    return Featurised(
        values,
        Freshness(customer_seconds, terminal_seconds, ttl_seconds),
        tuple(reason for reason in reasons if reason is not None),
    )


def _unreliable(name: str, age: int | None, ttl_seconds: int, late_seconds: int) -> Reason | None:
    """Why the history of an entity cannot be relied on; None when it can."""
    if age is None:
        code: Code = "ENTITY_UNKNOWN"
    elif age > ttl_seconds:
        code = "ENTITY_STALE"
    elif age < -late_seconds:
        code = "EVENT_LATE"
    else:
        return None
    return Reason(
        code,
        name,
        0.0,
        None if age is None else float(age),
        (-float(late_seconds), float(ttl_seconds)),
    )
