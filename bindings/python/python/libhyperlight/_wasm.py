"""WebAssembly: a module or a component in a sandbox, whose exports are called with Python's values."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ._compiler import Bounds, WasmProgram
from ._errors import FunctionNotFound, InvalidArgument, SandboxStateError
from ._host import HostFunctions, checked
from ._keywords import check_names, given, limits, split_compile_options
from ._libhyperlight import Guest, Sandbox, Snapshot, _Pool
from ._options import CompileOptions, PoolOptions, SandboxOptions
from ._pool import PoolExecutor
from ._program import Program, UnknownProgram, names, of_snapshot, remember
from ._runtime import Runtime
from ._signature import Signature
from ._wasi import Wasi

if TYPE_CHECKING:
    from typing_extensions import Unpack


class WasmOptions(SandboxOptions, CompileOptions, total=False):
    """The options of a sandbox, and the limits of the compiler."""


class WasmPoolOptions(PoolOptions, CompileOptions, total=False):
    """The options of a pool, and the limits of the compiler."""


class Wasm(Runtime):
    """A WebAssembly module or component in a virtual machine of its own.

    It is compiled in this process, after a complete check, and runs only in the virtual machine. Compiled programs are
    cached by their content. i32, i64, f32 and f64 are ``int`` and ``float``, exactly, as everywhere in this package.
    The types of components are ``bool``, ``str``, ``bytes`` for ``list<u8>``, ``list``, ``tuple``, ``dict`` for records
    and maps, sets of names for flags, names for enums, a name or ``{name: value}`` for variants, ``{"ok": value}`` or
    ``{"err": value}`` for results, and None or the value for options. Several results of a function are a tuple.

        with hl.Wasm("fib.wasm", timeout=1) as wasm:
            print(wasm.call("fib", 30))

    Any thread may use it, one at a time.

    Args:
        program: the path of a ``.wasm`` file, or its bytes; or a WasmProgram; or a Snapshot, whose program continues.
            If that was loaded or unpickled, its types are not known. Then ``functions`` are known once it has started,
            ``host_functions`` need signatures or annotations, and types that are not kinds are a ``str`` of JSON.
        wasi: its environment, if it uses WASI.
        snapshot: a snapshot of the same program and ``wasi``, to continue from with all types known.
        host_functions: its imports, by name: ``"module.name"``, or ``"name"`` alone for the module ``env``. Their
            signatures are those of the imports, as far as the callables have parameters without defaults; a
            HostFunction lets the program pass more.
        print: takes the text of its standard output, in place of ``sys.stdout.write``.
        options: as in Sandbox, and the limits of the compiler; SandboxOptions and CompileOptions have them all. Its
            memories are in the heap. The limits of the compiler are ignored for a WasmProgram.

    Raises:
        OSError: the file cannot be read.
        GuestBinaryError: the program is not WebAssembly, or too large, or uses something unsupported.
        GuestTimeout: compiling takes too long.
        InvalidArgument: host_functions has a function that it does not import, or a size is above its maximum.
    """

    def __init__(
        self,
        program: str | os.PathLike[str] | bytes | bytearray | memoryview | WasmProgram | Snapshot,
        /,
        *,
        wasi: Wasi | None = None,
        snapshot: Snapshot | None = None,
        host_functions: HostFunctions | None = None,
        print: Callable[[str], object] | None = None,
        **options: Unpack[WasmOptions],
    ) -> None:
        check_names("Wasm", options, WasmOptions, Wasm)
        compile_options, others = split_compile_options(options)
        self._program, source = _program(program, snapshot, wasi, Bounds.of(compile_options))
        super().__init__(Sandbox(source, print=print, **others), limits(others), print, host_functions)

    @property
    def functions(self) -> Mapping[str, Signature]:
        """The program's exported functions, in its own order: a read-only mapping of names to signatures."""
        if isinstance(self._program, Program):
            return self._program.signatures
        known = self._sandbox.functions.items()
        return MappingProxyType({name: signature for name, signature in known if not name.startswith("hyperlight:")})

    @property
    def imports(self) -> Mapping[str, Signature]:
        """The functions that the program imports, by the names that ``host_functions`` has.

        Raises:
            SandboxStateError: it continues from a snapshot that was loaded or unpickled, whose types are not known.
        """
        if not isinstance(self._program, Program):
            raise SandboxStateError(
                "the snapshot does not say what its program imports: give the program, and the snapshot as `snapshot=`"
            )
        return MappingProxyType({name: function.signature() for name, function in self._program.imports.items()})

    def call(self, function: str, /, *args: Any, timeout: float | None = None, cpu_time: float | None = None) -> Any:
        """Calls an exported function.

        The first call also starts the program, as ``evolve`` does; its limits cover both together.

        Args:
            function: its name; ``interface#name`` for those of a component's interfaces.
            args: its arguments, of exactly the types of its signature; see ``functions``.
            timeout: seconds that this call may take, in place of the sandbox's. A host function is not cut short.
            cpu_time: seconds of processor time that it may use, in place of the sandbox's.

        Raises:
            FunctionNotFound, SignatureError, TypeError, OverflowError: nothing was called.
            GuestError: it trapped; the message lists the active functions. A module can be called again; a component
                must be restored first.
            PayloadTooLarge, GuestTimeout, Interrupted, SandboxPoisoned and others: as in Sandbox.call.
            Whatever a host function raised.
        """
        return self._program.call(self._sandbox, function, args, timeout, cpu_time)

    def run(self, *, timeout: float | None = None, cpu_time: float | None = None) -> int:
        """Runs a WASI command: calls its ``_start``.

        Returns:
            The exit code.

        Raises the errors of ``call``; FunctionNotFound if the program is not a command.
        """
        if isinstance(self._program, Program) and "_start" not in self.functions:
            raise FunctionNotFound("the program is no command: it has no function `_start`")
        return int(self.call("_start", timeout=timeout, cpu_time=cpu_time))

    def memory_size(self, memory: str = "memory") -> int:
        """Returns the current size of an exported memory in bytes."""
        return int(self._memory("size", memory))

    def read_memory(self, offset: int, length: int, memory: str = "memory") -> bytes:
        """Copies a part of an exported memory.

        Raises:
            GuestError: there is no memory of that name, or the range is out of bounds.
            PayloadTooLarge: raise output_size.
        """
        return bytes(self._memory("read", memory, _count("offset", offset), _count("length", length)))

    def write_memory(self, offset: int, data: bytes | bytearray | memoryview, memory: str = "memory") -> None:
        """Replaces a part of an exported memory.

        Raises:
            GuestError: there is no memory of that name, or the range is out of bounds; nothing was written.
            PayloadTooLarge: raise input_size.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data must be bytes, bytearray or memoryview, not {type(data).__name__}")
        self._memory("write", memory, _count("offset", offset), data)

    def pool(self, **options: Unpack[PoolOptions]) -> WasmPool:
        """Makes a pool whose members start in the current state: started, with the current memories and globals.

        They have its host functions, its ``print``, and its limits unless others are given; see WasmPool.
        """
        check_names("Wasm.pool", options, PoolOptions)
        self._start()
        together = {**self._limits, **given(options)}
        return WasmPool._of(self._program, self.snapshot(), self._print, self._host_functions, together)

    def snapshot(self) -> Snapshot:
        snapshot = super().snapshot()
        remember(snapshot, self._program)
        return snapshot

    snapshot.__doc__ = Runtime.snapshot.__doc__

    def _add(self, name: str, function: Any) -> None:
        self._program.register(self._sandbox, name, function)

    def _memory(self, what: str, *args: Any) -> Any:
        memories = self._program.memories
        if memories is not None and args[0] not in memories:
            raise InvalidArgument(f"the program exports no memory {args[0]!r}; it exports {names(memories)}")
        return self._sandbox.call(f"hyperlight:memory-{what}", *args)

    def __enter__(self) -> Wasm:
        self._start()
        return self


def _count(what: str, value: Any) -> int:
    """Checks a number of bytes."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} must be int, not {type(value).__name__}")
    if not 0 <= value < 2**64:
        raise OverflowError(f"{what} is from 0 to 2**64 - 1, found {value}")
    return value


