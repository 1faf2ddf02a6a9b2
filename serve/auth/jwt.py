"""Callers by signed token (JWT), verified with the
public keys that an identity provider publishes.
"""

import threading
import time

import jwt

from fraud_core.errors import ParameterError
from serve.auth.api_keys import SCOPES, Caller, sent_token

ALGORITHMS = ("RS256", "ES256", "EdDSA")
LARGEST_TOKEN = 4_096
REMEMBERED = 1_024
FETCH_SECONDS = 3
REFRESH_SECONDS = 300
PAUSE_SECONDS = 30


class TokenAccess:
    """Callers by token; a token that was verified is remembered until it expires.

    Parameters
    ----------
    jwks_url
        Where the keys are published. They are fetched by a thread: at the start, every five
        minutes, and when a token names an unknown key, so that neither a slow provider nor invented
        names hold up a request.
    audience, issuer
        What the token must say in ``aud`` and ``iss``.

    Notes
    -----
    The scopes are the words of the claim ``scope``; the caller's name is the claim ``sub``.

    References
    ----------
    RFC 7519, JSON Web Token; RFC 8725, JSON Web Token best current practices.
    """

    def __init__(self, jwks_url: str, audience: str, issuer: str) -> None:
        if not jwks_url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ParameterError("FRAUD_JWKS_URL: expected an https address")
        self._client = jwt.PyJWKClient(jwks_url, cache_keys=False, timeout=FETCH_SECONDS)
        self._audience, self._issuer = audience, issuer
        self._keys: dict[str, jwt.PyJWK] = {}
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._wanted = threading.Event()
        self._fetch()
        threading.Thread(target=self._keep_fresh, name="token-keys", daemon=True).start()

    def caller(self, headers: dict[bytes, bytes]) -> Caller | None:
        """The subject of the token in ``Authorization: Bearer``."""
        token = sent_token(headers)
        if token is None or len(token) > LARGEST_TOKEN:
            return None
        expires, caller = self._known.get(token, (0.0, None))
        if time.time() < expires:
            return caller
        return self._verified(token)

    def _verified(self, token: bytes) -> Caller | None:
        try:
            name = jwt.get_unverified_header(token).get("kid")
            if name not in self._keys:
                self._wanted.set()
                return None
            claims = jwt.decode(
                token,
                self._keys[name],
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "sub", "aud", "iss"]},
            )
        except (jwt.PyJWTError, ValueError):
            return None
        scopes = frozenset(str(claims.get("scope", "")).split()) & frozenset(SCOPES)
        caller = Caller(str(claims["sub"])[:64], scopes)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[token] = (float(claims["exp"]), caller)
        return caller

    def _keep_fresh(self) -> None:
        while True:
            self._wanted.wait(REFRESH_SECONDS)
            self._fetch()
            time.sleep(PAUSE_SECONDS)
            self._wanted.clear()

    def _fetch(self) -> None:
        """Take the published keys; those that are known stay while the provider does not answer."""
        try:
            self._keys = {key.key_id: key for key in self._client.get_signing_keys() if key.key_id}
        except (jwt.PyJWTError, OSError, ValueError) as error:
            print(
                "warning: the keys of the identity provider could not be fetched: "
                f"{type(error).__name__}",
                flush=True,
            )
