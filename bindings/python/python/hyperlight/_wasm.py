"""WebAssembly: a module or a component in a sandbox, whose exports are called with Python's values."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from . import _compiler, _wit
from ._errors import FunctionNotFound, InvalidArgument
from ._host import refuse, settled
from ._hyperlight import Guest, Sandbox, Snapshot, _Pool
from ._pool import PoolExecutor
from ._runtime import HostFunctions, Limits, Runtime
from ._signature import Signature, code_of_name, from_codes


class Wasi:
    """What a WASI program finds around itself: arguments, environment and files that it can read but not change.

    Args:
        args: its arguments, by custom its name first.
        env: its environment.
        files: contents of files by their paths: bytes, str (as UTF-8), or path objects of files of this machine, which
            are read now. Directories are there because files are in them.

    Raises:
        TypeError, InvalidArgument: something of it no program could have.
    """

    __slots__ = ("_args", "_env", "_files")

    def __init__(
        self,
        *,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        files: Mapping[str, bytes | bytearray | memoryview | str | os.PathLike[str]] | None = None,
    ) -> None:
        if isinstance(args, str):
            raise TypeError("args is a sequence of str, not one")
        self._args = tuple(_text("an argument", arg) for arg in args)
        self._env = tuple(
            (_text("a variable's name", name), _text(f"the variable {name!r}", value))
            for name, value in (env or {}).items()
        )
        self._files = tuple((_text("a path", path), _contents(path, data)) for path, data in (files or {}).items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wasi) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        return f"Wasi(args={list(self._args)!r}, env={dict(self._env)!r}, files={[path for path, _ in self._files]!r})"

    def _parts(self) -> tuple[object, ...]:
        return (self._args, self._env, self._files)


class WasmSignature(Signature):
    """What an export takes and returns.

    As a Signature, with ``object`` for what is no single kind: lists, records, several results. Prints the types of the
    program: ``(point: record { x: s32, y: s32 }) -> f64``.
    """

    __slots__ = ("_json", "_text")

    _json: tuple[tuple[bool, ...], bool]
    _text: str

    @property
    def params(self) -> tuple[Any, ...]:
        """The kinds of the parameters, as one would annotate them."""
        return tuple(object if is_json else kind for kind, is_json in zip(super().params, self._json[0], strict=True))

    @property
    def returns(self) -> Any:
        """The kind of the result, as one would annotate it."""
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


class Wasm(Runtime):
    """A WebAssembly module or component in a virtual machine of its own.

    It is compiled in this process, checked completely before, and runs behind the wall alone. What was compiled is
    remembered by its content. i32, i64, f32 and f64 are as everywhere here: ``int`` and ``float``, exactly. What
    components have more is ``bool``, ``str``, ``bytes`` for ``list<u8>``, ``list``, ``tuple``, ``dict`` for records and
    maps, sets of names for flags, names for enums, a name or ``{name: value}`` for variants, ``{"ok": value}`` or
    ``{"err": value}`` for results, and None or the value for options. Several results of a function are a tuple.

        with hl.Wasm("fib.wasm", timeout=1) as wasm:
            print(wasm.call("fib", 30))

    Usable from any thread, by one at a time.

    Args:
        program: the path of a ``.wasm`` file, or its bytes.
        wasi: what it finds around itself, if it uses WASI.
        snapshot: one of the same program and ``wasi``, to go on from.
        host_functions: what it imports, by name: ``"module.name"``, or ``"name"`` alone of the module ``env``. Their
            signatures are those of the imports.
        print: takes what it writes to its standard output, in place of ``sys.stdout.write``.
        heap_size, stack_size, input_size, output_size, timeout, cpu_time, max_host_calls, max_log_bytes,
            max_print_bytes: as in Sandbox. Its memories are in the heap.

    Raises:
        OSError: the file cannot be read.
        GuestBinaryError: it is no WebAssembly, or uses something that is not supported.
        InvalidArgument: it does not import what is in host_functions, or a size is above its maximum.
    """

    def __init__(
        self,
        program: str | os.PathLike[str] | bytes | bytearray | memoryview,
        /,
        *,
        wasi: Wasi | None = None,
        snapshot: Snapshot | None = None,
        host_functions: HostFunctions | None = None,
        print: Callable[[str], object] | None = None,
        heap_size: int | None = None,
        stack_size: int | None = None,
        input_size: int | None = None,
        output_size: int | None = None,
        timeout: float | None = None,
        cpu_time: float | None = None,
        max_host_calls: int | None = None,
        max_log_bytes: int | None = None,
        max_print_bytes: int | None = None,
    ) -> None:
        limits = Limits(timeout, cpu_time, max_host_calls, max_log_bytes, max_print_bytes)
        self._program = _Program.of(program, wasi)
        sandbox = Sandbox(
            self._program.guest if snapshot is None else snapshot,
            heap_size=heap_size,
            stack_size=stack_size,
            input_size=input_size,
            output_size=output_size,
            **limits._asdict(),
            print=print,
        )
        super().__init__(sandbox, limits, print, host_functions)

    @property
    def functions(self) -> Mapping[str, Signature]:
        """The program's exported functions, in its own order: a read-only mapping of names to signatures."""
        return self._program.signatures

    @property
    def imports(self) -> Mapping[str, Signature]:
        """The functions that the program imports, by the names that ``host_functions`` has."""
        return MappingProxyType({name: function.signature() for name, function in self._program.imports.items()})

    def call(self, function: str, /, *args: Any, timeout: float | None = None, cpu_time: float | None = None) -> Any:
        """Calls an exported function.

        Args:
            function: its name; ``interface#name`` for those of a component's interfaces.
            args: its arguments, of exactly the types of its signature; see ``functions``.
            timeout: seconds that this call may take, in place of the sandbox's.
            cpu_time: seconds of processor time that it may use, in place of the sandbox's.

        Raises:
            FunctionNotFound, SignatureError, TypeError, OverflowError: nothing was called.
            GuestError: it trapped; the message has the functions that were running.
            PayloadTooLarge, GuestTimeout, Interrupted, SandboxPoisoned and others: as in Sandbox.call.
            Whatever a host function raised.
        """
        if not self._is_prepared:
            self.evolve()
        return self._program.call(self._sandbox, function, args, timeout, cpu_time)

    def run(self, *, timeout: float | None = None, cpu_time: float | None = None) -> int:
        """Runs a WASI command: calls its ``_start``.

        Returns:
            Its exit code.

        Raises what ``call`` raises; FunctionNotFound if the program is no command.
        """
        if "_start" not in self.functions:
            raise FunctionNotFound("the program is no command: it has no function `_start`")
        return int(self.call("_start", timeout=timeout, cpu_time=cpu_time))

    def memory_size(self, memory: str = "memory") -> int:
        """Bytes that an exported memory has now."""
        return int(self._memory("size", memory))

    def read_memory(self, offset: int, length: int, memory: str = "memory") -> bytes:
        """A copy of a part of an exported memory.

        Raises:
            GuestError: there is no memory of that name, or it does not reach so far.
            PayloadTooLarge: raise output_size.
        """
        return bytes(self._memory("read", memory, offset, length))

    def write_memory(self, offset: int, data: bytes | bytearray | memoryview, memory: str = "memory") -> None:
        """Replaces a part of an exported memory.

        Raises:
            GuestError: there is no memory of that name, or it does not reach so far; nothing was written.
            PayloadTooLarge: raise input_size.
        """
        self._memory("write", memory, offset, data)

    def pool(
        self,
        *,
        size: int | None = None,
        min_idle: int | None = None,
        acquire_timeout: float | None = None,
        timeout: float | None = None,
        cpu_time: float | None = None,
        max_host_calls: int | None = None,
        max_log_bytes: int | None = None,
        max_print_bytes: int | None = None,
    ) -> WasmPool:
        """A pool whose members are as this one is now: started, its memories and globals as they are.

        They have its host functions, its ``print``, and its limits where no others are given; see WasmPool.
        """
        if not self._is_prepared:
            self.evolve()
        limits = Limits(timeout, cpu_time, max_host_calls, max_log_bytes, max_print_bytes).or_else(self._limits)
        return WasmPool._of(
            self._program,
            self.snapshot(),
            size=size,
            min_idle=min_idle,
            acquire_timeout=acquire_timeout,
            limits=limits,
            print=self._print,
            host_functions=self._host_functions,
        )

    def _prepare(self) -> None:
        """The guest has the program in its image."""

    def _add(self, name: str, function: Any) -> None:
        self._program.register(self._sandbox, name, function)

    def _memory(self, what: str, *args: Any) -> Any:
        if not self._is_prepared:
            self.evolve()
        if args[0] not in self._program.memories:
            raise InvalidArgument(
                f"the program exports no memory {args[0]!r}; it exports {_names(self._program.memories)}"
            )
        return self._sandbox.call(f"hyperlight:memory-{what}", *args)

    def __enter__(self) -> Wasm:
        self.evolve()
        return self


