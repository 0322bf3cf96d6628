"""Compiled WebAssembly programs, and what they may ask of the compiler.

That is a library beside the native half of this package, which is large and loaded at first use.
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
    """What a program may ask of the compiler."""

    size: int
    """Bytes at most."""
    time: int
    """Nanoseconds at most."""
    threads: int
    """Processors at most; 0 for all."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Bounds:
        """Those that CompileOptions say."""
        return cls(*_compile_bounds(**options))

    def read(self, path: str | os.PathLike[str]) -> bytes:
        """A program's file, or so much of it that the compiler says how large it may be."""
        with open(path, "rb") as file:
            return file.read(min(self.size + 1, sys.maxsize))

    def bytes_of(self, program: Any) -> bytes:
        """A program that is given as a path or as its bytes."""
        if isinstance(program, (bytes, bytearray, memoryview)):
            return bytes(program)
        if not isinstance(program, (str, os.PathLike)):
            raise TypeError(f"a program is a path or the bytes of one, not {type(program).__name__}")
        return self.read(program)


def compile(code: bytes, wasi: Wasi, bounds: Bounds) -> _WasmProgram:
    """Compiles a module or a component in its binary form. Other threads go on meanwhile.

    As many at once as this process has processors; the others wait, which counts as their time.

    Raises:
        GuestBinaryError: it is no WebAssembly, or too large, or uses something that is not supported.
        GuestTimeout: it takes too long.
        InvalidArgument: arguments, environment or files that no program could have.
        HyperlightIOError: there is no compiler in this package.
    """
    return _WasmProgram.compile(code, wasi._parts(), *bounds)


class WasmProgram:
    """A WebAssembly module or component, compiled, which can be kept as bytes.

        program = hl.WasmProgram("tool.wasm")
        open("tool.hlwasm", "wb").write(program.to_bytes())
        ...
        program = hl.WasmProgram.from_bytes(open("tool.hlwasm", "rb").read())
        hl.Wasm(program, wasi=hl.Wasi(args=["tool"]))

    It may be used any number of times, from any thread, and can be pickled.

    Args:
        program: the path of a ``.wasm`` file, or its bytes.
        options: what it may ask of the compiler; CompileOptions has them all.

    Raises what ``Wasm`` raises for a program that cannot be compiled.
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
        """A program from what ``to_bytes`` gave, by the same version of this package.

        The processor must have the features of the one that it was compiled on.
        The bytes may come from anybody: the program can do nothing but what its sandbox lets it do.

        Raises:
            GuestBinaryError: they are damaged, or of another version, or for another processor; compile it anew.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data must be bytes, bytearray or memoryview, not {type(data).__name__}")
        program = cls.__new__(cls)
        program._native = _WasmProgram.load(bytes(data))
        return program

    def to_bytes(self) -> bytes:
        """What ``from_bytes`` takes. What the program finds around itself, ``wasi``, is not part of it."""
        return self._native.to_bytes()

    def __reduce__(self) -> tuple[Callable[..., WasmProgram], tuple[bytes]]:
        return (type(self).from_bytes, (self.to_bytes(),))

    def _with(self, wasi: Wasi) -> _WasmProgram:
        return self._native.with_wasi(wasi._parts())
