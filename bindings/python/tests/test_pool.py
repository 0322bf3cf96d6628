"""Pools, and the executor that they are."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import CancelledError, Executor, as_completed
from typing import Any

import libhyperlight as hl
import pytest

from conftest import MakeSandbox


@pytest.fixture
def snapshot(make: MakeSandbox) -> hl.Snapshot:
    sandbox = make()
    sandbox.call("AddToStatic", 1)
    return sandbox.snapshot()


def test_who_waits_0_seconds_for_a_member_gets_one_at_once_or_not_at_all(sandbox: hl.Sandbox) -> None:
    add = (lambda a, b: a + b, hl.Signature([hl.i32, hl.i32], hl.i32))
    with hl.SandboxPool(sandbox.snapshot(), size=1, acquire_timeout=0, host_functions={"HostAdd": add}) as pool:
        assert [pool.call("AddToStatic", 1) for _ in range(20)] == [1] * 20
        with pool.acquire():
            for wait in (pool.acquire, lambda: pool.call("GetStatic")):
                with pytest.raises(hl.PoolTimeout):
                    wait()
        assert pool.call("GetStatic") == 0


def test_every_call_is_pristine(snapshot: hl.Snapshot) -> None:
    with hl.SandboxPool(snapshot, size=2) as pool:
        for _ in range(5):
            assert pool.call("AddToStatic", 1) == 2
        with pytest.raises(hl.GuestAbort):
            pool.call("Panic", "x")
        assert pool.call("GetStatic") == 1
        with pytest.raises(hl.FunctionNotFound):
            pool.call("Nope")
        with pytest.raises(hl.GuestTimeout):
            pool.call("Spin", timeout=0.05)


def test_members(snapshot: hl.Snapshot) -> None:
    with hl.SandboxPool(snapshot, size=1, acquire_timeout=0.05, timeout=1.0) as pool:
        with pool.acquire() as sandbox:
            assert isinstance(sandbox, hl.Sandbox)
            assert sandbox.call("AddToStatic", 1) == 2
            assert sandbox.functions["NoOp"] == hl.Signature()
            with pytest.raises(hl.PoolTimeout, match="acquire_timeout"):
                pool.acquire()
            assert pool.stats().in_use == 1
        assert sandbox.state == "closed"
        with pytest.raises(hl.SandboxClosed):
            sandbox.call("NoOp")
        assert pool.call("GetStatic") == 1
        assert pool.stats()._replace(waits=0, waited=0.0) == hl.PoolStatistics(0, 1, 1, 0, 0, 0.0)


def test_a_forgotten_member_comes_back(snapshot: hl.Snapshot) -> None:
    with hl.SandboxPool(snapshot, size=1, acquire_timeout=5) as pool:
        for _ in range(3):
            pool.acquire().call("NoOp")


def test_host_functions_and_print(make: MakeSandbox) -> None:
    def HostAdd(a: hl.i32, b: hl.i32) -> hl.i32:
        return a + b

    sandbox = make()
    sandbox.host_function(HostAdd)
    sandbox.evolve()
    snapshot = sandbox.snapshot()
    texts: list[str] = []
    more: dict[str, Any] = {"HostAdd": HostAdd, "HostNoOp": (lambda: None, hl.Signature([], None))}
    with hl.SandboxPool(snapshot, host_functions=more, print=texts.append) as pool:
        assert pool.call("Add", 2, 3) == 5
        pool.call("RoundTripHostNoOp")
        pool.call("PrintOutput", "hi")
    assert texts == ["hi"]
    with hl.SandboxPool(snapshot) as pool, pytest.raises(hl.SnapshotMismatch, match="HostAdd"):
        pool.call("Add", 2, 3)
    with pytest.raises(TypeError, match="annot"):
        hl.SandboxPool(snapshot, host_functions={"X": lambda a: a})


def test_it_is_an_executor(snapshot: hl.Snapshot) -> None:
    with hl.SandboxPool(snapshot, size=2, timeout=20) as pool:
        assert isinstance(pool, Executor)
        futures = [pool.submit("EchoI32", number) for number in range(20)]
        assert sorted(future.result() for future in as_completed(futures)) == list(range(20))
        assert list(pool.map("EchoI32", range(20))) == list(range(20))
        failed = pool.submit("ReturnError", 7, "seven")
        assert isinstance(failed.exception(), hl.GuestError)
        assert isinstance(pool.submit("Spin", timeout=0.05).exception(), hl.GuestTimeout)
    for use in (lambda: pool.submit("NoOp"), lambda: pool.call("NoOp"), pool.acquire, pool.stats):
        with pytest.raises(hl.SandboxClosed):
            use()
    assert repr(pool) == "<SandboxPool closed>"
    pool.close()


def test_shutdown_cancels_what_has_not_begun(snapshot: hl.Snapshot) -> None:
    pool = hl.SandboxPool(snapshot, size=1)
    first = pool.submit("SpinForMs", 200)
    rest = [pool.submit("NoOp") for _ in range(5)]
    while not first.running():
        time.sleep(0.001)
    pool.shutdown(cancel_futures=True)
    assert first.result() > 0
    for future in rest:
        with pytest.raises(CancelledError):
            future.result()


def test_closing_wakes_who_waits(snapshot: hl.Snapshot) -> None:
    pool = hl.SandboxPool(snapshot, size=1)
    member = pool.acquire()
    refused: list[BaseException] = []

    def wait() -> None:
        with pytest.raises(hl.SandboxClosed) as caught:
            pool.acquire()
        refused.append(caught.value)

    threads = [threading.Thread(target=wait) for _ in range(2)]
    for thread in threads:
        thread.start()
    # Both ask for a member while none can come free; that they wait already does not matter.
    pool.close()
    for thread in threads:
        thread.join(10)
    assert len(refused) == 2
    assert member.call("Echo", "still mine") == "still mine"
    member.close()


def test_closing_wakes_the_main_thread(snapshot: hl.Snapshot) -> None:
    pool = hl.SandboxPool(snapshot, size=1)
    with pool.acquire():
        # Later than when the main thread has gone to wait on another one.
        timer = threading.Timer(0.3, pool.close)
        timer.start()
        with pytest.raises(hl.SandboxClosed):
            pool.call("NoOp")
        timer.join()


def test_after_a_shutdown_that_does_not_wait(snapshot: hl.Snapshot) -> None:
    pool = hl.SandboxPool(snapshot, size=1)
    future = pool.submit("Echo", "submitted")
    pool.shutdown(wait=False)
    with pytest.raises(hl.SandboxClosed):
        pool.call("NoOp")
    assert future.result() == "submitted"


def test_with_asyncio(snapshot: hl.Snapshot) -> None:
    with hl.SandboxPool(snapshot, size=2) as pool:

        async def main() -> list[Any]:
            return await asyncio.gather(*(asyncio.to_thread(pool.call, "EchoI32", n) for n in range(20)))

        assert asyncio.run(main()) == list(range(20))


def test_waiting_lets_the_interpreter_go(snapshot: hl.Snapshot) -> None:
    with hl.SandboxPool(snapshot, size=1, acquire_timeout=20) as pool:
        member = pool.acquire()
        thread = threading.Timer(0.3, member.close)
        thread.start()
        assert pool.call("Echo", "hi") == "hi"
        thread.join()
        assert pool.stats().waited > 0.1


def test_options_that_are_refused(snapshot: hl.Snapshot) -> None:
    with pytest.raises(ValueError, match="min_idle"):
        hl.SandboxPool(snapshot, size=1, min_idle=2)
    with pytest.raises(TypeError):
        hl.SandboxPool("snapshot")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        hl.SandboxPool(snapshot, heap_size=1)  # type: ignore[call-arg]
