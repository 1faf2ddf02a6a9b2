"""The bundle as an MLflow model, logged as code: nothing is pickled."""

from pathlib import Path

import mlflow
import pandas as pd

from fraud_core.bundle.load import load_bundle


class FraudModel(mlflow.pyfunc.PythonModel):
    """Scores a frame whose columns include the contract's model features."""

    def load_context(self, context) -> None:
        """Load and verify the bundle."""
        self.bundle = load_bundle(Path(context.artifacts["bundle"])).bundle

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Probability of fraud for each row; a missing column is an error, never filled."""
        return self.bundle.probability(
            model_input[list(self.bundle.contract.model_features)].to_numpy()
        )


mlflow.models.set_model(FraudModel())
