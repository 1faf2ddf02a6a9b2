"""Requests for a decision: their fields, their key, and
everything that is checked before anything is decided.
"""

import msgspec

from serve.http.fields import EARLIEST, LATEST, Instant, Name
from serve.http.repeated_keys import repeated_key_detector
from serve.http.request_body import Headers
from serve.http.transaction import InvalidTransaction, Problem, decode_body
from serve.scoring.champion import Champion

KEY_CHARACTERS = frozenset(range(0x21, 0x7F)) - {0x22, 0x5C}
LONGEST_KEY = 128
NOTHING_SENT = msgspec.Raw()


class DecisionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One payment to decide on: its features, or the entities whose features are made here.

    Attributes
    ----------
    policy
        The policy version that the caller relies on.
    """

    transaction_id: Name
    occurred_at: Instant
    features: msgspec.Raw = NOTHING_SENT
    entities: msgspec.Raw = NOTHING_SENT
    policy: Name | None = None


decode_request = msgspec.json.Decoder(DecisionRequest).decode
repeats_a_key = repeated_key_detector(DecisionRequest)


def read_request(body: bytes, champion: Champion) -> DecisionRequest:
    """Read one decision request; what is in its features or entities is not looked into.

    Raises
    ------
    InvalidTransaction
        Naming the field; 409 when the caller relies on a policy that is not served.
    """
    request = decode_body(decode_request, body)
    if bool(request.features) == bool(request.entities):
        detail = "features: expected either features or entities"
        raise _refused(
            "duplicate_field" if request.features else "missing_field", detail, "features"
        )
    if repeats_a_key(body, request):
        raise _refused(
            "duplicate_field", "a field was sent more than once, or policy is null; send each once"
        )
    if not EARLIEST <= request.occurred_at < LATEST:
        raise _refused(
            "invalid_field", "occurred_at: expected a time from 1970 to 2199", "occurred_at"
        )
    if request.policy not in (None, champion.bundle.policy_version):
        detail = "policy: this version is not served; GET /v1/policy names the one that is"
        raise InvalidTransaction(
            Problem("Another policy", 409, "policy_not_served", detail, "policy")
        )
    return request


def _refused(code: str, detail: str, field: str | None = None) -> InvalidTransaction:
    return InvalidTransaction(Problem("Not a decision request", 400, code, detail, field))


def idempotency_key(headers: Headers) -> str | None:
    """The Idempotency-Key of a request, or None.

    Raises
    ------
    InvalidTransaction
        When it is empty, too long or holds other than printable ASCII.
    """
    key = headers.get(b"idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not KEY_CHARACTERS.issuperset(key):
        detail = (
            f"Idempotency-Key: expected 1 to {LONGEST_KEY} printable ASCII characters "
            "without spaces and quotes"
        )
        raise InvalidTransaction(Problem("Not a key", 400, "invalid_idempotency_key", detail))
    return key.decode("ascii")
