"""How far a fraud label can be believed when labels of both classes were flipped."""

import numpy as np

from fraud_core.model.calibration import fit_calibration


def noise_corrected_posterior(
    y: np.ndarray, log_odds: np.ndarray, false_rate: float, hidden_rate: float
) -> np.ndarray:
    """Probability that a row labelled fraud is one, shape (n_samples,).

    Parameters
    ----------
    y, log_odds
        Labels as seen, and out-of-fold log-odds of them.
    false_rate, hidden_rate
        Shares r of the legitimate rows and h of the frauds that are flipped.

    Notes
    -----
    The noisy posterior is q = p(1 − h) + (1 − p)r. It is calibrated on the labels as seen, solved
    for p, and the label itself is taken as evidence: p(1 − h)/q.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 200)
    >>> sure = noise_corrected_posterior(y, rng.normal(2.0 * y - 1.0), 0.1, 0.0)
    >>> bool((sure >= 0).all() and (sure <= 1).all())
    True
    """
    calibration = fit_calibration(log_odds, y)
    noisy = np.clip(calibration.probability(log_odds), 1e-12, 1.0)
    hidden_rate = min(hidden_rate, 0.9 - false_rate)
    clean = np.clip((noisy - false_rate) / max(1e-6, 1.0 - false_rate - hidden_rate), 0.0, 1.0)
    return (
        clean
        * (1.0 - hidden_rate)
        / (clean * (1.0 - hidden_rate) + (1.0 - clean) * false_rate + 1e-12)
    )
