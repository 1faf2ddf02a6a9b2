"""Callers and their scopes, and API keys, of which digests alone are held."""

import hashlib
import hmac
import re
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import msgspec

from fraud_core.errors import ParameterError

Scope = Literal["score", "label", "read", "admin"]
SCOPES: tuple[Scope, ...] = ("score", "label", "read", "admin")
PREFIX = "frd_"
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One API key: who holds it, what it may do, and the SHA-256 of it in hexadecimal digits."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]{1,64}$")]
    scopes: tuple[Scope, ...]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Caller:
    """The sender of a request, and what it may do."""

    name: str
    scopes: frozenset[str]


class Access(Protocol):
    """Finds the caller of a request."""

    def caller(self, headers: dict[bytes, bytes]) -> Caller | None:
        """Who sends these headers; None when they prove nobody."""
        ...


class OpenAccess:
    """Everybody may do everything: for development on one's own machine."""

    _everybody = Caller("anonymous", frozenset(SCOPES))

    def caller(self, headers: dict[bytes, bytes]) -> Caller | None:
        """Everybody."""
        return self._everybody


class KeyAccess:
    """Callers by API key.

    Keys are random and long, so one round of SHA-256 is enough to store them. The digest of what
    was sent picks the entry, and the whole digest is compared in constant time.
    """

    def __init__(self, entries: tuple[KeyEntry, ...]) -> None:
        self._entries = {
            entry.sha256[:8]: (entry.sha256, Caller(entry.name, frozenset(entry.scopes)))
            for entry in entries
        }

    def caller(self, headers: dict[bytes, bytes]) -> Caller | None:
        """The holder of the key in ``Authorization: Bearer`` or ``X-API-Key``."""
        key = sent_token(headers)
        if key is None:
            return None
        digest = hashlib.sha256(key).hexdigest()
        sha256, caller = self._entries.get(digest[:8], ("0" * 64, None))
        return caller if hmac.compare_digest(digest, sha256) else None


def sent_token(headers: dict[bytes, bytes]) -> bytes | None:
    """The secret that a request carries, or None.

    Examples
    --------
    >>> (
    ...     sent_token({b"authorization": b"Bearer abc"}),
    ...     sent_token({b"x-api-key": b"abc"}),
    ...     sent_token({}),
    ... )
    (b'abc', b'abc', None)
    """
    sent = headers.get(b"authorization")
    if sent is None:
        return headers.get(b"x-api-key")
    return sent[7:] if sent[:7].lower() == b"bearer " else None


def read_keys(content: bytes, what: str) -> tuple[KeyEntry, ...]:
    """The keys of a JSON array of entries.

    Raises
    ------
    ParameterError
        When it is malformed, empty, or a key stands in it twice; the message never repeats its
        content.

    Examples
    --------
    >>> read_keys(
    ...     b'[{"name": "till", "scopes": ["score"], "sha256": "' + b"0" * 64 + b'"}]', "FRAUD_KEYS"
    ... )[0].name
    'till'
    """
    try:
        entries = msgspec.json.decode(content, type=tuple[KeyEntry, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        place = re.search(r"at `([^`]+)`", str(error))
        raise ParameterError(
            f"{what}: expected a JSON array of "
            f"keys{' (wrong at ' + place[1] + ')' if place else ''}; make one with "
            "`python -m serve.auth.api_keys NAME SCOPE...`"
        ) from error
    starts = [entry.sha256[:8] for entry in entries]
    if not entries or len(set(starts)) < len(starts):
        raise ParameterError(f"{what}: expected at least one key and none twice")
    return entries


def new_key(name: str, scopes: tuple[Scope, ...]) -> tuple[str, KeyEntry]:
    """A new random key, and the entry that stands for it.

    Examples
    --------
    >>> key, entry = new_key("till", ("score",))
    >>> KeyAccess((entry,)).caller({b"x-api-key": key.encode()}).name
    'till'
    """
    key = PREFIX + secrets.token_urlsafe(32)
    return key, KeyEntry(name, scopes, hashlib.sha256(key.encode()).hexdigest())


def main(arguments: list[str]) -> int:
    """``python -m serve.auth.api_keys NAME SCOPE...``: print
    a new key once, and its entry for the file of keys.
    """
    name, *scopes = arguments or [""]
    if not NAME.fullmatch(name) or not scopes or not set(scopes) <= set(SCOPES):
        print(
            f"usage: python -m serve.auth.api_keys NAME SCOPE...   scopes: {', '.join(SCOPES)}",
            file=sys.stderr,
        )
        return 2
    known: Callable[[str], bool] = set(scopes).__contains__
    key, entry = new_key(name, tuple(scope for scope in SCOPES if known(scope)))
    print(f"key, shown once: {key}", file=sys.stderr)
    print(msgspec.json.encode([entry]).decode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
