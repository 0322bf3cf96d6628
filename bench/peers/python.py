"""What a call costs from Python, for a program that measures the same from Rust at the same time.

Reads lines ``FUNCTION COUNT`` from standard input and answers each with the nanoseconds of every call, so that the two
can take turns.
"""

from __future__ import annotations

import sys
import time

import libhyperlight as hl

ARGUMENTS: dict[str, tuple[object, ...]] = {"NoOp": (), "Echo": ("sixteen bytes ok",), "Add": (2, 3)}


def times(sandbox: hl.Sandbox, function: str, calls: int) -> list[int]:
    arguments = ARGUMENTS[function]
    call, clock = sandbox.call, time.perf_counter_ns
    found = []
    for _ in range(calls):
        began = clock()
        call(function, *arguments)
        found.append(clock() - began)
    return found


def main() -> None:
    sandbox = hl.Sandbox(hl.Guest.builtin("demo"))

    @sandbox.host_function
    def HostAdd(a: hl.i32, b: hl.i32) -> hl.i32:
        return a + b

    with sandbox:
        for line in sys.stdin:
            function, calls = line.split()
            print(*times(sandbox, function, int(calls)), flush=True)


if __name__ == "__main__":
    main()
