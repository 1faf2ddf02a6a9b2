"""A user's own payments with a sensitive column, from
a file and a card to the figures of the fairness study.
"""

import re

import numpy as np
import polars as pl
import pytest

from fraud_core.data.toy import toy_transactions
from fraud_core.errors import ParameterError
from fraud_core.pipeline.execution.notebook_runner import run_notebook
from fraud_core.pipeline.params import notebook_parameters, read_params
from fraud_core.pipeline.reporting.results import read_metrics
from fraud_core.pipeline.stages import data as stages
from fraud_core.pipeline.storage.dataset_versions import open_versions
from fraud_core.pipeline.storage.study_tables import read_study_table
from tests.conftest import ROOT
from tests.test_notebooks import defaults

SENSITIVE = (
    "  - {name: gender, role: sensitive, type: string}\n  - {name: Age, role: sensitive, "
    "type: int}\n"
)


@pytest.fixture
def shop(project, tmp_path_factory):
    """The project with a card of the user's own and its
    table; frauds of women look like genuine payments.
    """
    card = (project / "data/cards/ulb.yaml").read_text().replace("name: ulb", "name: shop", 1)
    card = re.sub(r"^(sha256|bytes|  holdout_content_sha256): .*\n", "", card, flags=re.MULTILINE)
    card = card.replace("  - {name: Class,", f"{SENSITIVE}  - {{name: Class,")
    (project / "data/cards/shop.yaml").write_text(card)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("card: ulb ", "card: shop "))
    rng = np.random.default_rng(2)
    table = toy_transactions(6000, seed=3, fraud_share=0.2)
    gender = rng.choice(["woman", "man"], table.height)
    hurt, plain = (
        (gender == "woman") & (table["Class"] == 1).to_numpy(),
        rng.normal(size=(4, table.height)),
    )
    table = table.with_columns(
        pl.Series("gender", gender),
        pl.Series("Age", rng.integers(20, 70, table.height)),
        *(
            pl.Series(f"V{k}", np.where(hurt, plain[k - 1], table[f"V{k}"].to_numpy()))
            for k in range(1, 5)
        ),
    )
    path = tmp_path_factory.mktemp("own") / "payments.csv"
    table.write_csv(path)
    return path


def prepare(path):
    stages.use_source("shop", path)
    stages.fetch("shop")
    stages.prepare("shop")


def test_versions_are_opened_by_the_card_of_the_parameters(shop):
    prepare(shop)
    data = open_versions("data")
    assert data.card.name == "shop"
    assert {"gender", "Age"} <= set(data.v1.columns)
    assert not {"gender", "Age"} & set(data.card.model_features)
    assert data.holdout.X.shape[1] == 29


@pytest.mark.slow
def test_fairness_study_finds_the_bias_of_own_payments(project, shop):
    prepare(shop)
    notebook = ROOT / "notebooks/40_fairness.ipynb"
    import nbformat

    values = defaults(nbformat.read(notebook, as_version=4)) | {
        "data_dir": "data",
        "results_dir": "results/own",
    }
    values |= {"detectable_gap": 0.2, "decision": {"alert_budget": 0.2, "review_cost_eur": 5.0}}
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


def test_unknown_card_of_the_parameters_is_named(project):
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("card: ulb ", "card: nobody "))
    assert (
        notebook_parameters(read_params(params), "fairness", "quick")["decision"]["alert_budget"]
        > 0
    )
    with pytest.raises(ParameterError, match=r"data\.card: expected one of .*, got 'nobody'"):
        open_versions("data")
