from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from serve.healthcheck import main
from tests.network import free_port


@pytest.fixture
def answering(monkeypatch):
    """Starts a server on the port of the settings that answers everything with one status."""
    servers = []
    monkeypatch.setenv("FRAUD_ACCESS", "open")

    def start(status):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status if self.path == "/health/live" else 418)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        monkeypatch.setenv("FRAUD_PORT", str(servers[-1].server_port))

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_exit_code_says_whether_the_service_lives(answering, status, code):
    answering(status)
    assert main() == code


def test_no_answer_and_a_wrong_setting_are_one_line(monkeypatch, capsys):
    monkeypatch.setenv("FRAUD_ACCESS", "open")
    port = free_port()
    for value, words in ((str(port), f"error: port {port}: no answer"), ("x", "error: FRAUD_PORT")):
        monkeypatch.setenv("FRAUD_PORT", value)
        assert main() == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(words)
