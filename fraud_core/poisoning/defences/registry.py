"""The list of defences. What params.yaml allows, the
table of the documentation and `defend` all read it.

What several of them need (bins, out-of-fold scores, the scan, the neighbours) is computed once and
passed in as a `DefenceContext`. To add a defence, write its module with a `Defence` in it, its
test, and its line in `DEFENCES`.
"""

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.defences.confident_learning import CONFIDENT_LEARNING
from fraud_core.poisoning.defences.definition import Defence, DefenceContext, Defended
from fraud_core.poisoning.defences.micro_models import MICRO_MODELS
from fraud_core.poisoning.defences.nearest_neighbours import NEAREST_NEIGHBOURS
from fraud_core.poisoning.defences.out_of_fold import OUT_OF_FOLD
from fraud_core.poisoning.defences.provenance import PROVENANCE
from fraud_core.poisoning.defences.trusted_loss import TRUSTED_LOSS
from fraud_core.poisoning.defences.undefended import UNDEFENDED, keep_all

DEFENCES: tuple[Defence, ...] = (
    UNDEFENDED,
    CONFIDENT_LEARNING,
    NEAREST_NEIGHBOURS,
    MICRO_MODELS,
    TRUSTED_LOSS,
    PROVENANCE,
    OUT_OF_FOLD,
)
# Chooses among the defences by what the scan finds:
# `fraud_core.poisoning.defences.selection.choose_defence`.
SELECTOR = "policy"
_BY_NAME = {known.name: known for known in DEFENCES}


def defence_names() -> tuple[str, ...]:
    """Names of the defences in the order of the list.

    Examples
    --------
    >>> defence_names()[0]
    'none'
    """
    return tuple(_BY_NAME)


def defence_named(name: str) -> Defence:
    """The defence of a name.

    Raises
    ------
    ParameterError
        When there is none; the selector is none.

    Examples
    --------
    >>> defence_named("knn").needs
    ('neighbours',)
    """
    if name not in _BY_NAME:
        hint = "; it chooses among them, call choose_defence" if name == SELECTOR else ""
        raise ParameterError(f"defence: expected one of {', '.join(_BY_NAME)}, got {name!r}{hint}")
    return _BY_NAME[name]


def defend(name: str, rows: Transactions, context: DefenceContext | None, *, seed: int) -> Defended:
    """Clean training rows by one defence.

    Parameters
    ----------
    name
        Of one of `DEFENCES`, whose `words` say what it drops.
    rows
        Rows as seen, trusted labels in place (`with_trusted_labels`).
    context
        Shared computations on these rows; None does for ``none``.
    seed
        Of the defence's own models.

    Raises
    ------
    ParameterError
        When the name is unknown, or the context lacks what the defence needs.

    Examples
    --------
    >>> import numpy as np
    >>> rows = Transactions(
    ...     np.zeros((2, 1)), np.array([0, 1]), np.ones(2), is_trusted=np.array([False, True])
    ... )
    >>> int(defend("none", rows, None, seed=0).flagged.sum())
    0
    """
    defence = defence_named(name)
    if defence is UNDEFENDED:
        return keep_all(rows, context, seed)
    if context is None:
        raise ParameterError(f"defence {name}: expected the context of the rows, got None")
    return defence.clean(rows, context, seed)


def defence_rows() -> list[dict[str, str]]:
    """The defences as rows of the table in docs/poisoning.md.

    Examples
    --------
    >>> defence_rows()[-1]["defence"]
    '`out_of_fold`'
    """
    return [
        {
            "defence": f"`{known.name}`",
            "what it drops": known.words,
            "needs": ", ".join(known.needs) or "nothing",
        }
        for known in DEFENCES
    ]
