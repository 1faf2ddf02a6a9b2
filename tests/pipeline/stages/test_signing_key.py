import stat

import pytest

from fraud_core.bundle.signing import sign, verify
from fraud_core.errors import ParameterError
from fraud_core.pipeline.stages.signing_key import write_key_pair


def test_written_keys_are_a_pair_and_the_private_one_is_its_owners_alone(tmp_path):
    folder = tmp_path / "keys"
    assert "FRAUD_SIGNING_KEY_FILE=" in write_key_pair(folder)
    private, public = (folder / "signing.pem").read_bytes(), (folder / "public.pem").read_bytes()
    verify(b"manifest", sign(b"manifest", private), public)
    assert stat.S_IMODE((folder / "signing.pem").stat().st_mode) == 0o600


def test_key_is_never_written_over_another(tmp_path):
    write_key_pair(tmp_path)
    before = (tmp_path / "signing.pem").read_bytes()
    with pytest.raises(ParameterError, match="a key is there already"):
        write_key_pair(tmp_path)
    assert (tmp_path / "signing.pem").read_bytes() == before


def test_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ParameterError, match="keys: the keys cannot be written"):
        write_key_pair(tmp_path / "file" / "keys")