class WasmPool(PoolExecutor):
    """Programs kept ready: every call gets one in the snapshot's state, independent of earlier calls.

    Made by ``wasm.pool()``; or, in another process, from the program and a snapshot, or from the snapshot alone. It is
    also a ``concurrent.futures`` executor of the program's functions: ``pool.submit("fib", 30)``.

    Args:
        program, wasi: as in Wasm; or the snapshot alone.
        snapshot: the initial state of every member, the snapshot of a Wasm of the same program and ``wasi``.
        host_functions: as in Wasm. They run on the threads that call members, on several at once.
        print, options: as in SandboxPool, and the limits of the compiler; PoolOptions and CompileOptions have them all.
    """

    def __init__(
        self,
        program: str | os.PathLike[str] | bytes | bytearray | memoryview | WasmProgram | Snapshot,
        snapshot: Snapshot | None = None,
        /,
        *,
        wasi: Wasi | None = None,
        print: Callable[[str], object] | None = None,
        host_functions: HostFunctions | None = None,
        **options: Unpack[WasmPoolOptions],
    ) -> None:
        check_names("WasmPool", options, WasmPoolOptions, WasmPool)
        compile_options, others = split_compile_options(options)
        known, source = _program(program, snapshot, wasi, Bounds.of(compile_options))
        if not isinstance(source, Snapshot):
            raise TypeError("a pool is made of a snapshot: WasmPool(program, wasm.snapshot())")
        self._start(known, source, print, host_functions, others)

    @classmethod
    def _of(cls, *parts: Any) -> WasmPool:
        pool = cls.__new__(cls)
        pool._start(*parts)
        return pool

    def _start(
        self,
        program: Program | UnknownProgram,
        snapshot: Snapshot,
        print: Callable[[str], object] | None,
        host_functions: HostFunctions | None,
        options: dict[str, Any],
    ) -> None:
        self._program = program
        self._limits = limits(options)
        self._print = print
        self._host_functions = checked(host_functions)
        pool = _Pool(snapshot, print=print, **options)
        super().__init__(pool, options.get("size"))
        for name, function in self._host_functions.items():
            program.register(pool, name, function)

    def acquire(self) -> Wasm:
        """Acquires a member for exclusive use: ``with pool.acquire() as wasm: …`` gives it back, as does
        ``wasm.close()``.

        Waits in order of arrival while all members are in use.

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


def _program(
    program: Any, snapshot: Snapshot | None, wasi: Wasi | None, bounds: Bounds
) -> tuple[Program | UnknownProgram, Guest | Snapshot]:
    """A program's known types, and the snapshot to continue from."""
    if not isinstance(program, Snapshot):
        known = Program.of(program, wasi, bounds)
        if snapshot is None:
            return known, known.guest
        remember(snapshot, known)
        return known, snapshot
    if wasi is not None:
        raise TypeError("wasi: a snapshot has its arguments, environment and files already")
    if snapshot is not None:
        raise TypeError("snapshot: one is enough; of a program and a snapshot of it, the program comes first")
    return of_snapshot(program), program
