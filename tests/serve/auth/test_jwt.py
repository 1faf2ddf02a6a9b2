"""Signed tokens of an identity provider, real and forged: who gets in by them."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar.testing import TestClient

from fraud_core.errors import ParameterError
from serve.app import create_app
from serve.auth.jwt import TokenAccess
from serve.settings import read_settings

ISSUER, AUDIENCE = "https://issuer.example", "fraud"


@pytest.fixture
def provider():
    """An identity provider: its address, a way to sign tokens, and how often it was asked."""
    private = Ed25519PrivateKey.generate()
    published = jwt.algorithms.OKPAlgorithm.to_jwk(private.public_key(), as_dict=True) | {
        "kid": "one",
        "use": "sig",
    }
    requests = []

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            body = json.dumps({"keys": [published]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def token(kid="one", **claims):
        standard = {
            "sub": "till",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": time.time() + 60,
            "scope": "score read",
        }
        return jwt.encode(standard | claims, private, "EdDSA", headers={"kid": kid})

    yield f"http://127.0.0.1:{server.server_port}/keys", token, requests
    server.shutdown()
    server.server_close()


def bearer(token):
    return {b"authorization": f"Bearer {token}".encode()}


def test_token_of_the_provider_names_caller_and_scopes(provider):
    url, token, requests = provider
    access = TokenAccess(url, AUDIENCE, ISSUER)
    for _ in range(3):
        caller = access.caller(bearer(token(scope="score admin everything")))
        assert (caller.name, caller.scopes) == ("till", frozenset({"score", "admin"}))
    assert len(requests) == 1


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"aud": "other"}, {"iss": "other"}, {"sub": None}, {"nbf": 9e9}, {"kid": "two"}],
    ids=lambda claims: next(iter(claims)),
)
def test_token_that_does_not_hold_is_refused(provider, claims):
    url, token, _ = provider
    assert TokenAccess(url, AUDIENCE, ISSUER).caller(bearer(token(**claims))) is None


@pytest.mark.parametrize("forged", ["", "a.b.c", "x" * 5000])
def test_forged_token_is_refused(provider, forged):
    assert TokenAccess(provider[0], AUDIENCE, ISSUER).caller(bearer(forged)) is None


def test_unsigned_token_and_token_signed_with_the_public_key_are_refused(provider):
    url, token, _ = provider
    access = TokenAccess(url, AUDIENCE, ISSUER)
    claims = jwt.decode(token(), options={"verify_signature": False})
    for forged in (
        jwt.encode(claims, None, "none", headers={"kid": "one"}),
        jwt.encode(claims, "k" * 40, "HS256", headers={"kid": "one"}),
    ):
        assert access.caller(bearer(forged)) is None


def test_token_expires_even_when_it_is_remembered(provider):
    url, token, _ = provider
    access, short = TokenAccess(url, AUDIENCE, ISSUER), token(exp=time.time() + 1.2)
    assert access.caller(bearer(short))
    time.sleep(1.5)
    assert access.caller(bearer(short)) is None


def test_service_behind_tokens(provider, environment, transactions):
    url, token, _ = provider
    named = {
        "FRAUD_ACCESS": "tokens",
        "FRAUD_JWKS_URL": url,
        "FRAUD_JWT_AUDIENCE": AUDIENCE,
        "FRAUD_JWT_ISSUER": ISSUER,
    }
    with TestClient(create_app(read_settings(environment | named))) as client:
        headers = {"Authorization": f"Bearer {token()}"}
        assert client.post("/predict", json=transactions[0], headers=headers).status_code == 200
        assert client.post("/v1/labels", json={}, headers=headers).status_code == 403
        assert client.post("/predict", json=transactions[0]).status_code == 401
    with pytest.raises(ParameterError, match="FRAUD_JWT_ISSUER: expected a value"):
        read_settings(environment | named | {"FRAUD_JWT_ISSUER": ""})


def test_provider_that_is_down_lets_nobody_in_and_does_not_stop_the_service(capsys):
    access = TokenAccess("http://127.0.0.1:1/keys", AUDIENCE, ISSUER)
    assert "could not be fetched" in capsys.readouterr().out
    assert access.caller(bearer("a.b.c")) is None
    with pytest.raises(ParameterError, match="expected an https address"):
        TokenAccess("http://example.org/keys", AUDIENCE, ISSUER)
