"""``score``: a table, or a folder of tables, through a model, row by row and in bounded memory."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import polars as pl

from fraud_core.bundle.load import Bundle, load_bundle
from fraud_core.errors import ContractError, ParameterError, SourceError
from fraud_core.pipeline.batch.blocks import Block, read_blocks, size_of
from fraud_core.pipeline.batch.contract_check import check_rows
from fraud_core.pipeline.batch.parts import Finished, Job, Parts, rejected_path
from fraud_core.pipeline.batch.scored_rows import BatchScorer, Wanted
from fraud_core.pipeline.execution.progress import progress_bar

ROW = "row"
INPUTS = (".csv", ".csv.gz", ".csv.zst", ".parquet")
OUTPUTS = (".csv", ".parquet")
REJECTED_EXIT_CODE = 2


@dataclass(frozen=True)
class ScoredFile:
    """What came of one file: its name, the output's, and how many rows were scored or refused."""

    input: str
    output: str
    model_version: str
    rows: int
    scored: int
    rejected: int
    rejected_file: str | None
    seconds: float


def score_files(
    data: Path,
    out: Path,
    *,
    model: Path,
    wanted: Wanted,
    keep: tuple[str, ...] = (),
    overwrite: bool = False,
    as_json: bool = False,
) -> int:
    """Score a table, or each table of a folder, and print what came of it.

    Parameters
    ----------
    data
        A CSV (also gzip or zstd) or parquet table with the fields of the model's contract, in any
        order and beside any others; or a folder of them.
    out
        The CSV or parquet table to write; for a folder, the folder, where what an earlier run of
        the same job has finished is left. Refused rows stand with their reasons in
        ``<name>.rejected.csv`` beside it.
    model
        Folder of the bundle.
    keep
        Columns of the input that are copied.
    overwrite
        Whether an output that is there may be replaced.

    Returns
    -------
    int
        Exit code: 0 when every row was scored, 2 when some were refused.

    Raises
    ------
    FraudCoreError
        When the input cannot be read, the output is there, or the bundle is none.
    """
    bundle = load_bundle(model).bundle
    clash = sorted(set(keep) & {ROW, *wanted.columns()})
    if clash:
        raise ParameterError(
            f"--keep {clash[0]}: the output has a column of this name; rename the input's"
        )
    pairs = _pairs(data, out)
    for path, target in pairs:
        _check_target(path, target, overwrite=overwrite, in_folder=data.is_dir())
    if not data.is_dir():
        results = [_score(data, out, bundle, wanted, keep)]
        failed = []
    else:
        results, failed = _score_folder(pairs, bundle, wanted, keep, overwrite=overwrite)
    if as_json:
        print(json.dumps([asdict(result) for result in results], indent=1))
    else:
        print(*(_in_words(result) for result in results), sep="\n", flush=True)
    if failed:
        raise SourceError("; ".join(failed))
    return REJECTED_EXIT_CODE if any(result.rejected for result in results) else 0


def _score_folder(
    pairs: Sequence[tuple[Path, Path]],
    bundle: Bundle,
    wanted: Wanted,
    keep: tuple[str, ...],
    *,
    overwrite: bool,
) -> tuple[list[ScoredFile], list[str]]:
    """Score each file; one that cannot be read is named at the end, after the others were scored.

    What an earlier run of the same job has finished is taken from its record.
    """
    record = Finished(pairs[0][1].parent)
    results, failed = [], []
    for path, target in pairs:
        job = _job(path, bundle, wanted, keep)
        known = None if overwrite else record.result(target.name, job)
        if known is not None and target.is_file():
            results.append(msgspec.convert(known, ScoredFile))
            continue
        try:
            results.append(_score(path, target, bundle, wanted, keep))
        except ContractError as error:
            failed.append(str(error))
            continue
        record.keep(target.name, job, asdict(results[-1]))
    return results, failed


def _check_target(path: Path, target: Path, *, overwrite: bool, in_folder: bool) -> None:
    """Refuse an output that is the input, or that would replace a file unasked."""
    rejected = rejected_path(target)
    if path.resolve() in (target.resolve(), rejected.resolve()):
        raise SourceError(f"--out: {target} would replace its own input; give another name")
    there = [written for written in (target, rejected) if written.exists()]
    if there and not overwrite and not (in_folder and Finished(target.parent).knows(target.name)):
        raise SourceError(
            f"{there[0]}: expected no such file, found one; give another --out, or --overwrite to "
            "replace it"
        )


