"""The documentation page in a real browser, without a network."""

import shutil
import subprocess

import pytest

from tests.network import free_port, wait_until_ready
from tests.serve.conftest import start
from tests.waiting import END_SECONDS, wait_until_ended

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--virtual-time-budget=8000",
    "--dump-dom",
]


@pytest.mark.slow
@pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)
def test_documentation_page_shows_the_endpoint_and_its_fields(environment, tmp_path):
    port = free_port()
    with start(**environment, FRAUD_PORT=str(port)) as process:
        wait_until_ready(port, process)
        command = [
            CHROMIUM,
            *OPTIONS,
            f"--user-data-dir={tmp_path}",
            f"http://127.0.0.1:{port}/docs",
        ]
        page = subprocess.run(command, capture_output=True, text=True, timeout=END_SECONDS).stdout
        process.terminate()
        wait_until_ended(process)
    assert "swagger-ui" in page
    assert "/predict" in page
    assert "Score one payment" in page
