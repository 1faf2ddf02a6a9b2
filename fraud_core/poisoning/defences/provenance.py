"""Which label source does harm: leave each one out and ask the trusted rows."""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.definition import Defence, DefenceContext, Defended, without
from fraud_core.poisoning.detection.out_of_fold import sample_loss
from fraud_core.poisoning.detection.quantised_pool import Quantised

STANDARD_ERRORS = 2.0


def harmful_source(
    quantised: Quantised, rows: Transactions, source: np.ndarray, *, seed: int
) -> str | None:
    """The source whose removal lowers the loss on the
    trusted rows most, when by more than two standard errors.

    Parameters
    ----------
    quantised
        Features of the rows in bins.
    rows
        Labels as seen; ``rows.is_trusted`` marks the trusted rows, which are judged on and never
        learnt from.
    source
        Shape (n_samples,), who gave each label.
    seed
        Of the fits.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> from fraud_core.poisoning.detection.quantised_pool import quantise
    >>> toy = toy_transactions(800, seed=0)
    >>> y, source = toy["Class"].to_numpy().copy(), np.tile(["a", "b"], 400)
    >>> y[:600][source[:600] == "b"] = 0
    >>> rows = Transactions(
    ...     toy.select("V1", "V2").to_numpy(),
    ...     y,
    ...     toy["Amount"].to_numpy(),
    ...     is_validation=np.arange(800) >= 600,
    ... )
    >>> harmful_source(quantise(rows.X), rows, source, seed=0) in ("b", None)
    True
    """
    y, doubtful, trusted = (
        rows.y_observed,
        np.flatnonzero(~rows.is_trusted),
        np.flatnonzero(rows.is_trusted),
    )
    with_all = sample_loss(quantised, y, doubtful, trusted, seed=seed)
    best: tuple[float, str | None] = (STANDARD_ERRORS, None)
    for name in np.unique(source[doubtful]):
        rest = doubtful[source[doubtful] != name]
        if len(np.unique(y[rest])) < 2:
            continue
        gain = with_all - sample_loss(quantised, y, rest, trusted, seed=seed)
        score = float(gain.mean() / max(gain.std(ddof=1) / np.sqrt(len(gain)), 1e-12))
        if score > best[0]:
            best = (score, str(name))
    return best[1]


def drop_harmful_source(rows: Transactions, context: DefenceContext, seed: int) -> Defended:
    """Drop all rows of the source whose removal helps
    on the trusted rows; none when no removal helps.

    Raises
    ------
    ParameterError
        When the context holds no sources.
    """
    if context.source is None:
        raise ParameterError(
            "provenance: expected a source for each row in `context.source`, got none; the data "
            "set has no such column"
        )
    name = harmful_source(context.quantised, rows, context.source, seed=seed)
    return without(
        rows, np.zeros(len(rows), dtype=bool) if name is None else context.source == name
    )


PROVENANCE = Defence(
    "provenance",
    "the source whose removal lowers the loss on the trusted rows by more than two standard errors",
    drop_harmful_source,
    needs=("source",),
)
