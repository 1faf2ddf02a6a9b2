"""The copy of the bundle that serves, and what starts from it."""

import os
import shutil
import signal
import urllib.request
from pathlib import Path

import msgspec
import pytest

from fraud_core.bundle.load import load_bundle
from fraud_core.errors import BundleError
from serve.scoring.champion import load_or_kept
from serve.scoring.kept_bundle import KeptBundle
from tests.network import free_port, wait_until_ready
from tests.serve.conftest import another, start
from tests.serve.scoring.metrics import events_of
from tests.waiting import wait_until, wait_until_ended


@pytest.fixture
def kept(tmp_path, champion):
    copy = KeptBundle(tmp_path / "kept")
    copy.restart(champion, load_bundle(champion).lineage_id)
    return copy


def alter(folder):
    (folder / "policy.json").write_text("{}")
    (folder / "manifest.json").touch()


def test_altered_folder_is_replaced_by_the_copy_and_says_why(own, kept, champion):
    folder, _ = own
    assert load_or_kept(folder, None, kept)[1] is None
    alter(folder)
    served, refusal = load_or_kept(folder, None, kept)
    assert served.lineage_id == load_bundle(champion).lineage_id
    assert "policy.json was altered" in refusal


def test_without_a_copy_an_altered_folder_is_refused(own, tmp_path):
    folder, _ = own
    alter(folder)
    with pytest.raises(BundleError, match=r"policy\.json was altered"):
        load_or_kept(folder, None, KeptBundle(tmp_path / "none"))


def test_copy_that_was_altered_too_is_refused(own, kept):
    folder, _ = own
    alter(folder)
    alter(kept.path())
    with pytest.raises(BundleError, match=r"policy\.json was altered"):
        load_or_kept(folder, None, kept)


def test_bundle_of_other_fields_waits_for_another_start_of_the_service(own, kept, champion):
    folder, _ = own
    contract = msgspec.json.decode((folder / "contract.json").read_bytes())
    contract["fields"][0]["max"] = 2e9
    (folder / "contract.json").write_bytes(msgspec.json.encode(contract))
    shutil.move(folder, folder.with_name("changed"))
    another(folder.with_name("changed"), folder)
    served, refusal = load_or_kept(folder, None, kept)
    assert served.lineage_id == load_bundle(champion).lineage_id
    assert "asks for other fields" in refusal


def test_two_copies_stay_and_an_altered_one_is_made_again(kept, champion, tmp_path):
    first = load_bundle(champion).lineage_id
    for threshold in (0.1, 0.2, 0.3):
        folder = another(champion, tmp_path / str(threshold), threshold=threshold)
        kept.keep(folder, load_bundle(folder).lineage_id)
        assert load_bundle(kept.path()).bundle.policy.threshold == threshold
    assert len([path for path in kept.path().parent.iterdir() if not path.is_symlink()]) == 2
    alter(kept.path())
    kept.keep(folder, load_bundle(folder).lineage_id)
    assert load_bundle(kept.path()).bundle.policy.threshold == 0.3
    kept.restart(champion, first)
    assert [path.name for path in kept.path().parent.iterdir() if path.name != "current"] == [first]


def test_bundle_that_changes_while_it_is_copied_is_not_kept(kept, own, tmp_path, capsys):
    second = another(own[0], tmp_path / "second", threshold=0.123)
    kept.keep(second, "0" * 16)
    assert "another bundle came while it was copied" in capsys.readouterr().err
    assert load_bundle(kept.path()).bundle.policy.threshold != 0.123


def test_folder_that_takes_no_copy_is_said(champion, capsys):
    kept = KeptBundle(Path("/dev/full"))
    kept.restart(champion, load_bundle(champion).lineage_id)
    assert "no copy of the model could be kept" in capsys.readouterr().err
    assert kept.path() is None


def children(parent):
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return {
        int(child)
        for child in text.split()
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    }


def replace_worker(process):
    """Kill one worker, and return when another has taken its place."""
    before = children(process.pid)
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: children(process.pid) - before, "another worker", process)


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return answer.read().decode()


@pytest.mark.slow
def test_worker_that_dies_over_an_altered_bundle_is_replaced(own, tmp_path):
    folder, environment = own
    port = free_port()
    second = another(folder, tmp_path / "second", threshold=0.123)
    with start(**environment, FRAUD_PORT=str(port), FRAUD_WORKERS="2") as process:
        try:
            wait_until_ready(port, process)
            served = msgspec.json.decode(get(port, "/health/ready"))
            alter(folder)
            for _ in range(2):
                replace_worker(process)
                wait_until(lambda: refusals(port) > 0, "the worker to say so", process)
            ready = msgspec.json.decode(get(port, "/health/ready"))
            assert ready["lineage_id"] == served["lineage_id"]
            assert "was refused" in ready["warning"]
            assert "fraud_model_folder_refused 1.0" in get(port, "/metrics")
            shutil.rmtree(folder)
            second.rename(folder)
            wait_until(
                lambda: ready["lineage_id"] not in get(port, "/health/ready"), "the new", process
            )
        finally:
            process.terminate()
            output, errors = wait_until_ended(process)
    assert process.returncode == 0
    assert "policy.json was altered" in output
    assert "Traceback" not in errors


def refusals(port):
    return events_of(get(port, "/metrics"))["model_reload_refused"]
