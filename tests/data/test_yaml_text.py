import math

import msgspec
import pytest
from hypothesis import given, strategies as some

from fraud_core.data.yaml_text import decode_yaml


@given(some.floats(allow_nan=False, allow_infinity=False))
def test_every_float_as_python_writes_it_is_a_float(number):
    assert decode_yaml(f"a: {number!r}".encode(), dict[str, float]) == {"a": number}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-05", 5e-05),
        ("1E3", 1000.0),
        ("-2e+1", -20.0),
        ("1.5", 1.5),
        ("7", 7),
        (".inf", math.inf),
    ],
)
def test_numbers_inside_free_settings_are_numbers(text, value):
    assert decode_yaml(f"a: {{C: {text}}}".encode(), dict[str, dict]) == {"a": {"C": value}}


@pytest.mark.parametrize("text", ["e5", "1e", "1e5x", "'1e5'", "0x1e5g", "1e-5-2"])
def test_what_only_looks_like_a_number_stays_text(text):
    assert decode_yaml(f"a: {text}".encode(), dict[str, str]) == {"a": text.strip("'")}


@pytest.mark.parametrize(
    "text", [b"a: [1", b"\xff\xfe", b"{a: b}: c: d", b"!!python/name:os.system x"]
)
def test_what_is_no_yaml_is_one_error_of_one_line(text):
    with pytest.raises(msgspec.MsgspecError) as refused:
        decode_yaml(text, dict[str, str])
    assert "\n" not in str(refused.value)