class WasmPool(PoolExecutor):
    """Programs kept ready: every call finds one as the snapshot has it, whatever earlier calls did.

    Made by ``wasm.pool()``, or, in another process, of the program and a snapshot. Also a ``concurrent.futures``
    executor, of the program's functions: ``pool.submit("fib", 30)``.

    Args:
        program, wasi: as in Wasm.
        snapshot: what every member is at first: that of a Wasm of the same program and ``wasi``.
        host_functions: as in Wasm. They are called on the threads that call members, on several at once.
        size, min_idle, acquire_timeout, print, timeout, cpu_time, max_host_calls, max_log_bytes, max_print_bytes: as in
            SandboxPool.
    """

    def __init__(
        self,
        program: str | os.PathLike[str] | bytes | bytearray | memoryview,
        snapshot: Snapshot,
        /,
        *,
        wasi: Wasi | None = None,
        size: int | None = None,
        min_idle: int | None = None,
        acquire_timeout: float | None = None,
        timeout: float | None = None,
        cpu_time: float | None = None,
        max_host_calls: int | None = None,
        max_log_bytes: int | None = None,
        max_print_bytes: int | None = None,
        print: Callable[[str], object] | None = None,
        host_functions: HostFunctions | None = None,
    ) -> None:
        self._start(
            _Program.of(program, wasi),
            snapshot,
            size=size,
            min_idle=min_idle,
            acquire_timeout=acquire_timeout,
            limits=Limits(timeout, cpu_time, max_host_calls, max_log_bytes, max_print_bytes),
            print=print,
            host_functions=host_functions or {},
        )

    @classmethod
    def _of(cls, program: _Program, snapshot: Snapshot, **options: Any) -> WasmPool:
        pool = cls.__new__(cls)
        pool._start(program, snapshot, **options)
        return pool

    def _start(
        self,
        program: _Program,
        snapshot: Snapshot,
        *,
        size: int | None,
        min_idle: int | None,
        acquire_timeout: float | None,
        limits: Limits,
        print: Callable[[str], object] | None,
        host_functions: HostFunctions,
    ) -> None:
        self._program = program
        self._limits = limits
        self._print = print
        self._host_functions = dict(host_functions)
        pool = _Pool(
            snapshot,
            size=size,
            min_idle=min_idle,
            acquire_timeout=acquire_timeout,
            **limits._asdict(),
            print=print,
        )
        super().__init__(pool, size)
        for name, function in self._host_functions.items():
            program.register(pool, name, function)

    def acquire(self) -> Wasm:
        """A member, exclusively: ``with pool.acquire() as wasm: …`` gives it back, as does ``wasm.close()``.

        Waits in the order of arrival while all are in use.

        Raises:
            PoolTimeout: none came free within acquire_timeout.
            SandboxClosed: the pool was closed.
            SnapshotMismatch: the pool lacks host functions that the snapshot needs; all are listed.
        """
        member = Wasm._of_pool(self._member(), self._limits, self._print, self._host_functions)
        member._program = self._program
        return member

    def _call(self, function: str, args: tuple[Any, ...], timeout: float | None, cpu_time: float | None) -> Any:
        return self._program.call(self._pool, function, args, timeout, cpu_time)

    def __enter__(self) -> WasmPool:
        return self


