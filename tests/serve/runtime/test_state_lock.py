from pathlib import Path

import pytest

from fraud_core.errors import ParameterError
from serve.runtime.state_lock import locked


def test_folder_is_held_once_and_let_go(tmp_path):
    folder = tmp_path / "state"
    with (
        locked(folder),
        pytest.raises(ParameterError, match="FRAUD_STATE_DIR state: another service runs"),
        locked(folder),
    ):
        pass
    with locked(folder):
        pass


def test_folder_that_cannot_be_written_is_not_held_and_that_is_said(capsys):
    with locked(Path("/dev/full")):
        pass
    assert "the folder is not locked" in capsys.readouterr().err
