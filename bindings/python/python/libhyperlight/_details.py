"""The guest's details of its error, as fields of the exception.

The details are JSON of at most 64 KiB, and untrusted. Fields of an unexpected form are left out.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ._errors import GuestError, HyperlightError
from ._libhyperlight import _of_script

# Limits on depth and number, enough for the runtimes' errors.
_MOST_LEVELS = 8
_MOST_ERRORS = 64
_MESSAGE = 4096


def fill(error: GuestError, text: str) -> None:
    """Sets the fields from the text. Its cause becomes the exception's cause, too, unless a host function's exception
    replaces it later."""
    # The second is the caller's, who has exhausted Python's stack.
    with contextlib.suppress(HyperlightError, RecursionError):
        found = _of_script(text)
        if isinstance(found, dict):
            _fill(error, found, 0)


def _fill(error: GuestError, found: dict[str, Any], level: int) -> None:
    error.name, error.text, error.stack = (_text(found.get(name)) for name in ("name", "message", "stack"))
    error.thrown_code, error.value = found.get("code"), found.get("value")
    error.cause = _thrown(found.get("cause"), level)
    if isinstance(error.cause, GuestError):
        error.__cause__ = error.cause
    errors = found.get("errors")
    if isinstance(errors, list):
        error.errors = tuple(_thrown(one, level) for one in errors[:_MOST_ERRORS])


def _thrown(found: Any, level: int) -> Any:
    """Makes an error if the details have an error's fields; otherwise returns the thrown value."""
    texts = [found.get(name) for name in ("name", "message", "stack")] if isinstance(found, dict) else []
    if not texts or not all(isinstance(text, str) for text in texts) or level >= _MOST_LEVELS:
        return found
    name, text, _ = texts
    error = GuestError(_line(f"{name}: {text}"))
    _fill(error, found, level + 1)
    return error


def _line(text: str) -> str:
    """Cleans a message as the engine does: one line, without control characters for a terminal."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:_MESSAGE])


def _text(found: Any) -> str | None:
    return found if isinstance(found, str) else None
