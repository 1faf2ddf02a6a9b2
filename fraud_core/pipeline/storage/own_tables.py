"""Whose tables are used: those of the cards or the user's
own. Copies of the user's are kept, and a pointer chooses.

data/raw/ulb/creditcard.csv                 the card's file, never touched by a choice
data/raw/ulb/source.json                    the pointer: whose table is used, which file, its sha256
data/own/ulb/payments-1a2b3c4d5e6f.csv      the user's own, by name and digest: never replaced
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraud_core.data.sources import file_sha256
from fraud_core.errors import SourceError
from fraud_core.pipeline.paths import within_project

KEPT = Path("data/own")
POINTER = "source.json"
OWN = "own"
ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True)
class Choice:
    """A checked choice that has not been made yet; nothing is changed before `take`.

    Attributes
    ----------
    folder
        Folder of the pointer, relative to the project.
    pointer
        What the pointer shall say.
    copies
        The user's files with the names under which they are kept, relative to the project.
    words
        One line that says which data are used.
    """

    folder: str
    pointer: Mapping[str, str | None]
    words: str
    copies: tuple[tuple[Path, Path], ...] = ()

    def take(self) -> str:
        """Keep the copies, then turn the pointer, which
        is written whole or not at all; returns the words.
        """
        place = within_project(self.folder)
        before = read_pointer(place)
        if before == self.pointer:
            return (
                f"{self.words} (as in the last run)"
                if self.pointer["origin"] == OWN
                else self.words
            )
        for path, kept in self.copies:
            _copy(path, within_project(kept))
        if before is not None and before["origin"] == OWN:
            for path in place.iterdir():
                if path.name in {before["file"], "card.yaml"}:
                    set_aside(path)
        write_whole(place / POINTER, dict(self.pointer))
        return self.words


def kept_name(path: Path, folder: Path, digest: str) -> Path:
    """Where a file of the user's is kept, relative to
    the project: under its own name and its digest.

    Examples
    --------
    >>> kept_name(
    ...     Path("somewhere/payments.csv"), Path("data/raw/ulb"), "1a2b3c4d5e6f7a8b"
    ... ).as_posix()
    'data/own/ulb/payments-1a2b3c4d5e6f.csv'
    """
    short = digest[:12]
    stem = path.stem.removesuffix(f"-{short}")
    return KEPT / folder.name / f"{stem}-{short}{path.suffix.lower()}"


def own_table_of(path: Path, folder: Path) -> tuple[str, Path]:
    """Digest of a table of the user's own, and where it is kept.

    Raises
    ------
    SourceError
        When there is no such file, or it is neither CSV nor parquet.
    """
    if not path.is_file():
        raise SourceError(f"DATA={path}: no such file; give the path of a CSV or parquet table")
    if path.suffix.lower() not in ENDINGS:
        raise SourceError(
            f"DATA={path}: expected a file ending in .csv or .parquet, found "
            f"{path.suffix or 'no ending'}; "
            "save the table as one of them"
        )
    digest = file_sha256(path)
    return digest, kept_name(path, folder, digest)


def read_pointer(folder: Path) -> dict[str, Any] | None:
    """The pointer of a folder, or None where nothing was chosen or fetched yet."""
    path = folder / POINTER
    return json.loads(path.read_bytes()) if path.is_file() else None


def chosen_file(folder: Path, name: str, key: str = "file") -> Path:
    """The file that the pointer of a folder names; one
    of the user's own must be the one that was checked.

    Raises
    ------
    SourceError
        When nothing was chosen, or the file is gone or was changed since.
    """
    pointer = read_pointer(folder)
    if pointer is None or key not in pointer:
        raise SourceError(f"{name}: nothing fetched yet; run `dvc repro fetch`")
    kept = "/" in pointer[key]
    path = within_project(pointer[key]) if kept else folder / pointer[key]
    if not path.is_file():
        fix = "give it again with DATA=path or CARD=path" if kept else "run `dvc repro -f fetch`"
        raise SourceError(f"{name}: expected the file {pointer[key]}, found none; {fix}")
    if kept and file_sha256(path)[:12] not in path.name:
        raise SourceError(
            f"{pointer[key]}: the file was changed since it was checked; give it again with "
            "DATA=path or CARD=path"
        )
    return path


def set_aside(path: Path) -> Path:
    """Move a file that is the user's out of the way
    of another one; returns where it is kept now.
    """
    kept = within_project(kept_name(path, path.parent, file_sha256(path)))
    kept.parent.mkdir(parents=True, exist_ok=True)
    path.replace(kept)
    return kept


def _copy(path: Path, kept: Path) -> None:
    """Copy a file to where it is kept, whole or not at
    all; one edited there gets the name of its digest.
    """
    if kept.is_file() and file_sha256(kept)[:12] in kept.name:
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_name(f".{kept.name}.partial-{os.getpid()}")
    try:
        shutil.copyfile(path, partial)
        if file_sha256(partial)[:12] not in kept.name:
            raise SourceError(
                f"{path}: the file changed while it was copied; give it again when it is complete"
            )
        if kept.is_file():
            kept.replace(kept.with_name(kept_name(kept, kept.parent, file_sha256(kept)).name))
        partial.replace(kept)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, value: dict) -> None:
    """Write a small JSON file; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        partial.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
