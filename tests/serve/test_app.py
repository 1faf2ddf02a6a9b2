import asyncio
import shutil

import pytest

from fraud_core.errors import BundleError
from serve.app import create_app
from serve.settings import read_settings


def test_documentation_page_needs_no_network(client):
    page = client.get("/docs").text
    assert "//" not in page.split("SwaggerUIBundle({")[0].replace("<!--", "")
    for asset in (
        "swagger-ui-bundle.js",
        "swagger-ui.css",
        "swagger-ui-standalone-preset.js",
        "favicon-32x32.png",
    ):
        assert f"/assets/{asset}" in page
        assert client.get(f"/assets/{asset}").status_code == 200
    for other in ("index.html", "%00", "a" * 300, "swagger-ui.css/x", "..%2f__init__.py"):
        assert client.get(f"/assets/{other}").status_code == 404


def test_altered_bundle_is_not_served(champion, environment, tmp_path):
    copy = tmp_path / "champion"
    shutil.copytree(champion, copy)
    (copy / "policy.json").write_text((copy / "policy.json").read_text().replace("0.05", "0.95"))
    app = create_app(read_settings(environment | {"FRAUD_MODEL_DIR": str(copy)}))

    async def start():
        async with app.lifespan():
            pass

    altered = pytest.RaisesExc(BundleError, match=r"policy\.json was altered")
    with pytest.RaisesGroup(altered, allow_unwrapped=True, flatten_subgroups=True):
        asyncio.run(start())
