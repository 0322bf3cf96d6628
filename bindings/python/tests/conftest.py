"""What the tests share. They run against the installed package, in real virtual machines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import libhyperlight as hl
import pytest

MakeSandbox = Callable[..., hl.Sandbox]
MakeScript = Callable[..., hl.JavaScript]
RunPython = Callable[..., "subprocess.CompletedProcess[str]"]

# A shell that runs something in the background lets it ignore Ctrl-C, and so would the programs that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def guest() -> hl.Guest:
    return hl.Guest.builtin("demo")


@pytest.fixture
def make(guest: hl.Guest) -> Iterator[MakeSandbox]:
    """Makes sandboxes of the demo guest, and closes them."""
    made: list[hl.Sandbox] = []

    def make(source: Any = guest, **options: Any) -> hl.Sandbox:
        sandbox = hl.Sandbox(source, **{"timeout": 20.0, **options})
        made.append(sandbox)
        return sandbox

    yield make
    for sandbox in made:
        sandbox.close()


@pytest.fixture
def script() -> Iterator[MakeScript]:
    """Makes scripts, and closes them."""
    made: list[hl.JavaScript] = []

    def make(source: Any = "", **options: Any) -> hl.JavaScript:
        js = hl.JavaScript(source, **{"timeout": 20.0, **options})
        made.append(js)
        return js

    yield make
    for js in made:
        js.close()


@pytest.fixture
def attacker(make: MakeSandbox) -> hl.Sandbox:
    """A sandbox of the tests' own guest, which does what the demo guest does and everything that a guest can do wrong."""
    return make(hl.Guest(os.environ["HYPERLIGHT_GUEST"]))


@pytest.fixture
def sandbox(make: MakeSandbox) -> hl.Sandbox:
    """A sandbox with the host functions that the demo guest calls most."""
    sandbox = make()

    @sandbox.host_function
    def HostAdd(a: hl.i32, b: hl.i32) -> hl.i32:
        return a + b

    sandbox.evolve()
    return sandbox


@pytest.fixture
def run_python() -> RunPython:
    """Runs a program in an interpreter of its own."""

    def run(program: str, *arguments: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", program, *arguments], capture_output=True, text=True, timeout=timeout
        )

    return run
