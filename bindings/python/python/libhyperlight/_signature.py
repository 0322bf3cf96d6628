"""Kinds as annotations, and signatures.

A kind is written as a type: ``int`` is i64, ``float`` is f64, and ``bool``, ``str``, ``bytes`` and ``None`` are
themselves. This module defines types for the kinds that Python lacks. Type checkers read them as ``int`` and ``float``,
and values are plain numbers.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _arity

if TYPE_CHECKING:
    i32: TypeAlias = int
    u32: TypeAlias = int
    u64: TypeAlias = int
    f32: TypeAlias = float
else:

    class i32(int):
        """Signed 32-bit integer."""

    class u32(int):
        """Unsigned 32-bit integer."""

    class u64(int):
        """Unsigned 64-bit integer."""

    class f32(float):
        """IEEE 754 binary32. Arguments are rounded to it."""


i64: TypeAlias = int
"""Signed 64-bit integer."""
f64: TypeAlias = float
"""IEEE 754 binary64."""

# By the engine's kind number.
_KINDS: tuple[tuple[Any, str], ...] = (
    (None, "None"),
    (bool, "bool"),
    (i32, "i32"),
    (u32, "u32"),
    (i64, "i64"),
    (u64, "u64"),
    (f32, "f32"),
    (f64, "f64"),
    (str, "str"),
    (bytes, "bytes"),
)
# By the engine's kind number, too.
VOID = 0
_F32 = 6


def _code(annotation: Any) -> int | None:
    """Returns the kind number of an annotation."""
    if annotation is type(None):
        return VOID
    for code, (kind, _) in enumerate(_KINDS):
        if annotation is kind:
            return code
    return None


def _kind(annotation: Any, what: str) -> int:
    code = _code(annotation)
    if code is None:
        shown = annotation.__name__ if isinstance(annotation, type) else repr(annotation)
        raise TypeError(
            f"{what} is {shown}, which is no kind of value: use None, bool, int (i64), float (f64), str, bytes, "
            "or i32, u32, u64, f32 of libhyperlight"
        )
    return code


class Signature:
    """The parameters and the result of a function.

    Prints like a Python signature: ``(i32, i32) -> i32``.
    """

    __slots__ = ("_params", "_returns")

    def __init__(self, params: Iterable[Any] = (), returns: Any = None) -> None:
        """Raises TypeError for an annotation that is not a kind."""
        codes = tuple(_kind(param, f"parameter {at}") for at, param in enumerate(params, 1))
        if VOID in codes:
            raise TypeError("a parameter cannot be None")
        self._params = codes
        self._returns = _kind(returns, "the result")

    @property
    def params(self) -> tuple[Any, ...]:
        """The kinds of the parameters, as annotations."""
        return tuple(_KINDS[code][0] for code in self._params)

    @property
    def returns(self) -> Any:
        """The kind of the result, as an annotation."""
        return _KINDS[self._returns][0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Signature):
            return NotImplemented
        return (self._params, self._returns) == (other._params, other._returns)

    def __hash__(self) -> int:
        return hash((self._params, self._returns))

    def __str__(self) -> str:
        return f"({self._names()}) -> {_KINDS[self._returns][1]}"

    def __repr__(self) -> str:
        trailing = "," if len(self._params) == 1 else ""
        return f"Signature(params=({self._names()}{trailing}), returns={_KINDS[self._returns][1]})"

    def __reduce__(self) -> tuple[Callable[..., Signature], tuple[Any, ...]]:
        return (from_codes, (self._params, self._returns))

    def _names(self) -> str:
        return ", ".join(_KINDS[code][1] for code in self._params)


def from_codes(params: tuple[int, ...], returns: int) -> Signature:
    """Makes a signature from the engine's numbers."""
    signature = Signature.__new__(Signature)
    signature._params = tuple(params)
    signature._returns = returns
    return signature


I64 = 4
U64 = 5
_RANGES = {2: (-(2**31), 2**31), 3: (0, 2**32), I64: (-(2**63), 2**63), U64: (0, 2**64)}


