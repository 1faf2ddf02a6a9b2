"""NannyML and Evidently on windows that `benchmarks/drift.py`
wrote; runs in their own environment, never in ours.

`python drift_peers.py FOLDER` reads FOLDER/task.npz and writes FOLDER/found.json. Environment:
`pip install nannyml evidently "pandas<3" "plotly<6"`.
"""

# NannyML and Evidently are installed for this benchmark only:
# pyright: reportMissingImports=false
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
EVIDENTLY_METHODS = ("ks", "psi", "wasserstein", "jensenshannon")


def main(folder: Path) -> None:
    """Time both on the large pair of windows, then
    count their alarms on each set of small windows.
    """
    task = np.load(folder / "task.npz")
    reference = frame(task["reference"])
    measured: dict = {"seconds": {}, "alarms": {}}
    reference_large, current_large = frame(task["large_reference"]), frame(task["large_current"])
    runs = {
        "nannyml": lambda before, after: nannyml_alarms(before, [after]),
        "evidently": evidently_all,
    }
    for name, run in runs.items():
        run(reference_large[:2000], current_large[:2000])
        started = time.perf_counter()
        run(reference_large, current_large)
        measured["seconds"][name] = round(time.perf_counter() - started, 2)
    for key in (key for key in task.files if key.startswith("windows_")):
        windows = [frame(window) for window in task[key]]
        measured["alarms"][key.removeprefix("windows_")] = {
            "nannyml": float(nannyml_alarms(reference, windows, domain=False).mean()),
            "evidently_ks": float(
                np.mean([evidently(reference, window, "ks") for window in windows])
            ),
            "evidently_psi": float(
                np.mean([evidently(reference, window, "psi") for window in windows])
            ),
        }
    (folder / "found.json").write_text(json.dumps(measured))


def frame(rows: np.ndarray) -> pd.DataFrame:
    """A table with columns x0, x1, ..."""
    names = pd.Index([f"x{k}" for k in range(rows.shape[1])])
    return pd.DataFrame(rows.astype(np.float64), columns=names)


def nannyml_alarms(
    reference: pd.DataFrame, windows: list[pd.DataFrame], *, domain: bool = True
) -> np.ndarray:
    """Whether any result alerts on each window, at
    the library's own thresholds, shape (n_windows,).

    The windows are its chunks. Its domain classifier fits many boosted forests, so it is left out
    of the small windows.
    """
    import nannyml as nml

    names, size = list(reference.columns), len(windows[0])
    methods = ["kolmogorov_smirnov", "jensen_shannon", "wasserstein"]
    calculators = [
        nml.UnivariateDriftCalculator(
            column_names=names, continuous_methods=methods, chunk_size=size
        ),
        nml.DataReconstructionDriftCalculator(column_names=names, chunk_size=size),
    ]
    if domain:
        calculators.append(
            nml.DomainClassifierCalculator(feature_column_names=names, chunk_size=size)
        )
    alert = np.zeros(len(windows), dtype=bool)
    for calculator in calculators:
        table = (
            calculator.fit(reference)
            .calculate(pd.concat(windows, ignore_index=True))
            .filter(period="analysis")
            .to_df()
        )
        alert |= table[[c for c in table.columns if c[-1] == "alert"]].to_numpy().any(axis=1)
    return alert


def evidently(reference: pd.DataFrame, current: pd.DataFrame, method: str) -> bool:
    """Whether any column is called drifted by one method, at the library's own threshold."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    report = Report([DataDriftPreset(num_method=method)]).run(current, reference)
    counts = [
        m["value"]["count"]
        for m in report.dict()["metrics"]
        if isinstance(m["value"], dict) and "count" in m["value"]
    ]
    return bool(counts[0] > 0)


def evidently_all(reference: pd.DataFrame, current: pd.DataFrame) -> None:
    """The four univariate statistics; the library has no multivariate one."""
    for method in EVIDENTLY_METHODS:
        evidently(reference, current, method)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
