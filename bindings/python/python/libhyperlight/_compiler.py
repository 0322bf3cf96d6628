"""Compiled WebAssembly programs, and the limits of the compiler.

The compiler is a library beside the native half of this package. It is large, and loaded at first use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ._keywords import check_names
from ._libhyperlight import _compile_bounds, _WasmProgram
from ._options import CompileOptions
from ._wasi import Wasi

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Bounds(NamedTuple):
    """Limits of the compiler."""

    size: int
    """Maximum size in bytes."""
    time: int
    """Time limit in nanoseconds."""
    threads: int
    """Maximum number of processors; 0 for all."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Bounds:
        """Reads the limits from CompileOptions."""
        return cls(*_compile_bounds(**options))

    def read(self, path: str | os.PathLike[str]) -> bytes:
        """Reads a program's file, at most a little past the compiler's size limit."""
        with open(path, "rb") as file:
            return file.read(min(self.size + 1, sys.maxsize))

    def bytes_of(self, program: Any) -> bytes:
        """Reads a program from a path or from its bytes."""
        if isinstance(program, (bytes, bytearray, memoryview)):
            return bytes(program)
        if not isinstance(program, (str, os.PathLike)):
            raise TypeError(f"a program is a path or the bytes of one, not {type(program).__name__}")
        return self.read(program)


def compile(code: bytes, wasi: Wasi, bounds: Bounds) -> _WasmProgram:
    """Compiles a module or a component in its binary form. Other threads can run meanwhile.

    At most as many compilations as processors run at once; the others wait, which counts towards their time limit.

    Raises:
        GuestBinaryError: the program is not WebAssembly, or too large, or uses something unsupported.
        GuestTimeout: it takes too long.
        InvalidArgument: arguments, environment or files are not valid.
        HyperlightIOError: this package contains no compiler.
    """
    return _WasmProgram.compile(code, wasi._parts(), *bounds)


class WasmProgram:
    """A compiled WebAssembly module or component, which can be saved as bytes.

        program = hl.WasmProgram("tool.wasm")
        open("tool.hlwasm", "wb").write(program.to_bytes())
        ...
        program = hl.WasmProgram.from_bytes(open("tool.hlwasm", "rb").read())
        hl.Wasm(program, wasi=hl.Wasi(args=["tool"]))

    It may be used any number of times, from any thread, and can be pickled.

    Args:
        program: the path of a ``.wasm`` file, or its bytes.
        options: the limits of the compiler; CompileOptions has them all.

    Raises the errors of ``Wasm`` for a program that cannot be compiled.
    """

    __slots__ = ("__weakref__", "_native")

    _native: _WasmProgram

    def __init__(
        self,
        program: str | os.PathLike[str] | bytes | bytearray | memoryview,
        /,
        **options: Unpack[CompileOptions],
    ) -> None:
        check_names("WasmProgram", options, CompileOptions)
        bounds = Bounds.of(options)
        self._native = compile(bounds.bytes_of(program), Wasi(), bounds)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview, /) -> WasmProgram:
        """Loads a program from the bytes of ``to_bytes``, by the same version of this package.

        The processor must have the features of the one that it was compiled on. The bytes may be untrusted: the program
        can do only what its sandbox allows.

        Raises:
            GuestBinaryError: they are damaged, or of another version, or for another processor; compile the program
                again.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data must be bytes, bytearray or memoryview, not {type(data).__name__}")
        program = cls.__new__(cls)
        program._native = _WasmProgram.load(bytes(data))
        return program

    def to_bytes(self) -> bytes:
        """Returns bytes for ``from_bytes``, without the WASI environment, ``wasi``."""
        return self._native.to_bytes()

    def __reduce__(self) -> tuple[Callable[..., WasmProgram], tuple[bytes]]:
        return (type(self).from_bytes, (self.to_bytes(),))

    def _with(self, wasi: Wasi) -> _WasmProgram:
        return self._native.with_wasi(wasi._parts())
