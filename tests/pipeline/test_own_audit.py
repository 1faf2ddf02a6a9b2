"""A user's own payments with a sensitive column, from
a file and a card to the figures of the fairness study.
"""

import pytest

from fraud_core.pipeline.execution.notebook_runner import run_notebook
from fraud_core.pipeline.reporting.results import read_metrics
from fraud_core.pipeline.stages import data as stages
from fraud_core.pipeline.storage.study_tables import read_study_table
from tests.conftest import ROOT
from tests.pipeline.conftest import prepare
from tests.test_notebooks import defaults


@pytest.mark.slow
def test_fairness_study_finds_the_bias_of_own_payments(project, shop):
    prepare(shop)
    notebook = ROOT / "notebooks/40_fairness.ipynb"
    import nbformat

    values = defaults(nbformat.read(notebook, as_version=4)) | {
        "data_dir": "data",
        "results_dir": "results/own",
    }
    values |= {
        "detectable_disparity": 0.2,
        "decision": {"alert_budget": 0.2, "review_cost_eur": 5.0},
    }
    run_notebook(notebook, project / "results/own/executed.ipynb", values, root=project)
    found = read_metrics("results/own")
    assert found["payments.verdict"] == "fail"
    table = read_study_table("results/own")
    recall = table.only("equal_opportunity_difference", table="shop", group="gender")
    assert recall.interval.ci_low > 0.3
    assert recall.verdict == "fail"
    alarms = table.only("predictive_equality_difference", table="shop", group="age band")
    assert alarms.verdict in ("pass", "insufficient evidence")
    assert table.has("demographic_parity_ratio", table="shop", group="gender and age")
    assert not [name for name in found if "gender" in name]
    assert found["uci_default.verdict"].startswith("not run")


def test_null_in_a_sensitive_column_is_refused_when_the_table_is_taken(shop):
    broken = shop.with_name("broken.csv")
    lines = shop.read_text().splitlines()
    place = lines[0].split(",").index("gender")
    row = lines[5].split(",")
    row[place] = ""
    broken.write_text("\n".join([*lines[:5], ",".join(row), *lines[6:]]) + "\n")
    from fraud_core.errors import ContractError

    with pytest.raises(
        ContractError, match=r"broken\.csv, column gender, row 5: expected a value in every row"
    ):
        stages.use_source("shop", broken)
