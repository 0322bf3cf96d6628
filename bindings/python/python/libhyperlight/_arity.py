"""Number of arguments that a guest may pass to a callable whose parameters have no kinds.

A guest passes the required parameters, and any that ``*args`` takes. A default is the author's way of giving the
*host*'s value (``def read(name, root="/srv/public")``). So a guest may pass such a parameter only if the registration
allows it. A guest never passes keyword-only parameters.
"""

from __future__ import annotations

import contextlib
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

# Option that lets guests pass more.
OPENS = "guests may give parameters that have defaults only if it is registered with open_arity=True"


class Arity(NamedTuple):
    """The minimum and the maximum number of arguments; None is no maximum."""

    least: int
    most: int | None

    def admits(self, count: int) -> bool:
        return self.least <= count and (self.most is None or count <= self.most)

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.least} argument{'' if self.least == 1 else 's'}"
        return f"{self.least} arguments or more" if self.most is None else f"{self.least} to {self.most} arguments"


def said(arity: Any) -> Arity:
    """Reads ``arity=``: a number, or a pair of the minimum and the maximum."""
    least, most = arity if isinstance(arity, tuple) and len(arity) == 2 else (arity, arity)
    for number in (least, 0 if most is None else most):
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"arity is a number, or a pair of the least and the most (or None), not {arity!r}")
    if least < 0 or (most is not None and most < least):
        raise ValueError(f"arity begins at 0, and the most is no less than the least, found {arity!r}")
    return Arity(least, most)


def of_function(name: str, function: Callable[..., Any], open_arity: bool) -> Arity:
    """Finds the number of arguments of a callable, in each of its layers: a decorator's signature may differ from the
    function's."""
    least, most, count = 0, None, 0
    for signature in _signatures(function):
        here = _of_signature(name, signature, open_arity)
        least = max(least, here.least)
        most = here.most if most is None else most if here.most is None else min(most, here.most)
        count += 1
    if count == 0:
        raise TypeError(f"the signature of `{name}` cannot be read: say arity=, how many arguments guests may pass")
    if most is not None and most < least:
        raise TypeError(f"`{name}` is decorated, and its layers take different numbers of arguments: say arity=")
    return Arity(least, most)


def refusal(name: str, function: Callable[..., Any], arity: Arity, count: int) -> str:
    """Explains why a guest may not pass so many arguments, and which option allows it."""
    text = f"`{name}` takes {arity}, but {count} were given"
    try:
        is_open = of_function(name, function, open_arity=True).admits(count)
    except TypeError:
        is_open = False
    if is_open:
        text += f"; {OPENS}"
    return text


def has_defaults(function: Callable[..., Any]) -> bool:
    """Returns True if the callable could take more than the guest may pass."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(
        parameter.kind in positional and parameter.default is not parameter.empty
        for signature in _signatures(function)
        for parameter in signature.parameters.values()
    )


def _of_signature(name: str, signature: inspect.Signature, open_arity: bool) -> Arity:
    least, takes_any = 0, False
    # The parameters with defaults, which follow those without.
    defaults = 0
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            # The arguments of ``*args`` follow those.
            takes_any = open_arity or defaults == 0
        elif parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty:
                raise TypeError(f"`{name}` needs the keyword argument `{parameter.name}`, which guests cannot pass")
        elif parameter.kind is not parameter.VAR_KEYWORD:
            if parameter.default is parameter.empty:
                least += 1
            else:
                defaults += 1
    most = least + (defaults if open_arity else 0)
    return Arity(least, None if takes_any else most)


def _signatures(function: Callable[..., Any]) -> Iterator[inspect.Signature]:
    """Lists the readable signatures of a callable and of the callables that it wraps."""
    for follows in (True, False):
        with contextlib.suppress(TypeError, ValueError):
            yield inspect.signature(function, follow_wrapped=follows)
    # The layers between. A method's own first parameter is not the guest's.
    is_method = isinstance(function, types.MethodType)
    layer = getattr(function, "__wrapped__", None)
    while layer is not None:
        with contextlib.suppress(TypeError, ValueError):
            signature = inspect.signature(layer, follow_wrapped=False)
            parameters = list(signature.parameters.values())
            yield signature.replace(parameters=parameters[1:]) if is_method and parameters else signature
        layer = getattr(layer, "__wrapped__", None)
