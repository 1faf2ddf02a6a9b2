"""A scikit-learn model of v0 in MLflow's form for the servers that are compared, or with --csv its training rows."""

import sys

from fraud_core.pipeline.versions import open_versions

if __name__ == "__main__":
    versions = open_versions("data")
    frame = versions.v0.select(versions.card.model_features)
    if sys.argv[1] == "--csv":
        frame.with_columns(versions.v0["Class"]).write_csv(sys.argv[2])
    else:
        import mlflow.sklearn
        from sklearn.ensemble import HistGradientBoostingClassifier

        rows = frame.to_pandas()
        model = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(rows, versions.v0["Class"].to_numpy())
        mlflow.sklearn.save_model(model, sys.argv[1], input_example=None, serialization_format="cloudpickle")
