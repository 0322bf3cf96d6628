"""Options as keyword arguments, passed on from one constructor to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._libhyperlight import _refuse_option
from ._options import CompileOptions, Limits


def check_names(what: str, options: Mapping[str, Any], kind: type, of: type | None = None) -> None:
    """Refuses unknown options. ``kind`` has those that are passed on; the constructor of ``of`` has more."""
    for name in options:
        if name not in kind.__annotations__:
            own = getattr(of, "__init__", None)
            _refuse_option(what, name, [*(getattr(own, "__kwdefaults__", None) or ()), *kind.__annotations__])


def limits(options: Mapping[str, Any]) -> dict[str, Any]:
    """Picks the limits of calls from a sandbox's options: the members of its pools have them, too."""
    return _of(Limits, options)


def split_compile_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits the options into those of the compiler and the rest."""
    compile_options = _of(CompileOptions, options)
    return compile_options, {name: value for name, value in options.items() if name not in compile_options}


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Picks the options that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def _of(kind: type, options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in kind.__annotations__}
