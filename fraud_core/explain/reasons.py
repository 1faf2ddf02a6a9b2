"""Reasons in words from a closed vocabulary, and single-feature counterfactuals.

The service and the study render reasons by these functions; NumPy and msgspec are all they need.
"""

import math
import re
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from fraud_core.bundle.decider import Code, Reason
from fraud_core.scoring.oblivious_trees import ObliviousTrees

N_COUNTERFACTUALS = 2
ABOUT_ENTITIES = ("ENTITY_UNKNOWN", "ENTITY_STALE", "EVENT_LATE")
# The publishers of the card data keep secret what these principal components are made of.
ANONYMOUS = re.compile(r"V\d+")
VOCABULARY: Mapping[Code, str] = {
    "ABOVE_USUAL": "above its usual range",
    "BELOW_USUAL": "below its usual range",
    "USUAL_VALUE": "within its usual range",
    "OUTSIDE_TRAINING_RANGE": "far outside all values that the model was trained on; usual is",
    "UNKNOWN": "without a usual range to compare it with",
    "ENTITY_UNKNOWN": "was never seen before",
    "ENTITY_STALE": "was last seen longer ago than is remembered",
    "EVENT_LATE": "has younger payments, so that its windows are no longer whole",
}


class WordedReason(Reason, frozen=True):
    """A reason as a reader gets it.

    Attributes
    ----------
    words
        One sentence made of the fields and the vocabulary only.
    would_turn_at
        The single-feature counterfactual: the nearest value in the reference range that would have
        turned the decision, all other features as they are; null when none would; left out when it
        was not looked for.
    """

    words: str
    would_turn_at: float | msgspec.UnsetType | None = msgspec.UNSET


def reason_code(value: float, low: float, high: float) -> Code:
    """Where a value lies against its reference range;
    ``UNKNOWN`` when there is no range or no number.

    Examples
    --------
    >>> (
    ...     reason_code(3.0, -1.0, 1.0),
    ...     reason_code(3.0, 1.0, 1.0),
    ...     reason_code(float("nan"), -1.0, 1.0),
    ... )
    ('ABOVE_USUAL', 'UNKNOWN', 'UNKNOWN')
    """
    if not low < high or not math.isfinite(value):
        return "UNKNOWN"
    return "ABOVE_USUAL" if value > high else "BELOW_USUAL" if value < low else "USUAL_VALUE"


def render_reason(
    reason: Reason, would_turn_at: float | msgspec.UnsetType | None = msgspec.UNSET
) -> WordedReason:
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
    >>> render_reason(Reason("BELOW_USUAL", "Hour", 2.31, -6.2, (-1.6, 1.4)), -1.5).words
    'Hour is -6.2, below its usual range (-1.6 to 1.4): +2.31 log-odds; -1.5 would turn it.'
    >>> render_reason(Reason("UNKNOWN", "Amount", -0.5, 12.0, (3.0, 3.0))).words
    'Amount is 12, without a usual range to compare it with: -0.50 log-odds.'
    """
    if reason.code in ABOUT_ENTITIES:
        words = f"{reason.feature} {VOCABULARY[reason.code]}."
        return WordedReason(
            reason.code,
            reason.feature,
            reason.contribution,
            reason.value,
            reason.reference,
            words,
            would_turn_at,
        )
    what = (
        f"{reason.feature}, an anonymous component,"
        if ANONYMOUS.fullmatch(reason.feature)
        else reason.feature
    )
    what += " is not known" if reason.value is None else f" is {reason.value:.5g}"
    low, high = reason.reference
    span = "" if reason.code == "UNKNOWN" else f" ({low:.5g} to {high:.5g})"
    turned = ""
    if would_turn_at is None:
        turned = "; no usual value would turn it"
    elif would_turn_at is not msgspec.UNSET:
        turned = f"; {str(np.float32(would_turn_at)).removesuffix('.0')} would turn it"
    words = f"{what}, {VOCABULARY[reason.code]}{span}: {reason.contribution:+.2f} log-odds{turned}."
    return WordedReason(
        reason.code,
        reason.feature,
        reason.contribution,
        reason.value,
        reason.reference,
        words,
        would_turn_at,
    )


def value_cells(
    trees: ObliviousTrees, feature: int, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """The parts of a range within which the trees do not distinguish two values of a feature.

    Returns
    -------
    first, last
        Ends of each part, both within it, ascending, shape (n_parts,). All are float32 numbers when
        the range's are.

    Examples
    --------
    >>> stump = ObliviousTrees(
    ...     np.array([[0]]), np.array([[0.5]], "f4"), np.array([[-1.0, 1.0]]), 0.0
    ... )
    >>> first, last = value_cells(stump, 0, -1.0, 1.0)
    >>> last.tolist(), bool(first[1] > 0.5)
    ([0.5, 1.0], True)
    """
    border = np.unique(trees.border[(trees.feature == feature) & np.isfinite(trees.border)])
    # a value on a border goes to the lower side, so the upper side begins at the next float32
    above = np.nextafter(border, np.float32(np.inf)).astype(np.float64)
    first = np.maximum(np.concatenate([[-np.inf], above]), low)
    last = np.minimum(np.concatenate([border.astype(np.float64), [np.inf]]), high)
    kept = first <= last
    return first[kept], last[kept]


def nearest_values(cells: tuple[np.ndarray, np.ndarray], value: float) -> np.ndarray:
    """Of each part the value that is nearest to a given one,
    the nearest first; the given one itself is left out.

    Parameters
    ----------
    cells
        As from `value_cells`.
    value
        A finite number.

    Examples
    --------
    >>> nearest_values((np.array([-1.0, 0.75]), np.array([0.5, 1.0])), 3.0).tolist()
    [1.0, 0.5]
    """
    nearest = np.minimum(np.maximum(value, cells[0]), cells[1])
    tried = nearest[nearest != value]
    return tried[np.argsort(np.abs(tried - value), kind="stable")]


def single_feature_counterfactual(
    cells: tuple[np.ndarray, np.ndarray], value: float, turned: Callable[[np.ndarray], np.ndarray]
) -> float | None:
    """The value of one feature, nearest to the row's own, that would have turned its decision.

    Parameters
    ----------
    cells
        As from `value_cells`, for the reference range of the feature.
    value
        The row's own, a finite number.
    turned
        Whether the row is decided otherwise with each of these values, shape (n_values,), instead
        of its own.

    Returns
    -------
    float or None
        None when no value in the range turns it. A decision that depends on the feature by the
        log-odds only is searched completely, because the trees distinguish no other values.

    References
    ----------
    S. Wachter, B. Mittelstadt and C. Russell (2018), Counterfactual explanations without opening
    the black box; here over one feature, so that the nearest one is found by search.

    Examples
    --------
    >>> cells = np.array([-1.0, 0.75]), np.array([0.5, 1.0])
    >>> single_feature_counterfactual(cells, 3.0, lambda others: others < 0.6)
    0.5
    """
    tried = nearest_values(cells, value)
    places = np.flatnonzero(turned(tried))
    return float(tried[places[0]]) if places.size else None
