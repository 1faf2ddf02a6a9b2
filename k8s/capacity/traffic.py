"""Traffic to try the deployment with, as requests a second for each second."""

import numpy as np

DAY_SECONDS = 86_400


def daily_wave(peak_rps: float) -> np.ndarray:
    """One day, shape (86400,): calm at night, two humps, the
    higher in the evening, with its peak at ``peak_rps``.

    Examples
    --------
    >>> day = daily_wave(1000.0)
    >>> day.shape, round(day.max()), bool(day[4 * 3600] < 250)
    ((86400,), 1000, True)
    """
    hour = np.arange(DAY_SECONDS) / 3600
    shape = (
        0.15
        + 0.6 * np.exp(-(((hour - 12.5) / 3.0) ** 2))
        + 0.85 * np.exp(-(((hour - 19.0) / 2.2) ** 2))
    )
    return peak_rps * shape / shape.max()


def flash_sale(base_rps: float, peak_rps: float) -> np.ndarray:
    """One hour, shape (3600,): after ten minutes from base to
    peak within twenty seconds, then back over half an hour.

    Examples
    --------
    >>> sale = flash_sale(100.0, 900.0)
    >>> float(sale[0]), round(sale.max())
    (100.0, 900)
    """
    at = np.arange(3600.0)
    risen = np.clip((at - 600) / 20, 0.0, 1.0)
    return base_rps + (peak_rps - base_rps) * risen * np.exp(-np.clip(at - 900, 0.0, None) / 600)


def steady(rps: float, seconds: int = 3600) -> np.ndarray:
    """The same traffic for some time, shape (seconds,)."""
    return np.full(seconds, rps)
