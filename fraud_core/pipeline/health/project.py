"""The project: data, locks, champion and MLflow."""

import os
import re
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

from fraud_core.bundle.load import load_bundle
from fraud_core.data.sources import file_sha256
from fraud_core.errors import FraudCoreError
from fraud_core.pipeline.graph.stale import stale_stages
from fraud_core.pipeline.health.check import Check
from fraud_core.pipeline.paths import CHAMPION, checkout, within_project
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.pipeline.storage.own_tables import chosen_file, read_pointer
from fraud_core.pipeline.storage.tables import chosen_card, read_card
from fraud_core.pipeline.tracking.mlflow_runs import PENDING, tracking_uri

LOCKS = (".dvc/tmp/lock", ".dvc/tmp/rwlock")
PID = re.compile(r'"pid": (\d+)')
REPLY_SECONDS = 3.0


def check_raw() -> Check:
    """Whether the chosen table is there and is the one that was checked."""
    name = chosen_card()
    folder = within_project("data/raw") / name
    pointer = read_pointer(folder)
    if pointer is None:
        return Check("raw data", "notice", f"{name}: nothing fetched yet", "make run")
    try:
        path = chosen_file(folder, f"data/raw/{name}")
    except FraudCoreError as error:
        return Check(
            "raw data", "wrong", str(error), "make run, with DATA=path for a table of yours"
        )
    if pointer["origin"] == "card" and file_sha256(path) != read_card(name).sha256:
        return Check(
            "raw data", "wrong", f"{path.name} is not the card's file", "dvc repro -f fetch"
        )
    return Check("raw data", "ok", f"{path.name} ({pointer['origin']}), sha256 checked")


def check_versions() -> Check:
    """Whether v0 and the sealed v1 are there and unaltered."""
    if not within_project("data/v0").is_dir():
        return Check("data versions", "notice", "not made yet", "make run")
    try:
        versions = open_versions("data")
    except FraudCoreError as error:
        return Check("data versions", "wrong", str(error), "dvc repro -f prepare")
    return Check(
        "data versions", "ok", f"v0 {versions.v0.height:,} rows, v1 {versions.v1.height:,}, sealed"
    )


def check_cache() -> Check:
    """Whether the DVC cache can be written."""
    folder = within_project(".dvc/cache")
    place = folder if folder.is_dir() else within_project(".dvc")
    if os.access(place, os.W_OK):
        return Check("cache", "ok", "writable" if folder.is_dir() else "empty")
    return Check("cache", "wrong", f"{place.name} is not writable", f"chown or chmod {place}")


def check_lock() -> Check:
    """Whether another run holds the project, and whether dvc.lock is current."""
    held = [name for name in LOCKS if (path := within_project(name)).is_file() and _in_use(path)]
    if held:
        return Check("lock", "notice", f"a run of DVC holds {held[0]}", "wait for it, or end it")
    try:
        stale = stale_stages()
    except FraudCoreError as error:
        return Check("lock", "wrong", str(error), "git checkout dvc.yaml dvc.lock")
    if stale:
        names = ", ".join(list(stale)[:4])
        return Check("lock", "notice", f"older than the code: {names}", "make run")
    return Check("lock", "ok", "dvc.lock is current")


def _in_use(path: Path) -> bool:
    """Whether a lock file is held: DVC locks the first by the system, and names processes in the
    second, where an ended one may still stand.
    """
    if path.name == "rwlock":
        return any(_is_alive(int(pid)) for pid in PID.findall(path.read_text(encoding="utf-8")))
    import fcntl

    with path.open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def check_champion() -> Check:
    """Whether there is a champion, unaltered and able to decide."""
    folder = within_project(CHAMPION)
    if not folder.is_dir():
        return Check("champion", "notice", "none promoted yet", "make run")
    try:
        promoted = load_bundle(folder)
    except FraudCoreError as error:
        return Check("champion", "wrong", str(error), "make run")
    return Check(
        "champion", "ok", f"model {promoted.bundle.version}, every digest as in its manifest"
    )


def check_mlflow() -> Check:
    """Whether MLflow can be reached and has every run."""
    uri = tracking_uri()
    waiting = len(list((checkout() / PENDING).glob("*.json")))
    try:
        words = (
            _local_store(Path(uri.removeprefix("sqlite:///")))
            if uri.startswith("sqlite:")
            else _server(uri)
        )
    except (OSError, sqlite3.Error, urllib.error.URLError, ValueError) as error:
        return Check(
            "MLflow",
            "wrong",
            f"{type(error).__name__}: {str(error)[:80]}",
            "check MLFLOW_TRACKING_URI",
        )
    if waiting:
        fix = "python -m fraud_core track"
        return Check("MLflow", "notice", f"{words}; {waiting} runs wait to be uploaded", fix)
    return Check("MLflow", "ok", words)


def _local_store(path: Path) -> str:
    if not path.is_file():
        return "no run yet"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        n_runs = store.execute("select count(*) from runs").fetchone()[0]
    return f"{n_runs} runs in {path.name}"


def _server(uri: str) -> str:
    if not uri.startswith(("http://", "https://")):
        return "a store that only MLflow can open"
    with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=REPLY_SECONDS) as answer:  # noqa: S310 - scheme checked above
        return f"the server answers {answer.status}"
