"""Whole numbers as decimal text, however long.

The interpreter refuses more digits at once than ``sys.set_int_max_str_digits`` allows, because its conversion takes
quadratic time. Here the callers limit the number of digits, which are converted in pieces within any setting of the
interpreter.
"""

from __future__ import annotations

import functools

# The lowest limit of the interpreter is 640.
_DIGITS = 512
_ABOVE = 10**_DIGITS


def from_decimal(text: str) -> int:
    """Converts digits, after an optional minus, to a number. Leading zeros do not count towards the limit."""
    digits = text.removeprefix("-").lstrip("0")
    # The remainder comes first, so that all other pieces have the same length.
    first = len(digits) % _DIGITS
    pieces = [int(digits[:first] or "0")]
    pieces += (int(digits[start : start + _DIGITS]) for start in range(first, len(digits), _DIGITS))
    count = _DIGITS
    # Neighbours are combined repeatedly: multiplication is fastest for numbers of the same size.
    while len(pieces) > 1:
        if len(pieces) % 2:
            pieces.insert(0, 0)
        above = _power(count)
        pieces = [high * above + low for high, low in zip(pieces[::2], pieces[1::2], strict=True)]
        count *= 2
    return -pieces[0] if text.startswith("-") else pieces[0]


@functools.cache
def _power(digits: int) -> int:
    """One for each doubling up to the limit: a handful."""
    power: int = 10**digits
    return power


def to_decimal(number: int) -> str:
    """Converts a number to text."""
    left = abs(int(number))
    pieces = []
    while left >= _ABOVE:
        left, piece = divmod(left, _ABOVE)
        pieces.append(str(piece).rjust(_DIGITS, "0"))
    pieces.append(str(left))
    return ("-" if number < 0 else "") + "".join(reversed(pieces))
