"""``GET /v1/decisions/{decision_id}/reasons``: the reasons of a recorded decision in words.

The codes go out with the decision; the words cost several times as much as deciding, so they are
written when somebody asks for them.
"""

import msgspec
from sqlalchemy import select

from fraud_core.bundle.decider import Verdict
from fraud_core.explain.reasons import WordedReason, render_reason
from serve.api.decision_request import decode_request
from serve.api.decisions import DecisionAnswer
from serve.api.records import fetch
from serve.http.asgi import encode
from serve.runtime.service import Service
from serve.store.tables import decisions


class Explanation(msgspec.Struct, frozen=True):
    """The reasons of a decision in words.

    Attributes
    ----------
    turning_values
        Whether values that would have turned the decision were looked for: only the model that
        decided can say, and only when the features were in the request.
    """

    decision_id: str
    decision: str
    reasons: tuple[WordedReason, ...]
    turning_values: bool


decode_answer = msgspec.json.Decoder(DecisionAnswer).decode


async def explain_decision(service: Service, decision_id: str) -> bytes | None:
    """The explanation as JSON, or None when there is no decision of this id.

    Raises
    ------
    StoreUnavailable
        When the store cannot be read.
    """
    query = select(decisions.c.request, decisions.c.answer).where(
        decisions.c.decision_id == decision_id
    )
    rows = await fetch(service, query)
    if not rows:
        return None
    request, answer = decode_request(rows[0][0]), decode_answer(rows[0][1])
    champion = service.champion
    looked = bool(request.features) and answer.lineage_id == champion.lineage_id
    if looked:
        values, amount_eur = champion.reader.read(bytes(request.features))
        verdict = Verdict(
            answer.decision, answer.fraud_probability, answer.expected_loss_eur, answer.reasons
        )
        reasons = champion.writer.write(values, amount_eur, verdict)
    else:
        reasons = tuple([render_reason(reason) for reason in answer.reasons])
    return encode(Explanation(answer.decision_id, answer.decision, reasons, looked))
