"""A champion of one's own that a test may replace."""

import shutil

import pytest


@pytest.fixture
def own(champion, tmp_path, environment):
    """A champion of one's own to replace, and settings that serve it."""
    shutil.copytree(champion, tmp_path / "own")
    return tmp_path / "own", environment | {"FRAUD_MODEL_DIR": str(tmp_path / "own")}
