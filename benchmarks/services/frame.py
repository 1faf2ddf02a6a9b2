"""The usual demo: FastAPI, a pandas frame of one row, a scikit-learn model."""

import sys
from typing import cast

import pandas as pd
import uvicorn
from fastapi import FastAPI
from mlflow.sklearn import load_model
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

app = FastAPI()
# MLflow declares no types; these are the two models that train.py saves
model = cast("Pipeline | HistGradientBoostingClassifier", load_model(sys.argv[2]))


@app.post("/predict")
def predict(transaction: dict[str, float]) -> dict[str, float]:
    """Score one transaction."""
    frame = pd.DataFrame([transaction])[list(model.feature_names_in_)]
    return {"fraud_probability": float(model.predict_proba(frame)[0, 1])}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
