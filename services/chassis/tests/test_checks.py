"""Names and ids."""

import pytest
from chassis.checks import checked_name, is_id
from chassis.errors import Invalid


@pytest.mark.parametrize("name", ["x", "Imam Khomeini", "فرودگاه امام خمینی", "می‌خواهم", "😀" * 200, " ", "\u202e"])
def test_text_of_1_to_200_characters_is_a_name(name):
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", "\0", "\x7f", "\x85", "\ud800", 5, None, ["x"], True, b"x"])
def test_anything_else_is_not_and_the_error_names_the_field(name):
    with pytest.raises(Invalid, match=r"^airport must") as caught:
        checked_name(name, "airport")
    str(caught.value).encode()  # it can be sent


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0" * 32, True), ("0123456789abcdef" * 2, True), ("0" * 31, False), ("A" * 32, False), ("0" * 32 + "\n", False),
     ("٣" * 32, False), (7, False), (None, False), (["0" * 32], False)],
)  # fmt: skip
def test_an_id_is_32_hex_digits(value, expected):
    assert is_id(value) is expected
