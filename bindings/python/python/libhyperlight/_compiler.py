"""The WebAssembly compiler: a library of its own beside this module, which is large and loaded at first use."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from typing import Any, NamedTuple

from ._errors import GuestBinaryError, GuestTimeout, HyperlightError, InvalidArgument

_LIBRARY = "libhyperlight_wasm_module.so"
_VERSION = 3
# What the compiler takes if nothing is said.
_SIZE = 64 << 20
_ERRORS = {1: GuestBinaryError, 2: InvalidArgument, 4: GuestTimeout}


class Compiled(NamedTuple):
    """A program for the ``wasm`` guest."""

    code: bytes
    """Machine code, which the guest must be allowed to execute."""
    config: bytes
    """What the guest must know about it."""
    description: str
    """What the program exports and imports, as JSON."""


class _Bytes(ctypes.Structure):
    _fields_ = (("data", ctypes.c_char_p), ("len", ctypes.c_size_t))

    @classmethod
    def of(cls, data: bytes | str) -> _Bytes:
        data = data.encode() if isinstance(data, str) else data
        return cls(data, len(data))


class _View(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("len", ctypes.c_size_t))

    def copy(self) -> bytes:
        return ctypes.string_at(self.data, self.len) if self.len else b""


class _Pair(ctypes.Structure):
    _fields_ = (("name", _Bytes), ("value", _Bytes))


class _Options(ctypes.Structure):
    _fields_ = (
        ("arguments", ctypes.POINTER(_Bytes)),
        ("argument_count", ctypes.c_size_t),
        ("environment", ctypes.POINTER(_Pair)),
        ("variable_count", ctypes.c_size_t),
        ("files", ctypes.POINTER(_Pair)),
        ("file_count", ctypes.c_size_t),
        ("max_program_size", ctypes.c_uint64),
        ("compile_timeout_ns", ctypes.c_uint64),
        ("compile_threads", ctypes.c_uint64),
    )


class Bounds(NamedTuple):
    """What a program may ask of the compiler; None stands for its own limits."""

    size: int | None
    """Bytes at most."""
    time: float | None
    """Seconds at most."""

    def checked(self) -> Bounds:
        """These, if they can be meant."""
        if self.size is not None:
            if not isinstance(self.size, int) or isinstance(self.size, bool):
                raise TypeError(f"max_program_size must be an integer, not {type(self.size).__name__}")
            if self.size < 1:
                raise InvalidArgument(f"max_program_size is 1 or more, found {self.size}")
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


def compile(
    program: bytes,
    args: tuple[str, ...],
    env: tuple[tuple[str, str], ...],
    files: tuple[tuple[str, bytes], ...],
    bounds: Bounds,
) -> Compiled:
    """Compiles a module or a component in its binary form. Other threads go on meanwhile.

    As many at once as this process has processors; the others wait, which does not count as their time.

    Raises:
        GuestBinaryError: it is no WebAssembly, or too large, or uses something that is not supported.
        GuestTimeout: it takes too long.
        InvalidArgument: arguments, environment or files that no program could have.
    """
    most = 2**64 - 1
    size = 0 if bounds.size is None else min(bounds.size, most)
    time = 0 if bounds.time is None else max(1, int(min(bounds.time * 1e9, most)))
    library = _library()
    arguments = (_Bytes * len(args))(*map(_Bytes.of, args))
    variables = (_Pair * len(env))(*(_Pair(_Bytes.of(name), _Bytes.of(value)) for name, value in env))
    contents = (_Pair * len(files))(*(_Pair(_Bytes.of(path), _Bytes.of(data)) for path, data in files))
    options = _Options(arguments, len(args), variables, len(env), contents, len(files), size, min(time, most), 0)
    compiled = library.hlwm_compile(_Bytes.of(program), ctypes.byref(options))
    try:
        status = library.hlwm_status(compiled)
        if status != 0:
            text = library.hlwm_message(compiled).copy().decode(errors="replace")
            raise _ERRORS.get(status, HyperlightError)(text)
        return Compiled(
            library.hlwm_code(compiled).copy(),
            library.hlwm_config(compiled).copy(),
            library.hlwm_description(compiled).copy().decode(),
        )
    finally:
        library.hlwm_free(compiled)


@functools.cache
def _library() -> Any:
    path = os.path.join(os.path.dirname(__file__), _LIBRARY)
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise HyperlightError(f"the WebAssembly compiler cannot be loaded: {error}") from error
    library.hlwm_version.restype = ctypes.c_uint32
    found = library.hlwm_version()
    if found != _VERSION:
        raise HyperlightError(f"{path} is another version's: interface {found}, expected {_VERSION}")
    library.hlwm_compile.argtypes = (_Bytes, ctypes.POINTER(_Options))
    library.hlwm_compile.restype = ctypes.c_void_p
    library.hlwm_status.argtypes = (ctypes.c_void_p,)
    library.hlwm_status.restype = ctypes.c_int32
    for name in ("message", "code", "config", "description"):
        function = getattr(library, f"hlwm_{name}")
        function.argtypes, function.restype = (ctypes.c_void_p,), _View
    library.hlwm_free.argtypes, library.hlwm_free.restype = (ctypes.c_void_p,), None
    return library
