"""scikit-learn models of v0 in MLflow's form for the servers
that are compared, or with --csv their training rows.

``boosting`` is a model of the kind that the service serves; ``forest`` is the scaler and random
forest of most demos.
"""

import sys
from pathlib import Path

from fraud_core.pipeline.storage.dataset_versions import open_versions

if __name__ == "__main__":
    versions = open_versions("data")
    frame = versions.v0.select(versions.card.model_features)
    if sys.argv[1] == "--csv":
        frame.with_columns(versions.v0["Class"]).write_csv(sys.argv[2])
    else:
        from mlflow.sklearn import save_model
        from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        rows, labels = frame.to_pandas(), versions.v0["Class"].to_numpy()
        boosting = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(rows, labels)
        trees = RandomForestClassifier(n_estimators=100, random_state=0, n_jobs=-1)
        forest = make_pipeline(StandardScaler(), trees).fit(rows, labels)
        trees.set_params(n_jobs=None)  # one row is scored faster by one thread
        for name, model in {"boosting": boosting, "forest": forest}.items():
            path = Path(sys.argv[1]) / name
            save_model(model, path, serialization_format="cloudpickle")
