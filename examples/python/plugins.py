"""Untrusted plug-ins: each call has a pristine sandbox and limits, and reports failures as errors.

The plug-ins here are functions of the demo guest; yours are guest programs of other people.
"""

import time
from typing import Any

import libhyperlight as hl

PLUGINS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "honest": ("Fibonacci", (20,)),
    "endless": ("Spin", ()),
    "greedy": ("ExhaustHeap", ()),
    "crashing": ("ReadAddress", (0,)),
    "chatty": ("HostCallLoop", ("Now", 1_000_000)),
    "spammer": ("PrintOutput", ("buy! " * 1000,)),
}


def Now() -> None:
    """The plug-ins' only access to this process."""


def prepare() -> hl.Snapshot:
    """Starts the guest once; every plug-in's sandbox continues from there."""
    with hl.Sandbox(hl.Guest.builtin("demo"), heap_size=4 << 20) as sandbox:
        return sandbox.snapshot()


def main() -> None:
    with hl.SandboxPool(
        prepare(),
        size=4,
        timeout=0.5,
        max_host_calls=100,
        max_print_bytes=1000,
        print=lambda text: None,
        host_functions={"Now": Now},
    ) as pool:
        began = time.perf_counter()
        results = {name: pool.submit(function, *arguments) for name, (function, arguments) in PLUGINS.items()}
        for name, result in results.items():
            try:
                print(f"{name}: {result.result()}")
            except hl.HyperlightError as error:
                print(f"{name}: {type(error).__name__}: {error}")
        print(f"all of them in {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
