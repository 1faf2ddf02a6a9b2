"""The command line: one subcommand for each stage; errors are one line, without a traceback."""

import argparse
import sys
from pathlib import Path

from fraud_core.errors import FraudCoreError, ParameterError
from fraud_core.pipeline.params import STUDIES, SWEEPS, Params, notebook_parameters, read_params
from fraud_core.pipeline.paths import PROFILES, project_root, results_folder, within_project


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except FraudCoreError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "interrupted; finished parts are kept, run the same command to go on", file=sys.stderr
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fraud_core", description="Commands of the fraud research pipeline."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    source = add("source", _source, "choose the card's data or a table of your own")
    source.add_argument(
        "--data", type=Path, help="a CSV or parquet table with the columns of the card"
    )
    source.add_argument(
        "--card", type=Path, help="a card of events, for the study of entities (docs/entities.md)"
    )
    add("fetch", _fetch, "get the raw tables and check their digests")
    add("prepare", _prepare, "check the tables and write v0 and the sealed v1")
    add("poison", _poison, "write the poisoned versions of v0")
    scan = add(
        "scan",
        _scan,
        "scan a label batch for poisoning; exit code 2 when some was found, 3 unknown",
    )
    scan.add_argument("data", type=Path, help="a CSV or parquet table with the columns of the card")
    scan.add_argument(
        "--trusted", type=Path, help="a table whose labels are true; its last hours are used"
    )
    _add_drift(add)
    add("train", _train, "train the candidate on v0")
    add(
        "features",
        _features,
        "train the model of customers and terminals, and write the pasts of a feature store",
    )
    study = add("study", _study, "run a study notebook")
    study.add_argument("name", choices=[*STUDIES, *SWEEPS])
    promote = add("promote", _promote, "make the candidate the champion if the gate passed it")
    promote.add_argument(
        "--override-by", help="who promotes in spite of the gate; recorded with the reason"
    )
    promote.add_argument("--override-why", help="the reason of an override")
    rollback = add("rollback", _rollback, "put the previous champion back")
    rollback.add_argument("--by", required=True, help="who does it; recorded with the reason")
    rollback.add_argument("--why", required=True, help="the reason")
    for command in (
        study,
        promote,
        add("report", _report, "render the report"),
        add(
            "unexecuted",
            _unexecuted,
            "print the stages whose executed notebook is not on this machine",
        ),
        add("summary", _summary, "print the headline figures"),
    ):
        command.add_argument("--profile", choices=PROFILES, default="quick")
    lineage = add(
        "lineage", _lineage, "recompute the digests behind a model; exit code 2 when one differs"
    )
    lineage.add_argument("act", choices=["verify"])
    lineage.add_argument("id", help="the lineage_id of a decision or of /v1/model")
    keys = add("signing-key", _signing_key, "make a key pair that signs bundles")
    keys.add_argument(
        "folder", type=Path, help="folder outside the repository for signing.pem and public.pem"
    )
    add("track", _track, "upload runs that MLflow has not taken yet")
    example = add("example", _example, "print the first payment of v1 as a request for /predict")
    example.add_argument("--decision", action="store_true", help="as a request for /v1/decisions")
    _add_written(add)
    return parser


def _add_written(add) -> None:
    """The commands that keep files in git current."""
    for name, run, text in (
        (
            "stages",
            _stages,
            "write dvc.yaml from the description of the stages and the imports of the code",
        ),
        ("readme", _readme, "write the current figures into README.md"),
    ):
        command = add(name, run, text)
        command.add_argument("--check", action="store_true", help="only say whether it is current")
    add(
        "reference",
        _reference,
        "write the API reference from the docstrings into reports/_site/reference",
    )
    add(
        "stale",
        _stale,
        "print the stages whose results are older than what they depend on; exit code 1 when any "
        "is",
    )


def _add_drift(add) -> None:
    drift = add(
        "drift",
        _drift,
        "compare two tables of a card; exit code 2 when drifted, 3 when too few rows to say",
    )
    drift.add_argument(
        "reference", type=Path, help="a CSV or parquet table with the columns of the card"
    )
    drift.add_argument("current", type=Path, help="the table to compare with it")
    drift.add_argument("--card", help="the dataset card; default: data.card of params.yaml")
    drift.add_argument("--json", action="store_true", help="print one JSON object")


def _params() -> Params:
    return read_params(within_project("params.yaml"))


def _source(options) -> None:
    from fraud_core.pipeline.stages.data import use_tables

    print(*use_tables(_params().data.card, options.data, options.card), sep="\n")


def _fetch(options) -> None:
    from fraud_core.pipeline.stages.data import fetch

    fetch(_params().data.card)


def _prepare(options) -> None:
    from fraud_core.pipeline.stages.data import prepare

    prepare(_params().data.card)


def _poison(options) -> None:
    from fraud_core.pipeline.stages.data import poison

    params = _params()
    poison(
        params.data.card,
        direction=params.poison.direction,
        rates=params.poison.rates,
        seed=params.poison.seed,
    )


