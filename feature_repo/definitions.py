"""What the store holds: the history of each customer
and each terminal, over the tables in data/features.

A window ends at the payment that asks, so counts and means that were stored with an earlier payment
would be wrong by then. The store holds what they are made of;
`fraud_core.features.history.payment_features` makes them when a payment comes.
"""

# `make features` adds Feast to the environment:
# pyright: reportMissingImports=false
from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Array, Int64, String

from fraud_core.features.store_rows import KINDS
from fraud_core.pipeline.params import read_params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.stages.entity_model import store_lookback_seconds

TYPES = {
    "ids": String,
    "times": Int64,
    "cents": Int64,
    "reported_ids": String,
    "reported_times": Int64,
}
SERVICE = "payment"
TTL = timedelta(
    seconds=store_lookback_seconds(read_params(within_project("params.yaml")).entity_model)
)


def history_view(kind: str) -> tuple[Entity, FeatureView]:
    """The entity of one kind and the view of its histories,
    filled from a table and pushed to event by event.
    """
    entity = Entity(name=kind, join_keys=[f"{kind}_id"], value_type=ValueType.STRING)
    table = FileSource(
        name=f"{kind}_table",
        path=f"../data/features/{kind}s.parquet",
        timestamp_field="event_timestamp",
    )
    fields = [Field(name=f"{kind}_{part}", dtype=Array(dtype)) for part, dtype in TYPES.items()]
    push = PushSource(name=f"{kind}_push", batch_source=table)
    return entity, FeatureView(
        name=f"{kind}_past", entities=[entity], ttl=TTL, schema=fields, source=push, online=True
    )


VIEWS = {kind: history_view(kind) for kind in KINDS}
PAYMENT = FeatureService(name=SERVICE, features=[view for _, view in VIEWS.values()])
OBJECTS = [*(part for pair in VIEWS.values() for part in pair), PAYMENT]