def _pairs(data: Path, out: Path) -> list[tuple[Path, Path]]:
    """Each input with its output."""
    if not data.exists():
        raise SourceError(f"{data}: no such file or folder; check the path")
    if data.is_dir():
        if out.suffix in OUTPUTS:
            raise ParameterError(f"--out {out.name}: expected a folder, since {data.name} is one")
        inputs = sorted(path for path in data.iterdir() if path.name.lower().endswith(INPUTS))
        if not inputs:
            raise SourceError(f"{data}: expected tables ending in {', '.join(INPUTS)}, found none")
        if out.resolve() == data.resolve():
            raise SourceError(f"--out: {out} is the folder of the input; give another one")
        stems = [_stem(path) for path in inputs]
        doubled = sorted({stem for stem in stems if stems.count(stem) > 1})
        if doubled:
            raise SourceError(
                f"{data}: two tables are named {doubled[0]}, and their scores would have one name; "
                "rename one"
            )
        out.mkdir(parents=True, exist_ok=True)
        return [(path, out / f"{stem}.parquet") for path, stem in zip(inputs, stems, strict=True)]
    if out.suffix not in OUTPUTS:
        raise ParameterError(
            f"--out {out.name}: expected a name ending in {' or '.join(OUTPUTS)}, found "
            f"{out.suffix or 'no ending'}"
        )
    if not out.parent.is_dir():
        raise SourceError(f"--out {out}: no folder {out.parent}; make it first")
    return [(data, out)]


def _stem(path: Path) -> str:
    """The name of a table without its ending."""
    ending = max((end for end in INPUTS if path.name.lower().endswith(end)), key=len)
    return path.name[: -len(ending)]


def _job(path: Path, bundle: Bundle, wanted: Wanted, keep: tuple[str, ...]) -> Job:
    stat = path.stat()
    columns = (ROW, *keep, *wanted.columns())
    return Job(path.name, stat.st_size, stat.st_mtime_ns, bundle.version, columns)


def _score(
    path: Path, target: Path, bundle: Bundle, wanted: Wanted, keep: tuple[str, ...]
) -> ScoredFile:
    begun, size, job = time.monotonic(), size_of(path), _job(path, bundle, wanted, keep)
    parts, scorer, show = Parts(target, job), BatchScorer(bundle, wanted), progress_bar()
    fields = [field.name for field in bundle.contract.fields]
    others = [name for name in keep if name not in fields]
    state = parts.state
    for block in read_blocks(path, fields, others, start=state.end, first_row=state.n_rows + 1):
        scored, rejected = _score_block(block, bundle, scorer, keep)
        parts.add(scored, rejected, n_rows=block.n_rows, end=block.end)
        show(f"scoring {path.name}", *_shown(path, block.end, size))
    empty = pl.DataFrame(schema=dict.fromkeys(job.columns, pl.String))
    parts.join(empty)
    n_rows, n_rejected = parts.state.n_rows, parts.state.n_rejected
    return ScoredFile(
        path.name,
        target.as_posix(),
        bundle.version,
        n_rows,
        n_rows - n_rejected,
        n_rejected,
        parts.rejected.as_posix() if n_rejected else None,
        round(time.monotonic() - begun, 3),
    )


def _score_block(
    block: Block, bundle: Bundle, scorer: BatchScorer, keep: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    checked = check_rows(block, bundle.contract)
    whole = len(checked.accepted) == block.table.height
    table = block.table if whole else block.table[checked.accepted]
    row = block.row if whole else block.row.gather(checked.accepted)
    kept = [table[name].alias(name) for name in keep]
    scored = scorer.score(checked.values)
    return pl.DataFrame([row.alias(ROW), *kept, *scored.get_columns()]), checked.rejected


def _shown(path: Path, end: int, size: int) -> tuple[int, int]:
    """How far a file has come: in rows of a parquet table, in kilobytes of another."""
    unit = 1 if path.suffix.lower() == ".parquet" else 1000
    return end // unit, -(-size // unit)


def _in_words(result: ScoredFile) -> str:
    refused = ""
    if result.rejected:
        refused = f", {result.rejected:,} refused (reasons in {result.rejected_file})"
    return (
        f"{result.output}: {result.scored:,} of {result.rows:,} rows of {result.input} scored by "
        f"model {result.model_version}{refused}, {result.seconds:.1f} s"
    )
