"""Changes of known size to a window of rows, to measure how often the tests find them."""

from collections.abc import Callable

import numpy as np

from fraud_core.drift.two_sample.binned import bin_edges, bin_shares

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def one_feature(deviations: float, scale: np.ndarray) -> Change:
    """Move one feature, drawn for each window, by so many
    standard deviations; `scale` has shape (n_features,).
    """

    def change(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        k = rng.integers(window.shape[1])
        return window + deviations * scale[k] * (np.arange(window.shape[1]) == k)

    return change


def all_features(deviations: float, scale: np.ndarray) -> Change:
    """Move every feature by so many standard deviations, each up or down by chance."""

    def change(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return window + deviations * scale * rng.choice([-1.0, 1.0], window.shape[1])

    return change


def some_rows(share_of_rows: float, deviations: float, scale: np.ndarray) -> Change:
    """Move one feature of a share of the rows."""

    def change(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        out, k = window.copy(), rng.integers(window.shape[1])
        out[rng.random(len(window)) < share_of_rows, k] += deviations * scale[k]
        return out

    return change


def stability_index(index: float, reference: np.ndarray, *, n_bins: int) -> Change:
    """Draw one feature of a window again, so that its stability index to `reference` is `index`.

    The shares of the bins are tilted from low to high by the factor that gives the index.
    """
    edges = [bin_edges(column, n_bins) for column in reference.T]

    def change(window: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        out, k = window.copy(), rng.integers(window.shape[1])
        shares = bin_shares(reference[:, k], edges[k])
        position = np.cumsum(shares) - shares / 2
        low, high = 0.0, 20.0
        for _ in range(60):
            middle = (low + high) / 2
            tilted = shares * np.exp(middle * position)
            tilted /= tilted.sum()
            used = shares > 0
            reached = float(np.sum((tilted - shares)[used] * np.log(tilted[used] / shares[used])))
            low, high = (middle, high) if reached < index else (low, middle)
        row_bin = np.searchsorted(edges[k], reference[:, k], side="left")
        weight = (tilted / np.maximum(shares, 1e-300))[row_bin]
        out[:, k] = reference[rng.choice(len(reference), len(window), p=weight / weight.sum()), k]
        return out

    return change
