"""Threads, interrupts, asyncio: the interpreter is let go, and nobody waits for somebody who needs it."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import libhyperlight as hl
import pytest

from conftest import MakeSandbox, RunPython


def until(condition: Callable[[], bool]) -> None:
    """Waits for something that must come."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_other_threads_go_on(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    count = 0

    def spin() -> None:
        with pytest.raises(hl.Interrupted):
            sandbox.call("Spin")

    with ThreadPoolExecutor(1) as executor:
        call = executor.submit(spin)
        until(lambda: sandbox.state == "running")
        while count < 100_000:
            count += 1
        assert not call.done()
        with pytest.raises(hl.SandboxBusy):
            sandbox.call("Echo", "hi")
        until(sandbox.interrupt)
        call.result()
    assert sandbox.state == "poisoned"


def test_closed_while_another_thread_is_inside(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    with ThreadPoolExecutor(1) as executor:
        call = executor.submit(sandbox.call, "SpinForMs", 200)
        until(lambda: sandbox.state == "running")
        sandbox.close()
        assert sandbox.state == "closed"
        with pytest.raises(hl.SandboxClosed):
            sandbox.call("Echo", "hi")
        assert call.result() >= 0
    assert sandbox.state == "closed"


def test_two_sandboxes_run_at_once(guest: hl.Guest) -> None:
    together = threading.Barrier(2)

    def meet() -> None:
        together.wait(timeout=10)

    def run() -> int:
        sandbox = hl.Sandbox(guest)
        sandbox.register("Meet", meet, params=[], returns=None)
        with sandbox:
            return int(sandbox.call("HostCallLoop", "Meet", 20))

    with ThreadPoolExecutor(2) as executor:
        assert list(executor.map(lambda _: run(), range(2))) == [20, 20]


def test_callbacks_while_another_thread_keeps_the_interpreter_busy(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.register("HostNoOp", lambda: None, params=[], returns=None)
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        assert sandbox.call("HostCallLoop", "HostNoOp", 20) == 20
    finally:
        stop.set()
        thread.join()


def test_a_sandbox_moves_between_threads(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    for _ in range(5):
        with ThreadPoolExecutor(1) as executor:
            assert executor.submit(sandbox.call, "Echo", "hi").result() == "hi"
        assert sandbox.call("Echo", "hi") == "hi"


def test_interrupts_are_never_kept(make: MakeSandbox) -> None:
    sandbox = make()
    assert sandbox.interrupt() is False
    assert sandbox.call("Echo", "hi") == "hi"
    assert sandbox.interrupt() is False
    assert sandbox.call("Echo", "hi") == "hi"


def test_many_threads_fight_over_one_sandbox(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    done = busy = 0

    def call() -> bool:
        try:
            return bool(sandbox.call("Echo", "x") == "x")
        except hl.SandboxBusy:
            return False

    with ThreadPoolExecutor(8) as executor:
        for ended in executor.map(lambda _: call(), range(400)):
            done += ended
            busy += not ended
    assert done > 0 and done + busy == 400
    assert sandbox.call("Echo", "x") == "x"


def test_the_event_loop_ticks(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()

    async def main() -> int:
        call = asyncio.create_task(asyncio.to_thread(sandbox.call, "SpinForMs", 200))
        ticks = 0
        while not call.done():
            await asyncio.sleep(0.001)
            ticks += 1
        await call
        return ticks

    assert asyncio.run(main()) > 10


def test_a_host_function_reaches_the_event_loop(make: MakeSandbox) -> None:
    async def answer(value: int) -> int:
        await asyncio.sleep(0)
        return value + 1

    async def main() -> int:
        loop = asyncio.get_running_loop()
        sandbox = make()
        sandbox.register(
            "HostEchoI64",
            lambda value: asyncio.run_coroutine_threadsafe(answer(value), loop).result(10),
            params=[int],
            returns=int,
        )
        return int(await asyncio.to_thread(sandbox.call, "RoundTripHostI64", 41))

    assert asyncio.run(main()) == 42


def signal_soon(number: int) -> threading.Timer:
    timer = threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, number))
    timer.start()
    return timer


def test_ctrl_c_stops_a_guest(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    snapshot = sandbox.snapshot()
    for _ in range(3):
        timer = signal_soon(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            sandbox.call("Spin")
        timer.join()
        assert sandbox.state == "poisoned"
        sandbox.restore(snapshot)
        assert sandbox.call("Echo", "hi") == "hi"


def test_ctrl_c_is_heard_at_once(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    snapshot = sandbox.snapshot()
    sent = 0.0

    def strike() -> None:
        nonlocal sent
        sent = time.monotonic()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    fastest = 10.0
    for _ in range(5):
        timer = threading.Timer(0.05, strike)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            sandbox.call("Spin")
        fastest = min(fastest, time.monotonic() - sent)
        timer.join()
        sandbox.restore(snapshot)
    assert fastest < 0.1


def test_a_handler_that_raises_nothing_lets_the_guest_go_on(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    heard: list[int] = []
    previous = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    try:
        timer = signal_soon(signal.SIGUSR1)
        sandbox.call("SpinForMs", 300)
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert heard == [signal.SIGUSR1]
    assert sandbox.state == "ready"


def test_ctrl_c_while_waiting_for_a_member(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    with hl.SandboxPool(sandbox.snapshot(), size=1) as pool, pool.acquire():
        timer = signal_soon(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            pool.call("Echo", "hi")
        timer.join()


def test_a_member_that_nobody_waits_for_any_more_goes_back(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    with hl.SandboxPool(sandbox.snapshot(), size=1) as pool:
        member = pool.acquire()
        timer = signal_soon(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            pool.acquire()
        timer.join()
        member.close()
        for _ in range(3):
            assert pool.call("Echo", "hi") == "hi"


def test_a_program_ends_while_a_guest_runs(run_python: RunPython) -> None:
    program = """
import threading, time, libhyperlight as hl
sandbox = hl.Sandbox(hl.Guest.builtin("demo"))
sandbox.register("HostNoOp", lambda: None, params=[], returns=None)
sandbox.evolve()
threading.Thread(target=sandbox.call, args=WORK, daemon=True).start()
while sandbox.state != "running":
    time.sleep(0.001)
print("end")
"""
    for work in ('("Spin",)', '("HostCallLoop", "HostNoOp", 4_000_000_000)'):
        ended = run_python(program.replace("WORK", work))
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end\n", "")


def test_use_at_the_interpreters_end(run_python: RunPython) -> None:
    program = """
import atexit, sys, libhyperlight as hl
sandbox = hl.Sandbox(hl.Guest.builtin("demo"))
sandbox.register("HostAdd", lambda a, b: a + b, params=[hl.i32, hl.i32], returns=hl.i32)
sandbox.evolve()
class Late:
    def __del__(self, sandbox=sandbox):
        assert sandbox.call("Add", 1, 2) == 3
sys.late = Late()
atexit.register(lambda: print(sandbox.call("Add", 2, 3)))
"""
    ended = run_python(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "5\n", "")
