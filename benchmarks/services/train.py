"""A scikit-learn model of v0, saved in MLflow's form for the servers that are compared."""

import sys

import mlflow.sklearn
from sklearn.ensemble import HistGradientBoostingClassifier

from fraud_core.pipeline.versions import open_versions

if __name__ == "__main__":
    versions = open_versions("data")
    frame = versions.v0.select(versions.card.model_features).to_pandas()
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(frame, versions.v0["Class"].to_numpy())
    mlflow.sklearn.save_model(model, sys.argv[1], input_example=None, serialization_format="cloudpickle")
