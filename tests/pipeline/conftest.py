"""A card of the user's own payments with a sensitive column, and its table."""

import re

import numpy as np
import polars as pl
import pytest

from fraud_core.data.toy import toy_transactions
from fraud_core.pipeline.stages import data as stages

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
