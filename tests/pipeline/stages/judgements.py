"""A judgement of a candidate as the notebook of the gate writes it, and its promotion."""

from fraud_core.bundle import load as bundle
from fraud_core.evaluation.verdicts import Verdict
from fraud_core.pipeline.reporting.results import stamp_data, write_metrics
from fraud_core.pipeline.stages import promote
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.promotion.conclusion import gate_metrics
from fraud_core.promotion.gate import Criterion, decide

SELECT = "results/quick/select"


def judged(version: str, *, promoted: bool = True) -> None:
    """What the selection writes of a candidate of the data at hand."""
    outcome = Verdict.PASS if promoted else Verdict.FAIL
    gate = decide(Criterion("alert budget", outcome, "the threshold alerts too much"))
    write_metrics(SELECT, {"candidate.version": version} | gate_metrics(gate))
    stamp_data(SELECT, open_versions("data").content_sha256)


def version(project) -> str:
    return bundle.content_version(project / "models/candidate")


def promoted_lineage(trained) -> str:
    judged(version(trained))
    promote.promote("quick")
    return bundle.load_bundle(trained / "models/champion").lineage_id
