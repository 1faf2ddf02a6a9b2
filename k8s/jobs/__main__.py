"""``python -m k8s.jobs gs://BUCKET/FOLDER``: what a
run made, into a bucket: champion, figures, report.

DVC pushes what it versions; these folders it does not. The list of digests goes last, so that a
folder without one is of a run that was stopped while it sent.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec

MADE = (
    "models/champion",
    "models/entities",
    "models/lineage",
    "models/promotions.jsonl",
    "results",
    "reports/_site",
)
DIGESTS = "digests.json"


def made(project: Path) -> Iterator[Path]:
    """The files of a run, relative to its folder, in order."""
    for name in MADE:
        place = project / name
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (path.relative_to(project) for path in found if path.is_file())


def send(project: Path, url: str) -> int:
    """Write the files of a run below an address, then their digests; returns their number.

    Raises
    ------
    FileExistsError
        When a run was sent there before.
    """
    files, folder = fsspec.core.url_to_fs(url)
    if files.exists(f"{folder}/{DIGESTS}"):
        raise FileExistsError(f"{url}: a run is there; it is not written over")
    digests = {}
    for path in made(project):
        content = (project / path).read_bytes()
        digests[path.as_posix()] = hashlib.sha256(content).hexdigest()
        files.pipe_file(f"{folder}/{path.as_posix()}", content)
    files.pipe_file(f"{folder}/{DIGESTS}", json.dumps(digests, indent=1).encode())
    return len(digests)


def main(arguments: list[str]) -> int:
    """Send the run in the working folder; returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m k8s.jobs gs://BUCKET/FOLDER", file=sys.stderr)
        return 2
    try:
        number = send(Path(), arguments[0])
    except FileExistsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"sent: {number} files to {arguments[0]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