def _scan(options) -> int:
    from fraud_core.pipeline.commands.scan import scan_table

    return scan_table(options.data, _params().data.card, trusted=options.trusted)


def _drift(options) -> int:
    from fraud_core.pipeline.commands.drift import drift_tables

    params = _params()
    card = options.card or params.data.card
    return drift_tables(
        options.reference, options.current, card, params.drift, as_json=options.json
    )


def _train(options) -> None:
    from fraud_core.pipeline.stages.candidate import train_candidate

    train_candidate(_params())


def _features(options) -> None:
    from fraud_core.pipeline.stages.entity_model import make_entity_model

    print(make_entity_model(_params()))


def _study(options) -> None:
    from fraud_core.pipeline.execution.notebook_runner import run_notebook
    from fraud_core.pipeline.reporting.results import stamp_data
    from fraud_core.pipeline.stages.data import studied_sha256
    from fraud_core.pipeline.tracking.mlflow_runs import track

    name, root = options.name, project_root()
    entry = STUDIES.get(name) or SWEEPS[name]
    folder = Path("results/sweep") if name in SWEEPS else results_folder(options.profile, name)
    parameters = notebook_parameters(_params(), name, options.profile)
    parameters |= {"data_dir": "data", "results_dir": str(folder)}
    print(f"study {name} ({options.profile}): notebooks/{entry.notebook}.ipynb", flush=True)
    run_notebook(
        root / "notebooks" / f"{entry.notebook}.ipynb",
        root / folder / "executed.ipynb",
        parameters,
        root=root,
    )
    stamp_data(folder, studied_sha256(name))
    track(
        name,
        parameters=parameters,
        results_dir=folder,
        profile="sweep" if name in SWEEPS else options.profile,
    )


def _promote(options) -> None:
    from fraud_core.pipeline.stages.promote import promote
    from fraud_core.pipeline.tracking.mlflow_runs import register_champion

    print(promote(options.profile, override=_override(options)))
    registered = register_champion()
    if registered:
        print(f"MLflow: {registered}")


def _rollback(options) -> None:
    from fraud_core.pipeline.stages.promote import roll_back

    print(roll_back(options.by, options.why))


def _lineage(options) -> int:
    from fraud_core.pipeline.stages.lineage import verify_lineage

    return verify_lineage(options.id, _params())


def _signing_key(options) -> None:
    from fraud_core.pipeline.stages.signing_key import write_key_pair

    print(write_key_pair(options.folder))


def _override(options) -> tuple[str, str] | None:
    if options.override_by is None and options.override_why is None:
        return None
    if not (options.override_by or "").strip() or not (options.override_why or "").strip():
        raise ParameterError(
            "override: expected both --override-by and --override-why, neither empty"
        )
    return options.override_by.strip(), options.override_why.strip()


def _report(options) -> None:
    from fraud_core.pipeline.reporting.report import render_report

    print(f"report: {render_report(options.profile)}")


def _reference(options) -> None:
    from fraud_core.pipeline.reporting.api_reference import write_api_reference

    print(f"API reference: {write_api_reference()}")


def _unexecuted(options) -> None:
    from fraud_core.pipeline.reporting.report import unexecuted

    print(*unexecuted(options.profile))


def _summary(options) -> None:
    from fraud_core.pipeline.reporting.headline import summary

    print(summary(options.profile))


def _track(options) -> int:
    from fraud_core.pipeline.tracking.mlflow_runs import upload_pending

    waiting = upload_pending()
    print("MLflow has every run" if not waiting else f"{waiting} runs are still waiting")
    return 1 if waiting else 0


def _example(options) -> None:
    import json

    from fraud_core.pipeline.storage.dataset_versions import open_versions

    versions = open_versions("data", _params().data.card)
    asked = versions.card.names("time", "feature", "amount")
    payment = versions.v1.select(asked).row(0, named=True)
    request = {"transaction_id": "v1-0", "occurred_at": "2013-09-03T00:00:00Z", "features": payment}
    print(json.dumps(request if options.decision else payment))


def _readme(options) -> int:
    from fraud_core.pipeline.reporting.headline import refresh_readme

    changed = refresh_readme(write=not options.check)
    print(
        "README.md: figures "
        + ("are not current; run `make readme`" if changed and options.check else "are current")
    )
    return 1 if changed and options.check else 0


def _stages(options) -> int:
    from fraud_core.pipeline.graph.dvc_yaml import write_pipeline

    stale = write_pipeline(write=not options.check)
    print(
        "dvc.yaml: stages "
        + ("are not current; run `make stages`" if stale and options.check else "are current")
    )
    return 1 if stale and options.check else 0


def _stale(options) -> int:
    from fraud_core.pipeline.graph.stale import stale_stages

    found = stale_stages()
    for stage, names in found.items():
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        print(f"{stage} is older than {', '.join(names[:4])}{more}; run `dvc repro {stage}`")
    if not found:
        print("dvc.lock: every stage is current")
    return 1 if found else 0
