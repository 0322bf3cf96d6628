"""Whole numbers as decimal text, however long.

The interpreter refuses more digits at once than ``sys.set_int_max_str_digits`` says, because its conversion takes time
that grows with their square. How many there may be here is bounded by those who call; they are converted in pieces,
which no setting of the interpreter's can make too long.
"""

from __future__ import annotations

import functools

# The least that the interpreter can be set to is 640.
_DIGITS = 512
_ABOVE = 10**_DIGITS


def from_decimal(text: str) -> int:
    """The number of a text of digits, and perhaps a minus; zeros in front are none of the digits that are bounded."""
    digits = text.removeprefix("-").lstrip("0")
    # What is left over comes first, so that all others are as long.
    first = len(digits) % _DIGITS
    pieces = [int(digits[:first] or "0")]
    pieces += (int(digits[start : start + _DIGITS]) for start in range(first, len(digits), _DIGITS))
    count = _DIGITS
    # Neighbours are put together, and these again: large numbers of a size are multiplied fastest.
    while len(pieces) > 1:
        if len(pieces) % 2:
            pieces.insert(0, 0)
        above = _power(count)
        pieces = [high * above + low for high, low in zip(pieces[::2], pieces[1::2], strict=True)]
        count *= 2
    return -pieces[0] if text.startswith("-") else pieces[0]


@functools.cache
def _power(digits: int) -> int:
    """There are as many of them as doublings to the limit: a handful."""
    power: int = 10**digits
    return power


def to_decimal(number: int) -> str:
    """The text of a number."""
    left = abs(int(number))
    pieces = []
    while left >= _ABOVE:
        left, piece = divmod(left, _ABOVE)
        pieces.append(str(piece).rjust(_DIGITS, "0"))
    pieces.append(str(left))
    return ("-" if number < 0 else "") + "".join(reversed(pieces))
