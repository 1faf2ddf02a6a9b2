"""The parts of an unfinished output: kept beside it, resumed where they end, joined when complete.

scores.csv.parts/state.json             what is scored, by which model, and how far it has come
scores.csv.parts/000001.parquet         the scores of a block
scores.csv.parts/000001.rejected.parquet
"""

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from fraud_core.errors import SourceError
from fraud_core.pipeline.storage.own_tables import write_whole

FINISHED = ".fraud-score.json"


class Job(msgspec.Struct, frozen=True):
    """What an output is made from; an unfinished one is resumed by the same job only.

    Attributes
    ----------
    bytes, modified_ns
        Size and time of the input, by which another file of its name is told.
    """

    input: str
    bytes: int
    modified_ns: int
    model_version: str
    columns: tuple[str, ...]


class State(msgspec.Struct, frozen=True):
    """How far a job has come.

    Attributes
    ----------
    parts
        Blocks whose scores are kept.
    end
        Where the next block begins, as in `fraud_core.pipeline.batch.blocks.Block`.
    n_rows, n_rejected
        Rows read, and those among them that were refused.
    """

    job: Job
    parts: int = 0
    end: int = 0
    n_rows: int = 0
    n_rejected: int = 0


def rejected_path(out: Path) -> Path:
    """Where the refused rows of an output stand.

    Examples
    --------
    >>> rejected_path(Path("scores.parquet")).name
    'scores.rejected.csv'
    """
    return out.with_name(f"{out.stem}.rejected.csv")


class Finished:
    """Which outputs of a folder are finished, by which job: kept in the folder itself.

    Parameters
    ----------
    folder
        Of the outputs.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FINISHED
        self._known: dict[str, dict[str, Any]] = (
            msgspec.json.decode(self._path.read_bytes()) if self._path.is_file() else {}
        )

    def knows(self, name: str) -> bool:
        """Whether an output is one of this record."""
        return name in self._known

    def result(self, name: str, job: Job) -> dict[str, Any] | None:
        """What came of an output, when it was made by the same job; else None."""
        known = self._known.get(name)
        if known is None or msgspec.convert(known["job"], Job) != job:
            return None
        return known["result"]

    def keep(self, name: str, job: Job, result: dict[str, Any]) -> None:
        """Record one more output."""
        self._known[name] = {"job": msgspec.to_builtins(job), "result": result}
        write_whole(self._path, self._known)


class Parts:
    """The parts of one output.

    Parameters
    ----------
    out
        The output, whose name ends in .csv or .parquet.
    job
        What it is made from.

    Raises
    ------
    SourceError
        When the parts of another job are there.
    """

    def __init__(self, out: Path, job: Job) -> None:
        self.out, self.folder = out, out.with_name(f"{out.name}.parts")
        self.rejected = rejected_path(out)
        self.state = self._kept() or State(job)
        if self.state.job != job:
            raise SourceError(
                f"{self.folder.name}: expected the beginning of this run, found that of "
                f"{self.state.job.input} by model {self.state.job.model_version}; delete the "
                "folder to begin again, or give another --out"
            )

    def add(self, scored: pl.DataFrame, rejected: pl.DataFrame, *, n_rows: int, end: int) -> None:
        """Keep the scores of one more block."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = self.state.parts + 1
        scored.write_parquet(self.folder / f"{number:06}.parquet", compression="lz4")
        if rejected.height:
            rejected.write_parquet(self.folder / f"{number:06}.rejected.parquet")
        self.state = msgspec.structs.replace(
            self.state,
            parts=number,
            end=end,
            n_rows=self.state.n_rows + n_rows,
            n_rejected=self.state.n_rejected + rejected.height,
        )
        write_whole(self.folder / "state.json", msgspec.to_builtins(self.state))

    def join(self, empty: pl.DataFrame) -> None:
        """Write the output from all parts, whole or not at all, and remove them.

        Parameters
        ----------
        empty
            Its columns, for an input without a row.
        """
        numbers = range(1, self.state.parts + 1)
        parts = [self.folder / f"{number:06}.parquet" for number in numbers]
        offences = [self.folder / f"{number:06}.rejected.parquet" for number in numbers]
        _write(parts, self.out, empty)
        self.rejected.unlink(missing_ok=True)
        if self.state.n_rejected:
            _write([path for path in offences if path.is_file()], self.rejected, empty)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kept(self) -> State | None:
        path = self.folder / "state.json"
        return msgspec.json.decode(path.read_bytes(), type=State) if path.is_file() else None


def _write(parts: list[Path], target: Path, empty: pl.DataFrame) -> None:
    joined = pl.scan_parquet(parts) if parts else empty.lazy()
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        if target.suffix == ".parquet":
            joined.sink_parquet(partial)
        else:
            joined.sink_csv(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
