"""The recipes of CONTRIBUTING.md, followed in a copy of the code."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

ATTACK, IN_THE_LIST = r'("""The attack on small amounts.*?)', "SMALLEST_AMOUNTS,"
STATISTIC, IN_THE_STATISTICS = r'("""The Hellinger distance.*?)', "HELLINGER,"
ESTIMATOR, IN_THE_REGISTRY = r"(def _extra_trees.*?)", '"extra_trees": _extra_trees,'


def recipe(pattern):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.search(rf"^```python\n{pattern}^```$", text, re.DOTALL | re.MULTILINE)[1]


def follow(path, contained):
    """Add the lines of the recipe's diff that holds a line, each before or after its neighbour."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (diff,) = [
        d for d in re.findall(r"^```diff\n(.*?)^```$", text, re.DOTALL | re.M) if contained in d
    ]
    kept = "".join(f"{line[1:]}\n" for line in diff.splitlines() if line[0] == " ")
    edit(path, kept, "".join(f"{line[1:]}\n" for line in diff.splitlines()))


@pytest.fixture
def copy(tmp_path):
    """A copy of what an attack or an estimator touches: package, parameters, cards."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "fraud_core", tmp_path / "fraud_core", ignore=ignored)
    shutil.copytree(ROOT / "data" / "cards", tmp_path / "data" / "cards")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path.name, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def printed(copy, code):
    """What code prints that sees the copy and no other package of this name."""
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def test_attack_of_the_recipe_is_accepted_dispatched_and_in_the_table(copy):
    attacks = copy / "fraud_core" / "poisoning" / "attacks"
    (attacks / "smallest_amounts.py").write_text(recipe(ATTACK), encoding="utf-8")
    follow(attacks / "registry.py", IN_THE_LIST)
    edit(copy / "params.yaml", "  attack: legit_to_fraud ", "  attack: smallest_amounts ")
    out = printed(
        copy,
        "import numpy as np, fraud_core as fc\n"
        "from pathlib import Path\n"
        "from fraud_core.pipeline.params import notebook_parameters, read_params\n"
        "from fraud_core.pipeline.reporting.results import markdown_table\n"
        "from fraud_core.poisoning.attacks.registry import attack_rows\n"
        "rows = fc.to_transactions(fc.toy_transactions(400, seed=0), fc.toy_card())\n"
        "found = fc.attack('smallest_amounts', rows, 0.5, rng=np.random.default_rng(0))\n"
        "params = read_params(Path('params.yaml'))\n"
        "print(fc.__file__, len(found.changed))\n"
        "print(notebook_parameters(params, 'sweep', 'quick')['attack'])\n"
        "print(markdown_table(attack_rows()))\n",
    )
    place, changed = out.splitlines()[0].split()
    assert place.startswith(str(copy))
    assert int(changed) == 10
    assert out.splitlines()[1] == "smallest_amounts"
    row = "| `smallest_amounts` | hides the frauds of the smallest amounts | share of the frauds |"
    assert row in out


def test_attack_without_its_line_is_refused_by_name(copy):
    edit(copy / "params.yaml", "  attack: legit_to_fraud ", "  attack: smallest_amounts ")
    code = (
        "from pathlib import Path\n"
        "from fraud_core.errors import ParameterError\n"
        "from fraud_core.pipeline.params import read_params\n"
        "try:\n    read_params(Path('params.yaml'))\n"
        "except ParameterError as error:\n    print(error)\n"
    )
    said = printed(copy, code)
    assert "smallest_amounts" in said
    assert "expected one of legit_to_fraud, fraud_to_legit" in said


def test_estimator_of_the_recipe_is_built_from_the_parameters_and_fitted(copy):
    module = copy / "fraud_core" / "model" / "estimators.py"
    first = "REGISTRY: dict[str, Builder] = {\n"
    edit(module, first, recipe(ESTIMATOR) + "\n\n" + first)
    follow(module, IN_THE_REGISTRY)
    entry = "    extra_trees:\n      settings:\n        n_estimators: 20\n      calibration: none\n"
    edit(copy / "params.yaml", "    catboost:\n", f"{entry}    catboost:\n")
    edit(copy / "params.yaml", "  studied: catboost ", "  studied: extra_trees ")
    out = printed(
        copy,
        "import fraud_core as fc\n"
        "from pathlib import Path\n"
        "from fraud_core.errors import ParameterError\n"
        "from fraud_core.pipeline.params import notebook_parameters, read_params\n"
        "params = read_params(Path('params.yaml'))\n"
        "rows = fc.to_transactions(fc.toy_transactions(400, seed=0), fc.toy_card())\n"
        "fitted = params.model.config().fit(rows.X, rows.y_observed)\n"
        "print(type(fitted.model).__name__, len(fitted.decision_function(rows.X)))\n"
        "print(notebook_parameters(params, 'drift', 'quick')['model']['studied'])\n"
        "try:\n    fc.EstimatorConfig('svm').build()\n"
        "except ParameterError as error:\n    print(error)\n",
    )
    kind, studied, refused = out.splitlines()
    assert (kind, studied) == ("ExtraTreesClassifier 400", "extra_trees")
    assert "extra_trees" in refused


def test_drift_statistic_of_the_recipe_is_measured_and_in_the_tables(copy):
    statistics = copy / "fraud_core" / "drift" / "two_sample"
    (statistics / "hellinger.py").write_text(recipe(STATISTIC), encoding="utf-8")
    follow(statistics / "registry.py", IN_THE_STATISTICS)
    out = printed(
        copy,
        "import numpy as np\n"
        "from fraud_core.drift.two_sample.registry import statistic_rows\n"
        "from fraud_core.drift.two_sample.univariate import compare_category, compare_features\n"
        "from fraud_core.pipeline.plots.drift import feature_rows\n"
        "rows = np.random.default_rng(0).normal(size=(2, 500, 1))\n"
        "drifts = compare_features(*rows, ['x'], n_bins=10, psi_threshold=0.1, alpha=0.05)\n"
        "drifts.append(compare_category('c', ['a'] * 300, ['b'] * 300))\n"
        "print(*[round(drift.distances['hellinger'], 3) for drift in drifts])\n"
        "print('Hellinger' in feature_rows(drifts, 1)[0])\n"
        "print(statistic_rows()[0]['statistic'])\n",
    )
    near, apart = out.splitlines()[0].split()
    assert 0 < float(near) < 0.2
    assert float(apart) == 1.0
    assert out.splitlines()[1:] == ["True", "`hellinger`"]