class _Function:
    """An export or an import, and what of it travels as JSON."""

    def __init__(self, described: dict[str, Any]) -> None:
        parameters, result = described["parameters"], described["result"]
        self.params = tuple(code_of_name(parameter["kind"]) for parameter in parameters)
        self.returns = code_of_name(result["kind"] if result else "void")
        # Of those that travel as JSON.
        self.types = tuple(_wit.parse(slot["type"]) if slot["json"] else None for slot in parameters)
        self.result = _wit.parse(result["type"]) if result and result["json"] else None
        self.is_plain = not any(self.types) and self.result is None
        names = (f"{parameter['name']}: " if parameter["name"] else "" for parameter in parameters)
        types = (parameter["type"] for parameter in parameters)
        self.text = f"({', '.join(map(str.__add__, names, types))}) -> {result['type'] if result else 'None'}"

    def signature(self) -> Signature:
        are_json = tuple(ty is not None for ty in self.types)
        return _signature(self.params, self.returns, (are_json, self.result is not None), self.text)

    def host_function(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with JSON where the program has what the wall has not."""
        if self.is_plain:
            return function

        def call(*args: Any) -> Any:
            pairs = zip(args, self.types, strict=True)
            result = settled(name, function(*(ty.decode(arg) if ty else arg for arg, ty in pairs)))
            return self.result.encode(result, f"the result of the host function `{name}`") if self.result else result

        return call


class _Program(NamedTuple):
    """A compiled program, ready for any number of sandboxes."""

    guest: Guest
    exports: dict[str, _Function]
    imports: dict[str, _Function]
    memories: list[str]
    signatures: Mapping[str, Signature]

    @classmethod
    def of(cls, program: Any, wasi: Wasi | None) -> _Program:
        if isinstance(program, (bytes, bytearray, memoryview)):
            code = bytes(program)
        elif not isinstance(program, (str, os.PathLike)):
            raise TypeError(f"a program is a path or the bytes of one, not {type(program).__name__}")
        else:
            with open(program, "rb") as file:
                code = file.read()
        wasi = wasi or Wasi()
        key = (hashlib.sha256(code).digest(), wasi)
        found = _PROGRAMS.find(key)
        if found is None:
            found = _PROGRAMS.keep(key, cls._compile(code, wasi))
        return found

    @classmethod
    def _compile(cls, code: bytes, wasi: Wasi) -> _Program:
        compiled = _compiler.compile(code, wasi._args, wasi._env, wasi._files)
        guest = Guest.builtin("wasm").with_payload(compiled.code, executable=True).with_payload(compiled.config)
        described = json.loads(compiled.description)
        exports = {function["name"]: _Function(function) for function in described["exports"]}
        imports = {function["name"]: _Function(function) for function in described["imports"]}
        signatures = MappingProxyType({name: function.signature() for name, function in exports.items()})
        return cls(guest, exports, imports, described["memories"], signatures)

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
        if function is not None and not function.is_plain and len(args) == len(function.types):
            slots = enumerate(zip(args, function.types, strict=True), 1)
            args = tuple(ty.encode(arg, f"argument {at} of `{name}`") if ty else arg for at, (arg, ty) in slots)
        result = sandbox.call(name, *args, timeout=timeout, cpu_time=cpu_time)
        return function.result.decode(result) if function is not None and function.result else result

    def register(self, target: Sandbox | _Pool, name: str, function: Any) -> None:
        if name not in self.imports:
            name = name.removeprefix("env.")
        if name not in self.imports:
            raise InvalidArgument(f"the program does not import {name!r}; it imports {_names(self.imports)}")
        if isinstance(function, tuple):
            function, signature = function
            target.register(name, function, params=signature.params, returns=signature.returns)
            return
        refuse(name, function)
        wanted = self.imports[name]
        kinds = from_codes(wanted.params, wanted.returns)
        target.register(name, wanted.host_function(name, function), params=kinds.params, returns=kinds.returns)


class _Programs:
    """Those that were compiled last: a guest is loaded, and its image composed, once."""

    _MOST = 16

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, _Program] = OrderedDict()

    def after_fork(self) -> None:
        # In the child nobody may be left to let go of it.
        self._lock = threading.Lock()

    def find(self, key: Any) -> _Program | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Any, program: _Program) -> _Program:
        with self._lock:
            # Another thread may have been faster.
            program = self._kept.setdefault(key, program)
            self._kept.move_to_end(key)
            while len(self._kept) > self._MOST:
                self._kept.popitem(last=False)
            return program


_PROGRAMS = _Programs()
os.register_at_fork(after_in_child=_PROGRAMS.after_fork)


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} is a str, not {type(value).__name__}")
    return value


def _contents(path: str, data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, os.PathLike):
        with open(data, "rb") as file:
            return file.read()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"the file {path!r} is bytes, str or a path object, not {type(data).__name__}")
    return bytes(data)


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
