"""A call that starts its sandbox: its limits are for all of that together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import libhyperlight as hl
import pytest
from wasmtime import wat2wasm

ENDLESS = "for (;;);"

PROGRAM = bytes(
    wat2wasm("""
    (module
      (func $spin (loop br 0))
      (start $spin)
      (func (export "f"))
      (func (export "_start"))
    )
    """)
)


def guest() -> hl.Sandbox:
    # A script in the guest's image runs when the guest initialises itself.
    return hl.Sandbox(hl.Guest.builtin("javascript").with_payload(ENDLESS.encode()))


def script() -> hl.JavaScript:
    return hl.JavaScript(ENDLESS)


def modules() -> hl.JavaScript:
    return hl.JavaScript("import 'forever'", modules={"forever": ENDLESS})


def program() -> hl.Wasm:
    return hl.Wasm(PROGRAM)


Start = Callable[..., Any]
CASES: list[tuple[Callable[[], Any], Start, str]] = [
    (guest, lambda sandbox, **limits: sandbox.evolve(**limits), "poisoned"),
    (guest, lambda sandbox, **limits: sandbox.call("eval", "1", **limits), "poisoned"),
    (script, lambda js, **limits: js.evolve(**limits), "closed"),
    (script, lambda js, **limits: js.call("f", **limits), "closed"),
    (script, lambda js, **limits: js.eval("1", **limits), "closed"),
    (script, lambda js, **limits: js.load("1", **limits), "closed"),
    (modules, lambda js, **limits: js.call("f", **limits), "closed"),
    (program, lambda wasm, **limits: wasm.evolve(**limits), "poisoned"),
    (program, lambda wasm, **limits: wasm.call("f", **limits), "poisoned"),
    (program, lambda wasm, **limits: wasm.run(**limits), "poisoned"),
]


@pytest.mark.parametrize("limit", ["timeout", "cpu_time"])
@pytest.mark.parametrize(("make", "start", "state"), CASES)
def test_the_limit_of_a_call_ends_the_start_that_it_makes(
    make: Callable[[], Any], start: Start, state: str, limit: str
) -> None:
    sandbox = make()
    with pytest.raises(hl.GuestTimeout, match=f"its {limit} of 300ms"):
        start(sandbox, **{limit: 0.3})
    assert sandbox.state == state
    # Whatever it was that failed, it is told by one sentence.
    with pytest.raises((hl.SandboxPoisoned, hl.SandboxClosed), match="failed to start and is of no more use"):
        start(sandbox)
    sandbox.close()


@pytest.mark.parametrize(("make", "start", "state"), CASES)
def test_an_interrupt_ends_the_start_that_a_call_makes(make: Callable[[], Any], start: Start, state: str) -> None:
    sandbox = make()

    def interrupt() -> None:
        while not sandbox.interrupt():
            pass

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(hl.Interrupted):
        start(sandbox, timeout=20)
    thread.join()
    assert sandbox.state in (state, "poisoned", "closed")
    sandbox.close()


def waiting() -> hl.JavaScript:
    wait = {"wait": lambda: time.sleep(0.6)}
    return hl.JavaScript("host.wait(); const f = () => host.wait()", host_functions=wait)


def test_the_start_and_the_call_share_one_limit() -> None:
    with pytest.raises(hl.GuestTimeout, match="its timeout of 1s"):
        waiting().call("f", timeout=1)
    # Neither alone takes so long.
    js = waiting()
    js.evolve(timeout=20)
    js.call("f", timeout=20)
    js.close()


def test_the_limits_of_a_start_are_the_sandboxs_where_it_has_none_of_its_own() -> None:
    js = hl.JavaScript("const f = () => 1", timeout=0.001)
    js.evolve(timeout=20)
    assert js.call("f", timeout=20) == 1
    js.close()
    with pytest.raises(hl.GuestTimeout, match="its timeout of 300ms"):
        hl.JavaScript(ENDLESS, timeout=0.3).call("f")


def test_a_start_is_prepared_once() -> None:
    starts: list[int] = []
    js = hl.JavaScript("host.start()", host_functions={"start": lambda: starts.append(1)})
    js.evolve()
    with pytest.raises(hl.SandboxStateError, match="evolved already"):
        js.evolve()
    assert (js.eval("1"), starts, js.state) == (1, [1], "ready")
    with js as same, hl.JavaScript(same.snapshot(), host_functions={"start": starts.clear}) as clone:
        assert clone.eval("2") == 2
    assert starts == [1]
