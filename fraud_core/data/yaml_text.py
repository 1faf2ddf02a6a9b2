"""YAML as structs: one reader for parameters and cards.

YAML 1.1 takes ``5e-05`` for text, because it has no point, and that is how DVC and Python write a
small number. Here it is a number, as in YAML 1.2.
"""

import re
from typing import TypeVar

import msgspec
import yaml

Value = TypeVar("Value")
FLOAT = re.compile(r"^[-+]?(?:\d+|\d+\.\d*|\.\d+)[eE][-+]?\d+$")


class _Loader(yaml.CSafeLoader):
    """The safe loader, which also knows a float without a point."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+.0123456789"))


def decode_yaml(text: bytes, kind: type[Value]) -> Value:
    """Decode YAML into a struct.

    Raises
    ------
    msgspec.MsgspecError
        When it is no YAML, or not of the struct.

    Examples
    --------
    >>> decode_yaml(b"{a: 5e-05, b: 1E3}", dict[str, float])
    {'a': 5e-05, 'b': 1000.0}
    """
    try:
        loaded = yaml.load(text, _Loader)  # noqa: S506 - a subclass of the safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(" ".join(str(error).split())) from error
    return msgspec.convert(loaded, kind)
