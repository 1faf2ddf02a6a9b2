"""Lineage: every digest behind a model, kept at its promotion and recomputed when asked."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fraud_core.bundle import load as bundle
from fraud_core.data.splits import content_sha256
from fraud_core.errors import FraudCoreError
from fraud_core.pipeline.params import Params
from fraud_core.pipeline.paths import within_project
from fraud_core.pipeline.storage.dataset_versions import V0, V1

LINEAGES = Path("models/lineage")
PACKAGE = "fraud_core"
BROKEN_EXIT_CODE = 2


@dataclass(frozen=True)
class Link:
    """One digest of a lineage, recomputed: ``same``, ``differs`` or ``missing``."""

    what: str
    state: str


def source_digests() -> tuple[dict[str, str], dict[str, str]]:
    """Digest of each room of the package, and of the
    source of each notebook, outputs and metadata apart.
    """
    package = within_project(PACKAGE)
    rooms = sorted({path.parent for path in package.rglob("*.py")})
    code = {room.relative_to(package.parent).as_posix(): _room_sha256(room) for room in rooms}
    notebooks = {
        path.stem: _notebook_sha256(path)
        for path in sorted(within_project("notebooks").glob("*.ipynb"))
    }
    return code, notebooks


def _room_sha256(room: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(room.glob("*.py")):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _notebook_sha256(path: Path) -> str:
    cells = json.loads(path.read_bytes())["cells"]
    sources = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    return hashlib.sha256(json.dumps(sources, ensure_ascii=False).encode()).hexdigest()


def keep_lineage(folder: Path) -> str:
    """Keep the manifest of a bundle under its lineage, and return what the lineage is known by."""
    sealed = (folder / "manifest.json").read_bytes()
    name = bundle.lineage_id(sealed)
    kept = within_project(LINEAGES) / f"{name}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(sealed)
    return name


def verify_lineage(name: str, params: Params) -> int:
    """Recompute every digest of a lineage from what is here, print each, and return an exit code.

    Parameters
    ----------
    name
        The ``lineage_id`` of a decision.

    Returns
    -------
    int
        0 when everything is the same, 2 when something differs or is missing.

    Raises
    ------
    FraudCoreError
        When no such lineage was kept here, or the record itself was altered.
    """
    manifest = _kept(name)
    links = [*_bundle_links(manifest), *_data_links(manifest), *_parameter_links(manifest, params)]
    links += _source_links(manifest)
    for link in links:
        print(f"{link.state:8} {link.what}")
    broken = [link for link in links if link.state != "same"]
    if broken:
        print(
            f"lineage {name}: {len(broken)} of {len(links)} digests are not those of model "
            f"{manifest.model_version}"
        )
        print(
            f"made at revision {manifest.git_revision}; check it out and run `make run` to "
            "compare like with like"
        )
        return BROKEN_EXIT_CODE
    print(f"lineage {name}: all {len(links)} digests are those of model {manifest.model_version}")
    return 0


def _kept(name: str) -> bundle.Manifest:
    path = within_project(LINEAGES) / f"{name}.json"
    if not name.isalnum() or not path.is_file():
        known = ", ".join(sorted(p.stem for p in within_project(LINEAGES).glob("*.json"))) or "none"
        raise FraudCoreError(
            f"lineage {name[:40]}: none was kept here under this name; known: {known}"
        )
    sealed = path.read_bytes()
    if bundle.lineage_id(sealed) != name:
        raise FraudCoreError(
            f"{LINEAGES}/{path.name} was altered: its content is not that of lineage {name}"
        )
    return bundle.decode_manifest(sealed, path.name)


def _bundle_links(manifest: bundle.Manifest) -> list[Link]:
    """The files of the model, wherever it is: champion, previous champion or candidate."""
    for folder in sorted(within_project("models").iterdir()):
        if (folder / "origin.json").is_file() and bundle.content_version(
            folder
        ) == manifest.model_version:
            digests = {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in folder.iterdir()
            }
            return [
                _link(f"model: {name}", digests.get(name), sha256)
                for name, sha256 in manifest.sha256.items()
            ]
    return [Link(f"model: {name}", "missing") for name in manifest.sha256]


def _data_links(manifest: bundle.Manifest) -> list[Link]:
    import polars as pl

    links = []
    for name, sha256 in manifest.data_sha256.items():
        path = within_project("data") / f"{ {'v0': V0, 'v1': V1}[name] }.parquet"
        digest = content_sha256(pl.read_parquet(path)) if path.is_file() else None
        links.append(_link(f"data: {name}", digest, sha256))
    return links


def _parameter_links(manifest: bundle.Manifest, params: Params) -> list[Link]:
    def digest(values: object) -> str:
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    here = {name: msgspec.to_builtins(getattr(params, name, None)) for name in manifest.parameters}
    return [
        _link(f"parameters: {name}", digest(here[name]), digest(value))
        for name, value in manifest.parameters.items()
    ]


def _source_links(manifest: bundle.Manifest) -> list[Link]:
    code, notebooks = source_digests()
    return [
        _link(f"code: {name}", code.get(name), sha256)
        for name, sha256 in manifest.code_sha256.items()
    ] + [
        _link(f"notebook: {name}", notebooks.get(name), sha256)
        for name, sha256 in manifest.notebooks_sha256.items()
    ]


def _link(what: str, present: str | None, expected: str) -> Link:
    return Link(
        what, "missing" if present is None else "same" if present == expected else "differs"
    )
