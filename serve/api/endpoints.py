"""Every endpoint once: method, path, who may call it, and what its documentation says."""

from typing import Annotated, Any

import msgspec

from fraud_core.bundle.schema import Manifest
from fraud_core.policy.actions import DecisionPolicy
from serve.api.decisions import DecisionAnswer
from serve.api.explanations import Explanation
from serve.api.mlflow_invocations import Predictions
from serve.api.open_inference import InferAnswer, ModelMetadata, ServerMetadata
from serve.api.predict import Prediction
from serve.api.records import LabelEvent, RecordedLabel
from serve.auth.api_keys import Scope
from serve.http.fields import Instant


class Health(msgspec.Struct):
    """The state of the service."""

    status: str


class Ready(msgspec.Struct):
    """The model that is ready to decide; a warning when the model folder holds another."""

    status: str
    model_version: str
    lineage_id: str
    warning: str | None = None


class DriftInfo(msgspec.Struct):
    """The last rows of the traffic against the training data."""

    state: str
    rows: int
    drifted: list[str]


class ModelInfo(msgspec.Struct):
    """The model that serves."""

    model_version: str
    lineage_id: str
    estimator: str
    validation: dict[str, float]
    features: list[str]
    drift: DriftInfo


class PolicyInfo(msgspec.Struct):
    """The policy that decides."""

    policy_version: str
    slope: float
    intercept: float
    threshold: float
    alert_budget: float
    actions: DecisionPolicy


class Lineage(msgspec.Struct):
    """Every digest behind a model."""

    lineage_id: str
    manifest: Manifest


class Served(msgspec.Struct):
    """The model that serves after a look for another one."""

    model_version: str
    lineage_id: str


class DecisionPage(msgspec.Struct):
    """Decisions in the order in which they were recorded, where the next
    page begins, and where what is recorded after this page will begin.
    """

    decisions: list[DecisionAnswer]
    next_cursor: str | None
    tail_cursor: str


class BatchAnswer(msgspec.Struct):
    """The outcome of one request of a batch: a decision or a problem."""

    status: int
    decision: DecisionAnswer | None = None
    problem: dict[str, Any] | None = None


class BatchAnswers(msgspec.Struct):
    """Outcomes in the order of the requests."""

    items: list[BatchAnswer]