def fit(value: Any, code: int, what: str) -> Any:
    """Converts a value from JSON to a kind. A whole number is a valid ``float``: JavaScript has only those."""
    kind, name = _KINDS[code]
    if code in _RANGES:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{what} must be int ({name}), not {type(value).__name__}")
        least, above = _RANGES[code]
        if not least <= value < above:
            raise OverflowError(f"{what} does not fit {name}")
    elif kind is float or code == _F32:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise TypeError(f"{what} must be float ({name}), not {type(value).__name__}")
        return float(value)
    elif kind is bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"{what} must be bytes, bytearray or memoryview, not {type(value).__name__}")
    elif not (value is None if kind is None else isinstance(value, kind)):
        raise TypeError(f"{what} must be {name}, not {type(value).__name__}")
    return value


def codes_of_function(
    function: Callable[..., Any], params: Any, returns: Any, open_arity: bool = False
) -> tuple[tuple[int, ...], int]:
    """Returns the engine's numbers for a host function: of the given kinds (``...`` if omitted), or else of its
    annotations.

    Parameters with defaults are included only with ``open_arity``: otherwise the guest cannot pass them.
    """
    if params is ... or returns is ...:
        annotated_params, annotated_returns = _annotations(function, params is ..., returns is ..., open_arity)
        params = annotated_params if params is ... else params
        returns = annotated_returns if returns is ... else returns
    if isinstance(params, (str, bytes)) or not isinstance(params, Iterable):
        raise TypeError("params is a sequence of kinds, such as [libhyperlight.i32, str]")
    signature = Signature(params, returns)
    return signature._params, signature._returns


def left_out(function: Callable[..., Any], params: Any, open_arity: bool) -> tuple[int, str] | None:
    """Returns the number of arguments that a host function could take if it were registered otherwise, and the
    option."""
    try:
        most = _arity.of_function("", function, open_arity=True).most
    except TypeError:
        return None
    if most is None or (params is ... and open_arity):
        return None
    return most, _arity.OPENS if params is ... else "guests give the arguments that params= lists at its registration"


def _annotations(
    function: Callable[..., Any], need_params: bool, need_returns: bool, open_arity: bool
) -> tuple[list[Any], Any]:
    name = getattr(function, "__qualname__", None) or repr(function)
    help_text = f"annotate `{name}`, or say params= and returns="
    try:
        parameters = inspect.signature(function).parameters.values()
        hints = typing.get_type_hints(_annotated_part(function))
    except (NameError, TypeError, ValueError) as error:
        raise TypeError(f"the signature of `{name}` cannot be read ({error}): {help_text}") from error
    params = []
    for parameter in parameters if need_params else ():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"`{name}` takes {parameter}, and guests pass a fixed number of arguments: say params=")
        if parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty:
                raise TypeError(f"`{name}` needs the keyword argument `{parameter.name}`, which guests cannot pass")
            continue
        if parameter.default is not parameter.empty and not open_arity:
            continue
        if parameter.name not in hints:
            raise TypeError(f"the parameter `{parameter.name}` of `{name}` has no annotation: {help_text}")
        _kind(hints[parameter.name], f"the parameter `{parameter.name}` of `{name}`")
        params.append(hints[parameter.name])
    if need_params and not _admits(name, function, open_arity, len(params)):
        raise TypeError(f"`{name}` is decorated, and its layers take different numbers of arguments: {help_text}")
    if need_returns and "return" not in hints:
        raise TypeError(f"`{name}` does not say what it returns: {help_text}")
    return params, hints.get("return")


def _admits(name: str, function: Callable[..., Any], open_arity: bool, count: int) -> bool:
    """Returns True if all layers take so many arguments: a default in a decorator is the host's, whatever it wraps."""
    try:
        return _arity.of_function(name, function, open_arity).admits(count)
    except TypeError:
        return False


def _annotated_part(function: Any) -> Any:
    """Finds the object with the annotations: the function of a partial, a method or an object with ``__call__``."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return inspect.unwrap(function)
    return type(function).__call__
