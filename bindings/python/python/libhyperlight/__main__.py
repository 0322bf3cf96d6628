"""``python -m libhyperlight doctor`` and ``python -m libhyperlight call GUEST FUNCTION ARGS…``."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import libhyperlight as hl

from ._platform import describe

_EMPTY_MODULE = b"\0asm\1\0\0\0"
_TRUTH = {"true": True, "false": False}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m libhyperlight", description=(hl.__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="say whether sandboxes work here, or why not")
    call = commands.add_parser("call", help="call a guest function", description="Calls a guest function.")
    call.add_argument("guest", help="the path of a guest program, or the name of one that the library carries: demo")
    call.add_argument("function", nargs="?", help="its name; without one, the guest's functions are listed")
    call.add_argument(
        "args", nargs="*", help="numbers, true or false, text; bytes in hexadecimal, or @FILE for a file's contents"
    )
    call.add_argument("--timeout", type=float, metavar="SECONDS", help="how long it may take")
    options = parser.parse_args(arguments)
    if options.command == "doctor":
        return doctor()
    try:
        return _call(options.guest, options.function, options.args, options.timeout)
    except (hl.HyperlightError, OSError, ValueError, OverflowError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def doctor() -> int:
    """Prints the state of this machine, and the cost of a call."""

    def line(name: str, value: str) -> None:
        print(f"{name:<12} {value}")

    line("libhyperlight", hl.__version__)
    for name, value in describe():
        line(name, value)
    line("/dev/kvm", _device())
    try:
        hl.probe()
        line("hypervisor", "works")
        began = time.perf_counter()
        with hl.Sandbox(hl.Guest.builtin("demo"), timeout=10.0) as sandbox:
            started = time.perf_counter() - began
            if sandbox.call("Echo", "hello") != "hello":
                raise hl.HyperlightError("the test call returned something else than its argument")
            times = []
            for _ in range(1000):
                began = time.perf_counter()
                sandbox.call("NoOp")
                times.append(time.perf_counter() - began)
    except hl.HyperlightError as error:
        line("FAILED", f"{type(error).__name__}: {error}")
        return 1
    line("sandbox", f"started in {started * 1e3:.2f} ms")
    line("test call", f"{statistics.median(times) * 1e6:.1f} µs (median of {len(times)})")
    for name, start in (("JavaScript", hl.JavaScript), ("WebAssembly", lambda: hl.Wasm(_EMPTY_MODULE))):
        try:
            began = time.perf_counter()
            with start():
                line(name, f"started in {(time.perf_counter() - began) * 1e3:.2f} ms")
        except hl.HyperlightError as error:
            line("FAILED", f"{name}: {type(error).__name__}: {error}")
            return 1
    return 0


def _device() -> str:
    path = "/dev/kvm"
    if not os.path.exists(path):
        return "does not exist"
    readable = os.access(path, os.R_OK | os.W_OK)
    return "readable and writable" if readable else f"exists, but not for user {os.getuid()}: no permission"


def _call(guest: str, function: str | None, words: Sequence[str], timeout: float | None) -> int:
    is_file = os.sep in guest or os.path.exists(guest)
    source = hl.Guest(guest) if is_file else hl.Guest.builtin(guest)
    with hl.Sandbox(source, timeout=timeout) as sandbox:
        if function is None:
            for name, signature in sandbox.functions.items():
                print(f"{name}{signature}")
            return 0
        signature = sandbox.functions.get(function, hl.Signature())
        params = signature.params
        if len(params) != len(words):
            # The sandbox raises the error.
            sandbox.call(function, *words)
        result = sandbox.call(function, *(_value(word, kind) for word, kind in zip(words, params, strict=True)))
    if isinstance(result, bytes):
        sys.stdout.buffer.write(result)
    elif result is not None:
        print(str(result).lower() if isinstance(result, bool) else result)
    return 0


def _value(word: str, kind: Any) -> Any:
    if kind is str:
        return word
    if kind is bytes:
        if word.startswith("@"):
            with open(word[1:], "rb") as file:
                return file.read()
        return bytes.fromhex(word)
    if kind is bool:
        if word not in _TRUTH:
            raise ValueError(f"a bool is true or false, found {word!r}")
        return _TRUTH[word]
    if issubclass(kind, int):
        return int(word, 0)
    return float(word)


if __name__ == "__main__":
    sys.exit(main())
