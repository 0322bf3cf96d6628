"""Values as scripts' JSON, which loses nothing.

It is JSON with one escape: an object with a single key that begins with ``$`` stands for what JSON has no word for. A
program's own object of that form has the ``$`` doubled on its way. Values may be nested 512 levels deep, and whole
numbers be anything below 2**65536, in both directions; what exceeds that is PayloadTooLarge.
"""

from __future__ import annotations

from typing import Any

from ._libhyperlight import _decode_json, _encode_json


def encode(value: Any, what: str) -> str:
    """The text of a value, which an error calls ``what``."""
    return _encode_json(value, what, is_script=True)


def encode_all(values: tuple[Any, ...], what: str) -> str:
    """The text of an array of values, each of which may be as deep as one alone."""
    return _encode_json(values, what, is_script=True, around=1)


def decode(text: str) -> Any:
    """The value of a text that a guest wrote: hostile, perhaps. An empty one is None."""
    return _decode_json(text, is_script=True) if text else None


def decode_all(text: str) -> Any:
    """The values of an array that a guest wrote, each of which may be as deep as one alone."""
    return _decode_json(text, is_script=True, around=1)
