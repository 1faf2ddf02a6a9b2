import pytest

from fraud_core.bundle import load as bundle
from tests.bundle.toy_bundle import write


@pytest.fixture
def champion(tmp_path):
    folder = tmp_path / "champion"
    write(folder)
    bundle.write_manifest(folder, git_revision="r", library_versions={"numpy": "1"})
    return folder
