"""The API reference: one page for each module, made
from the docstrings by pdoc, without a network.
"""

import hashlib
import pkgutil
import shutil
import warnings
from importlib import metadata
from pathlib import Path

import fraud_core
from fraud_core.errors import ResultError
from fraud_core.pipeline.paths import within_project

REFERENCE, STAMP = Path("reports/_site/reference"), "sources.sha256"
# The pipeline is driven by the command line, not imported.
LEFT_OUT = ("fraud_core.pipeline", "fraud_core.__main__")


def documented_modules() -> tuple[str, ...]:
    """The package and each of its rooms, with all that they hold.

    The rooms are named, because pdoc leaves out what ``__all__`` of a package does not list, and
    that of the public face lists its names.
    """
    rooms = [module.name for module in pkgutil.iter_modules(fraud_core.__path__, "fraud_core.")]
    return ("fraud_core", *(room for room in rooms if room not in LEFT_OUT))


def refresh_api_reference(modules: tuple[str, ...] | None = None) -> Path:
    """Write the reference unless that of these very sources is there; returns its first page."""
    first, stamp = within_project(REFERENCE / "index.html"), within_project(REFERENCE / STAMP)
    digest = _sources_sha256()
    if not (first.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest):
        write_api_reference(modules=modules)
        stamp.write_text(digest, encoding="utf-8")
    return REFERENCE / "index.html"


def _sources_sha256() -> str:
    """Digest of what the reference is made from: the package, and the generator."""
    digest = hashlib.sha256(metadata.version("pdoc").encode())
    for path in sorted(Path(fraud_core.__path__[0]).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def write_api_reference(place: Path = REFERENCE, modules: tuple[str, ...] | None = None) -> Path:
    """Write the reference; returns its first page.

    Parameters
    ----------
    place
        Folder that is replaced once every page was made, relative to the project.
    modules
        Names of packages, each with all that it holds, and of modules; without them, those of
        `documented_modules`.

    Raises
    ------
    ResultError
        When a module cannot be imported.
    """
    # pdoc belongs to the extra `research`, without which the rest of the package is checked too
    from pdoc import pdoc, render  # pyright: ignore[reportMissingImports]

    folder = within_project(place)
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    render.configure(docformat="numpy", show_source=False, footer_text="fraud_core: API reference")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # pdoc warns of a module that it leaves out
        try:
            pdoc(*(modules or documented_modules()), output_directory=partial)
        except (UserWarning, RuntimeError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise ResultError(f"API reference: {str(error).strip().splitlines()[0]}") from error
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return place / "index.html"
