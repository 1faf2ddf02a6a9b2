"""Where things are, relative to the project; found from any folder inside it."""

import os
from pathlib import Path

from fraud_core.errors import ParameterError

PROFILES = ("quick", "full")
CHAMPION = Path("models/champion")


def project_root() -> Path:
    """The folder that holds dvc.yaml and params.yaml, at or above the working folder.

    A notebook that is opened by hand runs in notebooks/, a stage in the project itself; both find
    the same files.

    Raises
    ------
    ParameterError
        When there is no such folder.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise ParameterError(
        "no project here: expected dvc.yaml and params.yaml in this folder or above; change into it"
    )


def within_project(path: str | os.PathLike) -> Path:
    """A path as given when absolute, else relative to the project, wherever the process runs."""
    return project_root() / path


def checkout() -> Path:
    """The user's own checkout: the project, or the one
    in whose queue of experiments this copy of it runs.

    DVC runs a queued experiment in a folder below .dvc and removes it afterwards: what shall stay
    goes to the checkout.
    """
    root = project_root()
    return next((folder.parent for folder in root.parents if folder.name == ".dvc"), root)


def results_folder(profile: str, study: str) -> Path:
    """Folder of one study's results, relative to the project."""
    if profile not in PROFILES:
        raise ParameterError(f"profile: expected one of {', '.join(PROFILES)}, got {profile!r}")
    return Path("results") / study if profile == "full" else Path("results") / profile / study