class Query(msgspec.Struct, frozen=True):
    """A parameter of the query string."""

    name: str
    kind: Any
    text: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint.

    Attributes
    ----------
    route
        ``METHOD /path``.
    scope
        What a caller needs; None lets everybody in.
    body
        Type of the request body: a struct, the name of a body that the contract of the model that
        serves makes (`serve.api.openapi`), or None.
    answer
        Type of the answer.
    problems
        Statuses of the errors beside those that every endpoint of its kind may give.
    shown
        Whether the documentation lists it.
    """

    route: str
    scope: Scope | None = None
    summary: str = ""
    tag: str = ""
    body: Any = None
    answer: Any = None
    status: int = 200
    problems: tuple[int, ...] = ()
    query: tuple[Query, ...] = ()
    idempotent: bool = False
    shown: bool = True


TIME_RANGE = (
    Query("from", Instant, "Earliest time of a decision"),
    Query("to", Instant, "Time before which decisions were made"),
    Query(
        "cursor",
        Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")],
        "The next_cursor or tail_cursor of another page, or the decision_id of its last decision",
    ),
    Query("limit", Annotated[int, msgspec.Meta(ge=1, le=500)], "Decisions on a page, 1 to 500"),
)
BODY = (400, 408, 413, 415)
VERSIONS = ("", "/versions/{version}")

ENDPOINTS = (
    Endpoint(
        route="POST /predict",
        scope="score",
        tag="decisions",
        summary="Score one payment",
        body="transaction",
        answer=Prediction,
        problems=BODY,
        query=(Query("reasons", bool, "Whether the answer carries the reasons; true or left out"),),
    ),
    Endpoint(
        route="POST /v1/decisions",
        scope="score",
        tag="decisions",
        summary="Decide on one payment, durably",
        body="decision",
        answer=DecisionAnswer,
        problems=(*BODY, 409, 503),
        idempotent=True,
    ),
    Endpoint(
        route="POST /v1/decisions:batch",
        scope="score",
        tag="decisions",
        body="batch",
        answer=BatchAnswers,
        summary="Decide on several payments, each with a status of its own",
        problems=BODY,
    ),
    Endpoint(
        route="GET /v1/decisions",
        scope="read",
        tag="decisions",
        summary="Decisions as they were recorded",
        answer=DecisionPage,
        problems=(400, 503),
        query=TIME_RANGE,
    ),
    Endpoint(
        route="GET /v1/decisions/{decision_id}",
        scope="read",
        tag="decisions",
        summary="One decision as answered",
        answer=DecisionAnswer,
        problems=(404, 503),
    ),
    Endpoint(
        route="GET /v1/decisions/{decision_id}/reasons",
        scope="read",
        tag="decisions",
        answer=Explanation,
        summary="The reasons of a decision in words, and what would have turned it",
        problems=(404, 503),
    ),
    Endpoint(
        route="POST /v1/labels",
        scope="label",
        tag="labels",
        summary="Record what was learnt about a payment",
        body=LabelEvent,
        answer=RecordedLabel,
        status=201,
        problems=(*BODY, 409, 503),
    ),
    Endpoint(
        route="GET /v1/lineage/{lineage_id}",
        scope="read",
        tag="model",
        summary="Every digest behind a model",
        answer=Lineage,
        problems=(404, 503),
    ),
    *(
        Endpoint(
            route=f"POST /v2/models/{{name}}{version}/infer",
            scope="score",
            tag="other protocols",
            body="inference",
            answer=InferAnswer,
            problems=(*BODY, 404),
            summary="Score rows by the Open Inference Protocol",
        )
        for version in VERSIONS
    ),
    *(
        Endpoint(
            route=f"GET /v2/models/{{name}}{version}",
            scope="read",
            tag="other protocols",
            answer=ModelMetadata,
            problems=(404,),
            summary="What the model takes and gives",
        )
        for version in VERSIONS
    ),
    Endpoint(
        route="GET /v2",
        scope="read",
        tag="other protocols",
        answer=ServerMetadata,
        summary="This server",
    ),
    Endpoint(
        route="POST /invocations",
        scope="score",
        tag="other protocols",
        body="invocation",
        answer=Predictions,
        problems=BODY,
        summary="Score rows as MLflow's scoring server does",
    ),
    *(
        Endpoint(route=f"GET /v2/models/{{name}}{version}/ready", shown=False)
        for version in VERSIONS
    ),
    Endpoint(route="GET /v2/health/live", shown=False),
    Endpoint(route="GET /v2/health/ready", shown=False),
    Endpoint(route="GET /ping", shown=False),
    Endpoint(
        route="GET /v1/model",
        scope="read",
        tag="model",
        summary="The model that serves",
        answer=ModelInfo,
    ),
    Endpoint(
        route="GET /v1/policy",
        scope="read",
        tag="model",
        summary="The policy that decides",
        answer=PolicyInfo,
    ),
    Endpoint(
        route="POST /v1/model:reload",
        scope="admin",
        tag="model",
        answer=Served,
        summary="Look for another champion now; every worker looks every two seconds anyhow",
    ),
    Endpoint(
        route="GET /health/live", tag="health", summary="Does the process run?", answer=Health
    ),
    Endpoint(
        route="GET /health/ready",
        tag="health",
        summary="Can it decide, and is the store there?",
        answer=Ready,
        problems=(503,),
        query=(Query("without", str, "`store` leaves the store out, for /predict alone"),),
    ),
    Endpoint(
        route="GET /metrics",
        scope="read",
        tag="health",
        summary="Counters for Prometheus",
        shown=False,
    ),
    Endpoint(route="GET /docs", shown=False),
    Endpoint(route="GET /docs/openapi.json", shown=False),
    Endpoint(route="GET /assets/{name}", shown=False),
)
