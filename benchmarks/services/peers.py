"""The folders that MLServer and BentoML serve, made in
their own environment, with a model of the same kind.
"""

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

BENTO = '''"""One scikit-learn model behind BentoML."""

import bentoml
import joblib
import pandas as pd


@bentoml.service(workers=1)
class Fraud:
    """Scores one payment."""

    def __init__(self) -> None:
        self.model = joblib.load("model.joblib")

    @bentoml.api
    def predict(self, transaction: dict[str, float]) -> dict[str, float]:
        """Probability of fraud."""
        frame = pd.DataFrame([transaction])[list(self.model.feature_names_in_)]
        return {"fraud_probability": float(self.model.predict_proba(frame)[0, 1])}
'''

if __name__ == "__main__":
    rows, folder = pd.read_csv(sys.argv[1]), Path(sys.argv[2])
    features = rows.drop(columns="Class")
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(
        features, rows["Class"]
    )
    for place in ("bento", "mlserver/fraud"):
        (folder / place).mkdir(parents=True)
        joblib.dump(model, folder / place / "model.joblib")
    (folder / "bento" / "service.py").write_text(BENTO)
    settings = {
        "name": "fraud",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib"},
    }
    (folder / "mlserver" / "fraud" / "model-settings.json").write_text(json.dumps(settings))
    (folder / "mlserver" / "settings.json").write_text(
        json.dumps({"parallel_workers": 0, "debug": False})
    )
