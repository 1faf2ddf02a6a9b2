"""The command line: one subcommand for each stage; errors are one line, without a traceback."""

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from fraud_core.errors import FraudCoreError, ParameterError
from fraud_core.pipeline.commands.arguments import build_parser
from fraud_core.pipeline.params import STUDIES, SWEEPS, Params, notebook_parameters, read_params
from fraud_core.pipeline.paths import (
    CHAMPION,
    project_root,
    results_folder,
    within_project,
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code = COMMANDS[options.command](options) or 0
        sys.stdout.flush()
        return code
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if arguments is None:  # in a process of its own one interruption is enough
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(
            "interrupted; what was finished is kept, run the same command to continue",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:  # whoever reads has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _params() -> Params:
    return read_params(within_project("params.yaml"))


def _source(options: Namespace) -> None:
    from fraud_core.pipeline.stages.data import use_tables

    print(*use_tables(_params().data.card, options.data, options.card), sep="\n")


def _fetch(options: Namespace) -> None:
    from fraud_core.pipeline.stages.data import fetch

    fetch(_params().data.card)


def _prepare(options: Namespace) -> None:
    from fraud_core.pipeline.stages.data import prepare

    prepare(_params().data.card)


def _poison(options: Namespace) -> None:
    from fraud_core.pipeline.stages.data import poison

    params = _params()
    poison(
        params.data.card,
        direction=params.poison.direction,
        rates=params.poison.rates,
        seed=params.poison.seed,
    )


def _scan(options: Namespace) -> int:
    from fraud_core.pipeline.commands.scan import scan_table

    return scan_table(
        options.data, _params().data.card, trusted=options.trusted, as_json=options.json
    )


def _drift(options: Namespace) -> int:
    from fraud_core.pipeline.commands.drift import drift_tables

    params = _params()
    card = options.card or params.data.card
    return drift_tables(
        options.reference, options.current, card, params.drift, as_json=options.json
    )


def _score(options: Namespace) -> int:
    from fraud_core.pipeline.batch.scored_rows import Wanted
    from fraud_core.pipeline.commands.score import score_files

    return score_files(
        options.data,
        options.out,
        model=within_project(options.model) if options.model == CHAMPION else options.model,
        wanted=Wanted(decisions=options.decisions, reasons=options.reasons),
        keep=tuple(options.keep),
        overwrite=options.overwrite,
        as_json=options.json,
    )


def _train(options: Namespace) -> None:
    from fraud_core.pipeline.stages.candidate import train_candidate

    train_candidate(_params())


def _features(options: Namespace) -> None:
    from fraud_core.pipeline.stages.entity_model import make_entity_model

    print(make_entity_model(_params()))


def _study(options: Namespace) -> None:
    from fraud_core.pipeline.execution.notebook_runner import run_notebook
    from fraud_core.pipeline.execution.run_lock import run_lock
    from fraud_core.pipeline.execution.whole_results import replacing
    from fraud_core.pipeline.reporting.results import stamp_data
    from fraud_core.pipeline.stages.data import studied_sha256
    from fraud_core.pipeline.tracking.mlflow_runs import track

    name, root = options.name, project_root()
    entry = STUDIES.get(name) or SWEEPS[name]
    folder = Path("results/sweep") if name in SWEEPS else results_folder(options.profile, name)
    parameters = notebook_parameters(_params(), name, options.profile) | {"data_dir": "data"}
    print(f"study {name} ({options.profile}): notebooks/{entry.notebook}.ipynb", flush=True)
    with run_lock(f"study {folder.as_posix()}"), replacing(root / folder) as unfinished:
        run_notebook(
            root / "notebooks" / f"{entry.notebook}.ipynb",
            unfinished / "executed.ipynb",
            parameters | {"results_dir": str(unfinished.relative_to(root))},
            root=root,
        )
        stamp_data(unfinished, studied_sha256(name))
    track(
        name,
        parameters=parameters | {"results_dir": str(folder)},
        results_dir=folder,
        profile="sweep" if name in SWEEPS else options.profile,
    )


def _lanes(options: Namespace) -> None:
    from fraud_core.pipeline.execution.lanes import run_lanes

    run_lanes([lane.split(",") for lane in options.lane])


def _promote(options: Namespace) -> None:
    from fraud_core.pipeline.stages.promote import promote
    from fraud_core.pipeline.tracking.mlflow_runs import register_champion, upload_pending

    upload_pending()
    print(promote(options.profile, override=_override(options)))
    registered = register_champion()
    if registered:
        print(f"MLflow: {registered}")


def _rollback(options: Namespace) -> None:
    from fraud_core.pipeline.stages.promote import roll_back

    print(roll_back(options.by, options.why))


def _lineage(options: Namespace) -> int:
    from fraud_core.pipeline.stages.lineage import verify_lineage

    return verify_lineage(options.id, _params())


def _signing_key(options: Namespace) -> None:
    from fraud_core.pipeline.stages.signing_key import write_key_pair

    print(write_key_pair(options.folder))


def _override(options: Namespace) -> tuple[str, str] | None:
    if options.override_by is None and options.override_why is None:
        return None
    by, why = (options.override_by or "").strip(), (options.override_why or "").strip()
    if not by or not why:
        raise ParameterError(
            "override: expected both --override-by and --override-why, neither empty"
        )
    return by, why


def _report(options: Namespace) -> None:
    from fraud_core.pipeline.reporting.report import render_report

    print(f"report: {render_report(options.profile)}")


def _reference(options: Namespace) -> None:
    from fraud_core.pipeline.reporting.api_reference import refresh_api_reference

    print(f"API reference: {refresh_api_reference()}")


def _unexecuted(options: Namespace) -> None:
    from fraud_core.pipeline.reporting.report import unexecuted

    print(*unexecuted(options.profile))


def _summary(options: Namespace) -> None:
    from fraud_core.pipeline.reporting.headline import headline_json, summary

    print(headline_json(options.profile) if options.json else summary(options.profile))


def _track(options: Namespace) -> int:
    from fraud_core.pipeline.tracking.mlflow_runs import upload_pending

    waiting = upload_pending()
    print("MLflow has every run" if not waiting else f"{waiting} runs are still waiting")
    return 1 if waiting else 0


def _example(options: Namespace) -> None:
    import json

    from fraud_core.pipeline.storage.dataset_versions import open_versions

    versions = open_versions("data", _params().data.card)
    asked = versions.card.names("time", "feature", "amount")
    payment = versions.v1.select(asked).row(0, named=True)
    request = {"transaction_id": "v1-0", "occurred_at": "2013-09-03T00:00:00Z", "features": payment}
    print(json.dumps(request if options.decision else payment))


def _readme(options: Namespace) -> int:
    from fraud_core.pipeline.reporting.headline import refresh_readme

    changed = refresh_readme(write=not options.check)
    print(
        "README.md: figures "
        + ("are not current; run `make readme`" if changed and options.check else "are current")
    )
    return 1 if changed and options.check else 0


def _stages(options: Namespace) -> int:
    from fraud_core.pipeline.graph.dvc_yaml import write_pipeline

    stale = write_pipeline(write=not options.check)
    print(
        "dvc.yaml: stages "
        + ("are not current; run `make stages`" if stale and options.check else "are current")
    )
    return 1 if stale and options.check else 0


def _stale(options: Namespace) -> int:
    from fraud_core.pipeline.graph.stale import stale_stages

    stages = stale_stages()
    for stage, names in stages.items():
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        print(f"{stage} is older than {', '.join(names[:4])}{more}; run `dvc repro {stage}`")
    if not stages:
        print("dvc.lock: every stage is current")
    return 1 if stages else 0


def _doctor(options: Namespace) -> int:
    from fraud_core.pipeline.commands.doctor import examine

    return examine(options.port, as_json=options.json)


def _completion(options: Namespace) -> None:
    import shtab

    print(shtab.complete(build_parser(), options.shell))


COMMANDS: dict[str, Callable[[Namespace], int | None]] = {
    "source": _source,
    "fetch": _fetch,
    "prepare": _prepare,
    "poison": _poison,
    "scan": _scan,
    "drift": _drift,
    "score": _score,
    "train": _train,
    "features": _features,
    "study": _study,
    "lanes": _lanes,
    "promote": _promote,
    "rollback": _rollback,
    "lineage": _lineage,
    "signing-key": _signing_key,
    "report": _report,
    "reference": _reference,
    "unexecuted": _unexecuted,
    "summary": _summary,
    "track": _track,
    "example": _example,
    "readme": _readme,
    "stages": _stages,
    "stale": _stale,
    "doctor": _doctor,
    "completion": _completion,
}
