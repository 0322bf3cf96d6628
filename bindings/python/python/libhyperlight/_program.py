"""Compiled WebAssembly programs: their exports and imports, and the conversion of their values."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from . import _compiler
from ._compiler import WasmProgram
from ._errors import InvalidArgument
from ._host import HostFunction, refuse, settled
from ._libhyperlight import Guest, Sandbox, Snapshot, _Pool, _Type, _WasmProgram
from ._signature import VOID, Signature, from_codes
from ._wasi import Wasi

if TYPE_CHECKING:
    from ._libhyperlight import _Slot


class WasmSignature(Signature):
    """The signature of an export.

    Like a Signature, with ``object`` for types that are not a single kind: lists, records, several results. Prints the
    types of the program: ``(point: record { x: s32, y: s32 }) -> f64``.
    """

    __slots__ = ("_json", "_text")

    _json: tuple[tuple[bool, ...], bool]
    _text: str

    @property
    def params(self) -> tuple[Any, ...]:
        """The kinds of the parameters, as annotations."""
        return tuple(object if is_json else kind for kind, is_json in zip(super().params, self._json[0], strict=True))

    @property
    def returns(self) -> Any:
        """The kind of the result, as an annotation."""
        return object if self._json[1] else super().returns

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<WasmSignature {self}>"

    def __reduce__(self) -> tuple[Callable[..., Signature], tuple[Any, ...]]:
        return (_signature, (self._params, self._returns, self._json, self._text))


def _signature(params: tuple[int, ...], returns: int, json: tuple[tuple[bool, ...], bool], text: str) -> Signature:
    signature = WasmSignature.__new__(WasmSignature)
    signature._params, signature._returns, signature._json, signature._text = params, returns, json, text
    return signature


class Function:
    """An export or an import, and its values that travel as JSON."""

    def __init__(self, signature: str, parameters: list[_Slot], result: _Slot | None) -> None:
        self.params = tuple(kind for kind, _, _ in parameters)
        self.returns = result[0] if result else VOID
        # The types of values that travel as JSON.
        self.types = tuple(map(_type, parameters))
        self.result = _type(result) if result else None
        # Of those that have not all values of their kinds: what comes out of a guest is checked here, and what goes in.
        self.narrow = tuple(map(_narrow, parameters))
        self.narrow_result = _narrow(result) if result else None
        self.has_types = any((*self.types, self.result, *self.narrow, self.narrow_result))
        self.text = signature if result else f"{signature} -> None"

    def signature(self) -> Signature:
        are_json = tuple(ty is not None for ty in self.types)
        return _signature(self.params, self.returns, (are_json, self.result is not None), self.text)

    def host_function(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with JSON where the program has what the wall has not."""
        if not self.has_types:
            return function

        def call(*args: Any) -> Any:
            slots = zip(args, self.types, self.narrow, strict=True)
            result = settled(name, function(*(_lifted(arg, ty, narrow) for arg, ty, narrow in slots)))
            return _lowered(result, self.result, self.narrow_result, f"the result of the host function `{name}`")

        return call

    def lowered(self, name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of a call, as they go into the guest."""
        slots = enumerate(zip(args, self.types, self.narrow, strict=True), 1)
        return tuple(_lowered(arg, ty, narrow, f"argument {at} of `{name}`") for at, (arg, ty, narrow) in slots)

    def lifted(self, result: Any) -> Any:
        """Converts the guest's result to Python's values."""
        return _lifted(result, self.result, self.narrow_result)


def _type(slot: _Slot) -> _Type | None:
    """Returns the type, if its values travel as JSON."""
    _, is_json, ty = slot
    return ty if is_json else None


def _narrow(slot: _Slot) -> _Type | None:
    """Returns the type, if it is a single kind on the wire but has fewer values than the kind."""
    _, is_json, ty = slot
    return None if is_json else ty


def _lowered(value: Any, ty: _Type | None, narrow: _Type | None, what: str) -> Any:
    if narrow:
        # Refuses what the kind would let pass.
        narrow.encode(value, what)
    return ty.encode(value, what) if ty else value


def _lifted(value: Any, ty: _Type | None, narrow: _Type | None) -> Any:
    return ty.decode(value) if ty else narrow.take(value) if narrow else value


class Program(NamedTuple):
    """A compiled program, ready for any number of sandboxes."""

    guest: Guest
    exports: dict[str, Function]
    imports: dict[str, Function]
    memories: list[str]
    signatures: Mapping[str, Signature]

    @classmethod
    def of(cls, program: Any, wasi: Wasi | None, bounds: _compiler.Bounds) -> Program:
        wasi = wasi or Wasi()
        if isinstance(program, WasmProgram):
            # The given program, from which others are derived.
            key: Any = (program, wasi)
            compile = partial(program._with, wasi)
        else:
            code = bounds.bytes_of(program)
            # The size limit is part of the key, since it decides about refusal; the time limit is not.
            key = (hashlib.sha256(code).digest(), wasi, bounds.size)
            compile = partial(_compiler.compile, code, wasi, bounds)
        found = _KEPT.find(key)
        if found is None:
            found = _KEPT.keep(key, cls._made_of(compile()))
        return found

    @classmethod
    def _made_of(cls, compiled: _WasmProgram) -> Program:
        guest = Guest.builtin("wasm").with_payload(compiled.code(), executable=True).with_payload(compiled.config())
        exported, imported, memories = compiled.description()
        exports = {name: Function(text, params, result) for name, text, params, result in exported}
        imports = {name: Function(text, params, result) for name, text, params, result in imported}
        signatures = MappingProxyType({name: function.signature() for name, function in exports.items()})
        return cls(guest, exports, imports, memories, signatures)

    def call(
        self,
        sandbox: Sandbox | _Pool,
        name: str,
        args: tuple[Any, ...],
        timeout: float | None,
        cpu_time: float | None,
    ) -> Any:
        function = self.exports.get(name)
        # What does not fit is the engine's to refuse.
        if function is not None and function.has_types and len(args) == len(function.types):
            args = function.lowered(name, args)
        result = sandbox.call(name, *args, timeout=timeout, cpu_time=cpu_time)
        return function.lifted(result) if function is not None else result

    def register(self, target: Sandbox | _Pool, name: str, function: Any) -> None:
        if name not in self.imports:
            name = name.removeprefix("env.")
        if name not in self.imports:
            raise InvalidArgument(f"the program does not import {name!r}; it imports {names(self.imports)}")
        entry = HostFunction.of(function)
        if entry._has_signature():
            entry._register(target, name)
            return
        refuse(name, entry.function)
        wanted = self.imports[name]
        # The program chooses what it passes, and could otherwise choose the host's parameters.
        entry._check_count(name, len(wanted.params))
        kinds = from_codes(wanted.params, wanted.returns)
        call = wanted.host_function(name, entry.function)
        target.register(name, call, params=kinds.params, returns=kinds.returns)


class UnknownProgram:
    """The program of a snapshot from elsewhere. Its types are unknown, but not their form on the wire."""

    memories: list[str] | None = None

    def call(
        self, sandbox: Sandbox | _Pool, name: str, args: tuple[Any, ...], timeout: float | None, cpu_time: float | None
    ) -> Any:
        return sandbox.call(name, *args, timeout=timeout, cpu_time=cpu_time)

    def register(self, target: Sandbox | _Pool, name: str, function: Any) -> None:
        HostFunction.of(function)._register(target, name.removeprefix("env."))


_OF_SNAPSHOTS: WeakKeyDictionary[Snapshot, Program | UnknownProgram] = WeakKeyDictionary()


def remember(snapshot: Snapshot, program: Program | UnknownProgram) -> None:
    """Notes the program of a snapshot."""
    _OF_SNAPSHOTS[snapshot] = program


def of_snapshot(snapshot: Snapshot) -> Program | UnknownProgram:
    """Returns the program of a snapshot. For one that was loaded or unpickled, it is unknown."""
    return _OF_SNAPSHOTS.get(snapshot) or UnknownProgram()


class Programs:
    """The programs compiled last, so that a guest is loaded and its image composed only once."""

    _MOST = 16

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, Program] = OrderedDict()

    def after_fork(self) -> None:
        # In the child, the thread that would release it may be missing.
        self._lock = threading.Lock()

    def find(self, key: Any) -> Program | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Any, program: Program) -> Program:
        with self._lock:
            # Another thread may have been faster.
            program = self._kept.setdefault(key, program)
            self._kept.move_to_end(key)
            while len(self._kept) > self._MOST:
                self._kept.popitem(last=False)
            return program


_KEPT = Programs()
os.register_at_fork(after_in_child=_KEPT.after_fork)


def names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
