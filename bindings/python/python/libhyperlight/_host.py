"""Host functions: the forms in which they are given, and those whose values travel as JSON.

JSON is for guests with more kinds of values than the wire.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import _arity
from ._errors import SignatureError
from ._libhyperlight import _all_of_script, _to_script
from ._signature import I64, U64, Signature, codes_of_function, fit, from_codes

if TYPE_CHECKING:
    from ._libhyperlight import Sandbox, _Pool

Entry = "HostFunction | Callable[..., Any] | tuple[Callable[..., Any], Signature]"
HostFunctions = Mapping[str, "HostFunction | Callable[..., Any] | tuple[Callable[..., Any], Signature]"]


class HostFunction:
    """A callable for guests with its registration options, for ``host_functions``.

        hl.JavaScript(source, host_functions={"log": hl.HostFunction(print, arity=1)})

    Args:
        function: any callable that is not ``async``.
        params, returns: its signature, by default that of its annotations, or by the guest's own rules.
        open_arity: lets guests pass parameters that have defaults. Otherwise guests cannot pass them, and the host's
            defaults apply.
        arity: the number of arguments that guests may pass, if there are no annotations: a number, or a pair of the
            minimum and the maximum (None for no maximum). Needed where Python cannot tell, as for many builtins.

    Raises:
        TypeError, ValueError: an argument is not valid.
    """

    __slots__ = ("arity", "function", "open_arity", "params", "returns")

    def __init__(
        self,
        function: Callable[..., Any],
        /,
        *,
        params: Any = ...,
        returns: Any = ...,
        open_arity: bool = False,
        arity: int | tuple[int, int | None] | None = None,
    ) -> None:
        self.function = function
        self.params = params
        self.returns = returns
        self.open_arity = bool(open_arity)
        self.arity = None if arity is None else _arity.said(arity)

    @classmethod
    def of(cls, entry: Any) -> HostFunction:
        """Reads an item of ``host_functions``: a HostFunction, a callable, or a pair of a callable and its
        Signature."""
        if isinstance(entry, HostFunction):
            return entry
        if isinstance(entry, tuple):
            function, signature = entry
            return cls(function, params=signature.params, returns=signature.returns)
        return cls(entry)

    def __repr__(self) -> str:
        return f"<HostFunction {self.function!r}>"

    def _has_signature(self) -> bool:
        return self.params is not ... or self.returns is not ...

    def _codes(self) -> tuple[tuple[int, ...], int] | None:
        """Returns the engine's kind numbers, if the annotations are complete and are all kinds."""
        try:
            return codes_of_function(self.function, ..., ..., self.open_arity)
        except TypeError:
            return None

    def _needs_json(self, codes: tuple[tuple[int, ...], int]) -> bool:
        """Returns True if a script calls it over JSON although its parameters and result all have kinds."""
        kinds = {*codes[0], codes[1]}
        # For an `int`, a script expects numbers, not bigints.
        if I64 in kinds:
            return True
        # The error for a script that passes a host's parameter explains that: the engine would only count.
        return U64 not in kinds and not self.open_arity and _arity.has_defaults(self.function)

    def _arity_of(self, name: str) -> _arity.Arity:
        return self.arity or _arity.of_function(name, self.function, self.open_arity)

    def _check_count(self, name: str, count: int) -> None:
        """Refuses a wrong number of arguments."""
        arity = self._arity_of(name)
        if not arity.admits(count):
            raise SignatureError(_arity.refusal(name, self.function, arity, count))

    def _register(self, target: Sandbox | _Pool, name: str) -> None:
        """Registers it with kinds for all values."""
        if self.arity is not None and not self._has_signature():
            raise TypeError(f"`{name}`: arity= says nothing of kinds: annotate it, or say params= and returns=")
        target.register(name, self.function, params=self.params, returns=self.returns, open_arity=self.open_arity)


def checked(host_functions: Any) -> dict[str, Any]:
    """Reads the argument ``host_functions``."""
    if host_functions is not None and not isinstance(host_functions, Mapping):
        raise TypeError(f"host_functions is a mapping of names to callables, not {type(host_functions).__name__}")
    return dict(host_functions or {})


def refuse(name: str, function: Any) -> None:
    """Refuses objects that cannot be called, or not like this; as the native module does if it gets the function
    itself."""
    if not callable(function):
        raise TypeError(f"`{name}` must be callable, not {type(function).__name__}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"`{name}` is `async def`, but the guest waits for its result: use a plain function, which can hand work "
            "to an event loop by asyncio.run_coroutine_threadsafe(…).result()"
        )


def over_json(name: str, entry: HostFunction, codes: tuple[tuple[int, ...], int] | None) -> Callable[[str], str]:
    """Wraps the function to take the text of an array of its arguments. Arguments with kinds are checked."""
    function = entry.function
    what = f"the result of the host function `{name}`"
    # Checked now, so that the error reaches the registration.
    arity = entry._arity_of(name) if codes is None else None

    def call(text: str) -> str:
        args = _all_of_script(text)
        if not isinstance(args, list):
            raise TypeError(f"the arguments of `{name}` are no array")
        if codes is None:
            if arity is not None and not arity.admits(len(args)):
                raise SignatureError(_arity.refusal(name, function, arity, len(args)))
            return _to_script(settled(name, function(*args)), what)
        params, returns = codes
        if len(args) != len(params):
            signature = f"{name}{from_codes(params, returns)}"
            own = _arity.Arity(len(params), len(params))
            raise SignatureError(_arity.refusal(signature, function, own, len(args)))
        pairs = enumerate(zip(args, params, strict=True), 1)
        args = [fit(arg, code, f"argument {at} of `{name}`") for at, (arg, code) in pairs]
        return _to_script(fit(settled(name, function(*args)), returns, what), what)

    return call


def settled(name: str, result: Any) -> Any:
    """Checks the result of a host function: a coroutine would never be awaited."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError(f"the host function `{name}` returned a coroutine, but the guest waits for its result")
    return result
