"""The environment of a WASI program."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any


class Wasi:
    """The environment of a WASI program: arguments, environment variables and read-only files.

    Args:
        args: the arguments, by custom the program's name first.
        env: the environment variables.
        files: contents of files by their paths: bytes, str (as UTF-8), or path objects of files of this machine, which
            are read now. Directories exist only as parts of these paths.

    Raises:
        TypeError, InvalidArgument: an argument, variable or file is not valid.
    """

    __slots__ = ("_args", "_env", "_files")

    _args: tuple[str, ...]
    _env: tuple[tuple[str, str], ...]
    _files: tuple[tuple[str, bytes], ...]

    def __init__(
        self,
        *,
        args: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        files: Mapping[str, bytes | bytearray | memoryview | str | os.PathLike[str]] | None = None,
    ) -> None:
        if isinstance(args, str):
            raise TypeError("args is a sequence of str, not one")
        self._args = tuple(_text("an argument", arg) for arg in args or ())
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

    def _parts(self) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...], tuple[tuple[str, bytes], ...]]:
        return (self._args, self._env, self._files)


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
