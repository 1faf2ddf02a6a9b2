"""The bundle as an MLflow model, logged as code: nothing is pickled."""

from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from fraud_core.bundle.load import load_bundle


class FraudModel(PythonModel):
    """Scores a frame whose columns include the contract's model features."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load and verify the bundle."""
        self.bundle = load_bundle(Path(context.artifacts["bundle"])).bundle

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, object] | None = None,
    ) -> np.ndarray:
        """Probability of fraud for each row; a missing column is an error, never filled."""
        return self.bundle.probability(
            model_input[list(self.bundle.contract.model_features)].to_numpy()
        )


set_model(FraudModel())
