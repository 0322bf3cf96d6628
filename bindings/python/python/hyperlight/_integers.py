"""Whole numbers as decimal text, however long.

The interpreter refuses more digits at once than ``sys.set_int_max_str_digits`` says, because its conversion takes time
that grows with their square. How many there may be here is bounded by those who call; they are converted in pieces,
which no setting of the interpreter's can make too long.
"""

from __future__ import annotations

# The least that the interpreter can be set to is 640.
_DIGITS = 512
_ABOVE = 10**_DIGITS


def from_decimal(text: str) -> int:
    """The number of a text of digits, and perhaps a minus."""
    digits = text.removeprefix("-")
    number = 0
    for start in range(0, len(digits), _DIGITS):
        piece = digits[start : start + _DIGITS]
        number = number * 10 ** len(piece) + int(piece)
    return -number if len(digits) < len(text) else number


def to_decimal(number: int) -> str:
    """The text of a number."""
    left = abs(int(number))
    pieces = []
    while left >= _ABOVE:
        left, piece = divmod(left, _ABOVE)
        pieces.append(str(piece).rjust(_DIGITS, "0"))
    pieces.append(str(left))
    return ("-" if number < 0 else "") + "".join(reversed(pieces))
