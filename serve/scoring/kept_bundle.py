"""A verified copy of the bundle that serves, beside the folder that may be altered.

    verified/champion/<lineage>/     the files of a bundle that was verified
    verified/champion/current        a link to the lineage that serves

A worker that takes the place of one that died may find another bundle in the model folder than the
one that its service started with. It starts from the copy, which is verified again when it is read.
"""

import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from fraud_core.bundle.load import load_bundle
from fraud_core.errors import BundleError

CURRENT = "current"
PARTIAL = ".partial"


class KeptBundle:
    """The copy of one bundle.

    Parameters
    ----------
    folder
        Where the copies are; made when the first one is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self) -> Path | None:
        """Folder of the copy; None when nothing is kept."""
        with suppress(OSError):
            return (self._folder / CURRENT).resolve(strict=True)
        return None

    def restart(self, source: Path, lineage_id: str) -> None:
        """Forget what an earlier start of the service kept, and keep a bundle."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self.keep(source, lineage_id)

    def keep(self, source: Path, lineage_id: str) -> None:
        """Keep a bundle that was verified; what was kept before goes, one excepted.

        A folder that takes no copy is said in one line: the service runs, and a worker that dies
        then needs the model folder as it is.
        """
        before, copy = self.path(), self._folder / lineage_id
        try:
            if _lineage_of(copy) != lineage_id:
                self._copy(source, lineage_id)
            self._point_to(copy)
        except (OSError, BundleError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            print(
                f"warning: FRAUD_STATE_DIR: no copy of the model could be kept: {reason}",
                file=sys.stderr,
                flush=True,
            )
            return
        stay = {lineage_id, CURRENT} | ({before.name} if before else set())
        for old in self._folder.iterdir():
            if old.name not in stay and not old.name.startswith(PARTIAL):
                shutil.rmtree(old, ignore_errors=True)

    def _copy(self, source: Path, lineage_id: str) -> None:
        """Copy a bundle, whole or not at all; several workers may do so at once."""
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self._folder))
        try:
            for file in source.iterdir():
                if file.is_file():
                    shutil.copyfile(file, partial / file.name)
            if load_bundle(partial).lineage_id != lineage_id:
                raise BundleError(f"{source.name}: another bundle came while it was copied")
            target = self._folder / lineage_id
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
        except OSError:
            if _lineage_of(self._folder / lineage_id) != lineage_id:  # else another worker kept it
                raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _point_to(self, copy: Path) -> None:
        link = Path(tempfile.mktemp(prefix=PARTIAL, dir=self._folder))  # noqa: S306 - a link
        link.symlink_to(copy.name)
        link.replace(self._folder / CURRENT)


def _lineage_of(folder: Path) -> str | None:
    """The lineage of a bundle that can be verified, else None."""
    with suppress(BundleError):
        return load_bundle(folder).lineage_id
    return None
