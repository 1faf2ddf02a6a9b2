"""Conditions of the study: an attack at a poison rate,
or one of the two ways to train without an attack.
"""

from dataclasses import dataclass
from typing import Any

from fraud_core.poisoning.attacks.definition import Attack
from fraud_core.poisoning.attacks.registry import attack_named


@dataclass(frozen=True)
class Condition:
    """What was done to the training labels.

    Attributes
    ----------
    attack
        Name of an attack, or that of `CLEAN` or `NULL_RUN`.
    rate
        Share of each attacked class, in [0, 1]; None where nobody attacks.

    Examples
    --------
    >>> Condition("fraud_to_legit", 0.5).key, Condition("symmetric", 0.005).key, CLEAN.key
    ('fraud_to_legit.50', 'symmetric.0_5', 'clean')
    """

    attack: str
    rate: float | None = None

    @property
    def is_attack(self) -> bool:
        """Whether somebody attacks, be it at a rate of 0."""
        return self.rate is not None

    @property
    def attack_rate(self) -> float:
        """The rate; ValueError where nobody attacks."""
        if self.rate is None:
            raise ValueError(f"{self.attack}: expected an attack with a rate, found none")
        return self.rate

    @property
    def entry(self) -> Attack:
        """The attack itself; ParameterError where nobody attacks."""
        return attack_named(self.attack)

    @property
    def percent(self) -> str:
        """The rate in percent, such as ``0.5``; empty where nobody attacks."""
        return "" if self.rate is None else format(self.rate * 100, "g")

    @property
    def key(self) -> str:
        """Name of figures and files: attack and percent
        of the attacked class, without a decimal point.
        """
        return f"{self.attack}.{self.percent.replace('.', '_')}" if self.is_attack else self.attack

    @property
    def slug(self) -> str:
        """The same as one word, such as ``fraud_to_legit_50``."""
        return self.key.replace(".", "_")

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of the study's table that choose the figures of this condition."""
        return {"attack": self.attack, "poison_rate": self.rate}


CLEAN, NULL_RUN = Condition("clean"), Condition("null_run")
