"""Host functions whose values travel as JSON, for guests that have more kinds of values than the wall."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from . import _json
from ._signature import codes_of_function, fit, from_codes

HostFunction = Callable[..., Any]


def refuse(name: str, function: Any) -> None:
    """Refuses what cannot be called, or not like this; as the native module does where it sees the function itself."""
    if not callable(function):
        raise TypeError(f"`{name}` must be callable, not {type(function).__name__}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"`{name}` is `async def`, but the guest waits for its result: use a plain function, which can hand work "
            "to an event loop by asyncio.run_coroutine_threadsafe(…).result()"
        )


def codes_of_annotations(function: HostFunction) -> tuple[tuple[int, ...], int] | None:
    """The engine's numbers for a function, if its annotations are complete and all of them kinds."""
    try:
        return codes_of_function(function, ..., ...)
    except TypeError:
        return None


def over_json(name: str, function: HostFunction, codes: tuple[tuple[int, ...], int] | None) -> Callable[[str], str]:
    """The function, called with the text of an array of its arguments; what has kinds is held to them."""

    def call(text: str) -> str:
        args = _json.decode_all(text)
        if not isinstance(args, list):
            raise TypeError(f"the arguments of `{name}` are no array")
        if codes is None:
            return _json.encode(settled(name, function(*args)), f"the result of the host function `{name}`")
        params, returns = codes
        if len(args) != len(params):
            signature = f"{name}{from_codes(params, returns)}"
            raise TypeError(f"`{signature}` takes {len(params)} arguments, but {len(args)} were given")
        pairs = enumerate(zip(args, params, strict=True), 1)
        args = [fit(arg, code, f"argument {at} of `{name}`") for at, (arg, code) in pairs]
        what = f"the result of the host function `{name}`"
        return _json.encode(fit(settled(name, function(*args)), returns, what), what)

    return call


def settled(name: str, result: Any) -> Any:
    """The result of a host function, unless it is a coroutine, which nobody would wait for."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError(f"the host function `{name}` returned a coroutine, but the guest waits for its result")
    return result
