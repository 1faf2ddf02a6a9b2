"""Results that appear whole: a study writes beside its folder, and takes the place when it is done.

results/drift                 the results that are there, also while a new run is on the way
results/.unfinished-drift     what the new run has written so far
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished-"


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`, whose content replaces that of `folder` when the block ends.

    When the block fails or is interrupted the old results stay as they are, and what the run has
    written so far stays beside them.

    Parameters
    ----------
    folder
        The results; other files in it stay.
    """
    unfinished = folder.with_name(f"{UNFINISHED}{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    yield unfinished
    folder.mkdir(parents=True, exist_ok=True)
    for new in sorted(unfinished.iterdir()):
        old = folder / new.name
        if new.is_dir() and old.is_dir():
            given_way = unfinished / f".old-{new.name}"
            old.rename(given_way)
            new.rename(old)
        else:
            new.replace(old)
    shutil.rmtree(unfinished)
