"""One check of a checkout, and what it said."""

from typing import Literal

import msgspec

State = Literal["ok", "notice", "wrong"]


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one check found.

    Attributes
    ----------
    state
        ``ok``; ``notice`` where nothing is broken but something will not work as it could;
        ``wrong`` where a command will fail.
    found
        In words.
    fix
        What mends it; empty when it is ok.
    """

    name: str
    state: State
    found: str
    fix: str = ""
