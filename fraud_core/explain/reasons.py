"""Reasons in words from a closed vocabulary, and the value that would have turned a decision.

The service and the study say reasons by these functions; NumPy and msgspec are all they need.
"""

import math
import re
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from fraud_core.model.decide import Code, Reason
from fraud_core.model.scorer import ObliviousTrees

N_TRIED = 2
# The publishers of the card data keep secret what these principal components are made of.
ANONYMOUS = re.compile(r"V\d+")
VOCABULARY: Mapping[Code, str] = {
    "ABOVE_USUAL": "above its usual range",
    "BELOW_USUAL": "below its usual range",
    "USUAL_VALUE": "within its usual range",
    "OUTSIDE_TRAINING_RANGE": "far outside all values that the model was trained on; usual is",
    "UNKNOWN": "without a usual range to compare it with",
    "ENTITY_UNKNOWN": "never seen before",
    "ENTITY_STALE": "last seen longer ago than is remembered",
    "EVENT_LATE": "reported so late that its windows are incomplete",
}


class WordedReason(Reason, frozen=True):
    """A reason as a reader gets it.

    Attributes
    ----------
    words
        One sentence made of the fields and the vocabulary alone.
    would_turn_at
        The nearest value in the reference range that would have turned the decision, all other features as they are;
        null when none would; left out when it was not looked for.
    """

    words: str
    would_turn_at: float | msgspec.UnsetType | None = msgspec.UNSET


def reason_code(value: float, low: float, high: float) -> Code:
    """Where a value lies against its reference range; ``UNKNOWN`` when there is no range or no number.

    Examples
    --------
    >>> reason_code(3.0, -1.0, 1.0), reason_code(3.0, 1.0, 1.0), reason_code(float("nan"), -1.0, 1.0)
    ('ABOVE_USUAL', 'UNKNOWN', 'UNKNOWN')
    """
    if not low < high or not math.isfinite(value):
        return "UNKNOWN"
    return "ABOVE_USUAL" if value > high else "BELOW_USUAL" if value < low else "USUAL_VALUE"


def put_in_words(reason: Reason, would_turn_at: float | msgspec.UnsetType | None = msgspec.UNSET) -> WordedReason:
    """A reason with its sentence.

    Parameters
    ----------
    reason
        What a feature adds to the score.
    would_turn_at
        As in `WordedReason`.

    Raises
    ------
    KeyError
        When the code is not in the vocabulary.

    Examples
    --------
    >>> put_in_words(Reason("BELOW_USUAL", "V14", 2.31, -6.2, (-1.6, 1.4)), -1.5).words
    'V14, an anonymous component, is -6.2, below its usual range (-1.6 to 1.4): +2.31 log-odds; -1.5 would turn it.'
    >>> put_in_words(Reason("UNKNOWN", "Amount", -0.5, 12.0, (3.0, 3.0))).words
    'Amount is 12, without a usual range to compare it with: -0.50 log-odds.'
    """
    what = (
        f"{reason.feature}, an anonymous component, is"
        if ANONYMOUS.fullmatch(reason.feature)
        else f"{reason.feature} is"
    )
    low, high = reason.reference
    usual = "" if reason.code == "UNKNOWN" else f" ({low:.5g} to {high:.5g})"
    turned = ""
    if would_turn_at is None:
        turned = "; no usual value would turn it"
    elif would_turn_at is not msgspec.UNSET:
        turned = f"; {np.float32(would_turn_at)!s} would turn it"
    words = f"{what} {reason.value:.5g}, {VOCABULARY[reason.code]}{usual}: {reason.contribution:+.2f} log-odds{turned}."
    return WordedReason(
        reason.code, reason.feature, reason.contribution, reason.value, reason.reference, words, would_turn_at
    )


def turning_value(
    trees: ObliviousTrees,
    row: np.ndarray,
    feature: int,
    reference: tuple[float, float],
    turned: Callable[[np.ndarray], bool],
) -> float | None:
    """The value of one feature, nearest to the row's own, that would have turned its decision.

    Parameters
    ----------
    row
        Shape (n_features,).
    feature
        Column that is changed; all others stay.
    reference
        Lowest and highest value tried.
    turned
        Whether another row, shape (n_features,), is decided otherwise.

    Returns
    -------
    float or None
        None when no value in the range turns it. A decision that depends on the feature by the margin alone is searched
        completely, because the trees cannot tell other values apart.

    References
    ----------
    S. Wachter, B. Mittelstadt and C. Russell (2018), Counterfactual explanations without opening the black box; here
    over one feature, so that the nearest one is found by search.

    Examples
    --------
    >>> stump = ObliviousTrees(np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.0)
    >>> turning_value(stump, np.array([3.0]), 0, (-1.0, 1.0), lambda other: stump.margin(other[None])[0] < 0)
    0.5
    """
    for value in tried_values(trees, feature, float(row[feature]), *reference):
        other = row.astype(np.float64)
        other[feature] = value
        if turned(other):
            return value
    return None


def tried_values(trees: ObliviousTrees, feature: int, value: float, low: float, high: float) -> list[float]:
    """Values in a range that the trees can tell apart, each as near to `value` as it can be, the nearest first.

    Examples
    --------
    >>> stump = ObliviousTrees(np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.0)
    >>> tried_values(stump, 0, 3.0, -1.0, 1.0)
    [1.0, 0.5]
    """
    border = np.unique(trees.border[(trees.feature == feature) & np.isfinite(trees.border)])
    # a value on a border goes to the lower side, so the upper side begins at the next float32
    above = np.nextafter(border, np.float32(np.inf)).astype(np.float64)
    start = np.maximum(np.concatenate([[-np.inf], above]), low)
    end = np.minimum(np.concatenate([border.astype(np.float64), [np.inf]]), high)
    nearest = np.clip(value, start, end)[start <= end]
    tried = nearest[nearest != value]
    return tried[np.argsort(np.abs(tried - value), kind="stable")].tolist()
