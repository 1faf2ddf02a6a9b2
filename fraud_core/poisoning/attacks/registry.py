"""The list of attacks. What params.yaml allows, the
table of the documentation and `attack` all read it.

Budgets are shares of the attacked class. To add an attack, write its module with an `Attack` in it,
its test, and its line in `ATTACKS`.
"""

import numpy as np

from fraud_core.data.rows import Transactions
from fraud_core.errors import ParameterError
from fraud_core.poisoning.attacks.backdoor import BACKDOOR
from fraud_core.poisoning.attacks.compromised_annotator import COMPROMISED_ANNOTATOR
from fraud_core.poisoning.attacks.definition import Attack, Poisoned, ThreatModel
from fraud_core.poisoning.attacks.group import GROUP
from fraud_core.poisoning.attacks.label_flips import FRAUD_TO_LEGIT, LEGIT_TO_FRAUD, SYMMETRIC
from fraud_core.poisoning.attacks.margin_based import MARGIN_BASED
from fraud_core.poisoning.attacks.mislabelled_injection import MISLABELLED_INJECTION
from fraud_core.poisoning.attacks.subpopulation import SUBPOPULATION

ATTACKS: tuple[Attack, ...] = (
    LEGIT_TO_FRAUD,
    FRAUD_TO_LEGIT,
    SYMMETRIC,
    MARGIN_BASED,
    SUBPOPULATION,
    BACKDOOR,
    MISLABELLED_INJECTION,
    GROUP,
    COMPROMISED_ANNOTATOR,
)
_BY_NAME = {known.name: known for known in ATTACKS}


def attack_names(*, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of the attacks in the order of the list.

    Parameters
    ----------
    without
        Parts of `ThreatModel` that are not to be had; attacks that need one are left out.

    Examples
    --------
    >>> set(attack_names()) - set(attack_names(without=("group", "source"))) == {
    ...     "group",
    ...     "compromised_annotator",
    ... }
    True
    """
    return tuple(known.name for known in ATTACKS if not set(known.needs) & set(without))


def attack_named(name: str) -> Attack:
    """The attack of a name.

    Raises
    ------
    ParameterError
        When there is none.

    Examples
    --------
    >>> attack_named("backdoor").stamps_trigger
    True
    """
    if name not in _BY_NAME:
        raise ParameterError(f"attack: expected one of {', '.join(_BY_NAME)}, got {name!r}")
    return _BY_NAME[name]


def attack(
    name: str,
    rows: Transactions,
    poison_rate: float,
    *,
    rng: np.random.Generator,
    knowledge: ThreatModel | None = None,
) -> Poisoned:
    """Attack training rows.

    Parameters
    ----------
    name
        Of one of `ATTACKS`, whose `words` say what it does.
    rows
        v0 with true labels, in time order.
    poison_rate
        Share of each attacked class, in [0, 1].
    rng
        Source of every draw.
    knowledge
        What the attack needs beyond the rows.

    Raises
    ------
    ParameterError
        When the name is unknown, the rate outside [0, 1], the attacked class empty, the budget
        larger than the rows that can be attacked, or the attack lacks the knowledge that it needs.

    Examples
    --------
    >>> from fraud_core.data.toy import toy_transactions
    >>> toy = toy_transactions(400, seed=0)
    >>> rows = Transactions(
    ...     toy.select("V1", "V2").to_numpy(),
    ...     toy["Class"].to_numpy(),
    ...     toy["Amount"].to_numpy(),
    ...     is_validation=np.arange(400) >= 300,
    ... )
    >>> poisoned = attack("subpopulation", rows, 0.5, rng=np.random.default_rng(0))
    >>> len(poisoned.changed), int(poisoned.y_observed.sum())
    (10, 10)
    """
    return attack_named(name).poison(rows, poison_rate, knowledge or ThreatModel(), rng)


def attack_rows() -> list[dict[str, str]]:
    """The attacks as rows of the table in docs/poisoning.md.

    Examples
    --------
    >>> attack_rows()[3]["needs"]
    'log_odds'
    """
    return [
        {
            "attack": f"`{known.name}`",
            "what it does": known.words,
            "budget": known.budget_words,
            "needs": ", ".join(known.needs) or "nothing",
        }
        for known in ATTACKS
    ]
