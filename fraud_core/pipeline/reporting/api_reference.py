"""The API reference: one page for each module, made
from the docstrings by pdoc, without a network.
"""

import shutil
import warnings
from pathlib import Path

from fraud_core.errors import ResultError
from fraud_core.pipeline.paths import within_project

REFERENCE = Path("reports/_site/reference")
# The pipeline is driven by the command line, not imported.
MODULES = ("fraud_core", "!fraud_core.pipeline", "!fraud_core.__main__")


def write_api_reference(place: Path = REFERENCE, modules: tuple[str, ...] = MODULES) -> Path:
    """Write the reference; returns its first page.

    Parameters
    ----------
    place
        Folder that is replaced once every page was made, relative to the project.
    modules
        Patterns of pdoc: a package with all that it holds, and with ``!`` what is left out.

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
            pdoc(*modules, output_directory=partial)
        except (UserWarning, RuntimeError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise ResultError(f"API reference: {str(error).strip().splitlines()[0]}") from error
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return place / "index.html"
