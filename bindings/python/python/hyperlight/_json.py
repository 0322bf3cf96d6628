"""Values as the guests' JSON, which loses nothing.

It is JSON with one escape: an object with a single key that begins with ``$`` stands for what JSON has no word for. A
program's own object of that form has the ``$`` doubled on its way.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any, NoReturn

from ._errors import GuestProtocolError

# A JavaScript number is a binary64: integers up to here are exact in it.
_SAFE = 2**53 - 1
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0}


def encode(value: Any, what: str) -> str:
    """The text of a value, which an error calls ``what``."""
    try:
        plain = _plain(value)
    except RecursionError:
        raise ValueError(f"{what} contains itself, or is nested too deeply") from None
    except TypeError as error:
        raise TypeError(f"{what} is no JSON value: {error}") from None
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            # Lone surrogates, which JavaScript's strings may have too, can only travel escaped.
            text = json.dumps(plain, allow_nan=False, separators=(",", ":"))
    return text


def decode(text: str) -> Any:
    """The value of a text that a guest wrote: hostile, perhaps. An empty one is None."""
    if not text:
        return None
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise GuestProtocolError(f"the guest's JSON cannot be read: {error}") from None


def _plain(value: Any) -> Any:
    """The value in words that JSON has."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        value = int(value)
        return value if -_SAFE <= value <= _SAFE else {"$bigint": str(value)}
    if isinstance(value, float):
        if not math.isfinite(value):
            return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
        return float(value) if value or math.copysign(1.0, value) > 0 else {"$number": "-0"}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(bytes(value)).decode("ascii")}
    raise TypeError(f"found {type(value).__name__}")


def _object(value: dict[Any, Any]) -> dict[str, Any]:
    plain = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"the keys of a dict must be str, not {type(key).__name__}")
        plain[key] = _plain(item)
    if len(plain) == 1:
        ((key, item),) = plain.items()
        if key.startswith("$"):
            return {f"${key}": item}
    return plain


def _unescape(value: dict[str, Any]) -> Any:
    if len(value) != 1:
        return value
    ((key, item),) = value.items()
    if key.startswith("$$"):
        return {key[1:]: item}
    if key == "$bytes":
        try:
            return base64.b64decode(item, validate=True)
        except (TypeError, binascii.Error) as error:
            raise ValueError(f"$bytes: {error}") from None
    if key == "$bigint":
        return _integer(item)
    if key == "$number":
        if not isinstance(item, str) or item not in _NUMBERS:
            raise ValueError("$number: it is none of those that JSON has no word for")
        return _NUMBERS[item]
    return value


def _integer(digits: Any) -> int:
    if not isinstance(digits, str) or not digits.removeprefix("-").isdecimal() or not digits.isascii():
        raise ValueError("$bigint: it is no decimal number")
    return int(digits)


def _number(digits: str) -> int | float:
    """A number of JavaScript's: beyond the safe integers its digits are those of a rounded one."""
    if len(digits) < 18 and -_SAFE <= (value := int(digits)) <= _SAFE:
        return value
    return float(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(object_hook=_unescape, parse_int=_number, parse_constant=_refuse)
