"""Compiled WebAssembly programs, and what they may ask of the compiler.

That is a library beside the native half of this package, which is large and loaded at first use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from ._errors import InvalidArgument
from ._libhyperlight import _WasmProgram
from ._wasi import Wasi

# What the compiler takes if nothing is said.
_SIZE = 64 << 20
_MOST = 2**64 - 1


class Bounds(NamedTuple):
    """What a program may ask of the compiler; None stands for its own limits."""

    size: int | None
    """Bytes at most."""
    time: float | None
    """Seconds at most."""
    threads: int | None
    """Processors at most."""

    def checked(self) -> Bounds:
        """These, if they can be meant."""
        for name, count in (("max_program_size", self.size), ("compile_threads", self.threads)):
            if count is not None:
                if not isinstance(count, int) or isinstance(count, bool):
                    raise TypeError(f"{name} must be an integer, not {type(count).__name__}")
                if count < 1:
                    raise InvalidArgument(f"{name} is 1 or more, found {count}")
        if self.time is not None:
            if not isinstance(self.time, (int, float)) or isinstance(self.time, bool):
                raise TypeError(f"compile_timeout must be a number of seconds, not {type(self.time).__name__}")
            if not self.time > 0:
                raise InvalidArgument(f"compile_timeout is more than 0 seconds, found {self.time}")
        return self

    def read(self, path: str | os.PathLike[str]) -> bytes:
        """A program's file, or so much of it that the compiler says how large it may be."""
        with open(path, "rb") as file:
            return file.read(min((self.size or _SIZE) + 1, sys.maxsize))

    def bytes_of(self, program: Any) -> bytes:
        """A program that is given as a path or as its bytes."""
        if isinstance(program, (bytes, bytearray, memoryview)):
            return bytes(program)
        if not isinstance(program, (str, os.PathLike)):
            raise TypeError(f"a program is a path or the bytes of one, not {type(program).__name__}")
        return self.checked().read(program)


def compile(code: bytes, wasi: Wasi, bounds: Bounds) -> _WasmProgram:
    """Compiles a module or a component in its binary form. Other threads go on meanwhile.

    As many at once as this process has processors; the others wait, which counts as their time.

    Raises:
        GuestBinaryError: it is no WebAssembly, or too large, or uses something that is not supported.
        GuestTimeout: it takes too long.
        InvalidArgument: arguments, environment or files that no program could have.
        HyperlightIOError: there is no compiler in this package.
    """
    size, time, threads = bounds.checked()
    nanoseconds = 0 if time is None else max(1, int(min(time * 1e9, _MOST)))
    return _WasmProgram.compile(
        code, wasi._parts(), min(size or 0, _MOST), min(nanoseconds, _MOST), min(threads or 0, _MOST)
    )


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
        max_program_size, compile_timeout, compile_threads: as in Wasm.

    Raises what ``Wasm`` raises for a program that cannot be compiled.
    """

    __slots__ = ("__weakref__", "_native")

    _native: _WasmProgram

    def __init__(
        self,
        program: str | os.PathLike[str] | bytes | bytearray | memoryview,
        /,
        *,
        max_program_size: int | None = None,
        compile_timeout: float | None = None,
        compile_threads: int | None = None,
    ) -> None:
        bounds = Bounds(max_program_size, compile_timeout, compile_threads)
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
