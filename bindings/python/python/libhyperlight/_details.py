"""What a guest says about its error besides the message, as fields of the exception.

It is the guest's own JSON, at most 64 KiB of it, and anything may be in it. What is not as expected is left out.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ._errors import GuestError, HyperlightError
from ._libhyperlight import _of_script

# As deep, and as many, as runtimes write them.
_MOST_LEVELS = 8
_MOST_ERRORS = 64
_MESSAGE = 4096


def fill(error: GuestError, text: str) -> None:
    """Sets what the text says. Its cause is Python's, too, unless a host function's exception takes the place later."""
    # The second is the caller's, who has used up Python's own stack.
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
    """An error, if it has what only errors have; else what was given in the place of one."""
    texts = [found.get(name) for name in ("name", "message", "stack")] if isinstance(found, dict) else []
    if not texts or not all(isinstance(text, str) for text in texts) or level >= _MOST_LEVELS:
        return found
    name, text, _ = texts
    error = GuestError(_line(f"{name}: {text}"))
    _fill(error, found, level + 1)
    return error


def _line(text: str) -> str:
    """A message, as the engine makes those of guests: one line, and nothing in it that a terminal obeys."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[:_MESSAGE])


def _text(found: Any) -> str | None:
    return found if isinstance(found, str) else None
