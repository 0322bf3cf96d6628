"""Forks, pickles, subinterpreters, and what stays behind."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import libhyperlight as hl
import pytest

from conftest import MakeSandbox, RunPython


def test_after_a_fork(run_python: RunPython) -> None:
    """In the child everything of the parent's raises, also what was in use; new things work."""
    program = """
import os, signal, threading, time, libhyperlight as hl
guest = hl.Guest.builtin("demo")
idle, running = hl.Sandbox(guest), hl.Sandbox(guest)
idle.evolve(); running.evolve()
snapshot = idle.snapshot()
pool = hl.SandboxPool(snapshot, size=2)
pool.call("NoOp")
thread = threading.Thread(target=lambda: running.call("SpinForMs", 500))
thread.start()
while running.state != "running":
    time.sleep(0.001)
import warnings
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    signal.alarm(20)
    uses = [lambda: idle.call("NoOp"), idle.snapshot, lambda: running.call("NoOp"), lambda: idle.restore(snapshot),
        lambda: pool.call("NoOp"), pool.acquire, pool.stats]
    for use in uses:
        try:
            use()
        except hl.SandboxStateError as error:
            assert "fork" in str(error), error
        else:
            os._exit(1)
    assert not idle.interrupt()
    idle.close()
    with hl.Sandbox(guest) as own, hl.Sandbox(snapshot) as clone:
        if own.call("Echo", "a") + clone.call("Echo", "b") != "ab":
            os._exit(2)
    del idle, running, pool
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
thread.join()
print(status, idle.call("Echo", "parent"), pool.call("Echo", "pool"))
"""
    ended = run_python(program)
    assert (ended.stdout, ended.stderr) == ("0 parent pool\n", "")


def test_import_then_fork(run_python: RunPython) -> None:
    program = """
import os, libhyperlight as hl
child = os.fork()
with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
    assert sandbox.call("Echo", "x") == "x"
if child == 0:
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    ended = run_python(program)
    assert (ended.stdout, ended.stderr) == ("0\n", "")


def work(guest: hl.Guest, snapshot: hl.Snapshot) -> tuple[str, int]:
    with hl.Sandbox(guest) as fresh, hl.Sandbox(snapshot) as warm:
        return fresh.call("Echo", "hi"), warm.call("GetStatic")


def fail() -> None:
    with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
        sandbox.call("ReadAddress", 0)


def test_guests_and_snapshots_travel(make: MakeSandbox, guest: hl.Guest) -> None:
    sandbox = make()
    sandbox.call("AddToStatic", 7)
    snapshot = sandbox.snapshot()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        assert executor.submit(work, guest, snapshot).result(60) == ("hi", 7)
        with pytest.raises(hl.GuestFault) as caught:
            executor.submit(fail).result(60)
    assert (caught.value.vector, caught.value.access) == (14, "read")


def test_pickles(make: MakeSandbox, guest: hl.Guest) -> None:
    payload = pickle.loads(pickle.dumps(guest.with_payload(b"abc").with_payload(b"\xc3", executable=True)))
    assert repr(payload) == '<Guest builtin "demo" with 2 payloads>'
    assert make(payload).call("PayloadBytes", 0) == b"abc"
    # The guest is the same: its snapshots fit.
    sandbox = make()
    sandbox.evolve()
    snapshot = pickle.loads(pickle.dumps(sandbox.snapshot()))
    sandbox.restore(snapshot)
    other = make(pickle.loads(pickle.dumps(guest)))
    other.evolve()
    other.restore(copy.copy(snapshot))
    assert pickle.loads(pickle.dumps(sandbox.functions["Add"])) == sandbox.functions["Add"]


def test_a_pickled_guest_file(make: MakeSandbox) -> None:
    guest = pickle.loads(pickle.dumps(hl.Guest(os.environ["HYPERLIGHT_GUEST"])))
    assert make(guest).call("Echo", "hi") == "hi"


def test_damaged_pickles(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.evolve()
    restore, (data,) = sandbox.snapshot().__reduce__()
    for damaged in (b"", data[:-1], data[:5000], data[:100] + b"\xff" + data[101:]):
        with pytest.raises(hl.SnapshotFileError):
            restore(damaged)


def test_sandboxes_do_not_travel(sandbox: hl.Sandbox) -> None:
    for refused in (lambda: pickle.dumps(sandbox), lambda: copy.copy(sandbox), lambda: copy.deepcopy(sandbox)):
        with pytest.raises(TypeError, match="Guest"):
            refused()
    with hl.SandboxPool(sandbox.snapshot()) as pool, pytest.raises(TypeError, match="Snapshot"):
        pickle.dumps(pool)


def test_a_subinterpreter_is_told(run_python: RunPython) -> None:
    module, run = ("_interpreters", "exec") if sys.version_info >= (3, 13) else ("_xxsubinterpreters", "run_string")
    program = f"""
import libhyperlight
import {module} as interpreters
interpreter = interpreters.create()
code = '''
try:
    import libhyperlight
except ImportError as error:
    print("refused", "main interpreter" in str(error), flush=True)
'''
interpreters.{run}(interpreter, code)
interpreters.destroy(interpreter)
"""
    ended = run_python(program)
    assert ended.stdout == "refused True\n", ended.stderr


def rss() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def assert_leaves_nothing(once: Callable[[], None], first: int, times: int) -> None:
    """No memory and no files, beyond what the first calls keep for those that follow.

    What leaks, leaks each time; an allocator that finds its size late does not.
    """
    for _ in range(first):
        once()
    grown = []
    for _ in range(3):
        memory, files = rss(), len(os.listdir("/proc/self/fd"))
        for _ in range(times):
            once()
        # Closed sandboxes are destroyed soon, not at once.
        deadline = time.monotonic() + 10
        while len(os.listdir("/proc/self/fd")) > files and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(os.listdir("/proc/self/fd")) <= files
        grown.append(rss() - memory)
        if grown[-1] < 1 << 20:
            return
    raise AssertionError(f"grown each time: {grown}")


@pytest.mark.parametrize("kind", ["sandbox", "script", "member"])
def test_garbage_does_not_use_up_the_descriptors(run_python: RunPython, kind: str) -> None:
    """Sandboxes that only their own host functions refer to, without a collection that comes by itself (case 34)."""
    program = """
import gc, resource, sys, libhyperlight as hl
gc.disable()
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
guest = hl.Guest.builtin("demo")
with hl.Sandbox(guest) as sandbox:
    snapshot = sandbox.snapshot()

class Plugin:
    def __init__(self):
        if sys.argv[1] == "sandbox":
            self.sandbox = hl.Sandbox(guest, print=self.print)
            assert self.sandbox.call("Echo", "x") == "x"
        elif sys.argv[1] == "script":
            self.script = hl.JavaScript("", print=self.print)
            assert self.script.eval("1") == 1
        else:
            self.pool = hl.SandboxPool(snapshot, size=1, print=self.print)
            self.member = self.pool.acquire()

    def print(self, text):
        pass

for _ in range(200):
    Plugin()
"""
    ended = run_python(program, kind)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.timeout(300)
def test_ten_thousand_sandboxes_leave_nothing(guest: hl.Guest) -> None:
    def once() -> None:
        sandbox = hl.Sandbox(guest)

        @sandbox.host_function
        def HostAdd(a: hl.i32, b: hl.i32) -> hl.i32:
            return a + b

        with sandbox:
            assert sandbox.call("Add", 2, 3) == 5

    assert_leaves_nothing(once, 500, 10_000)


@pytest.mark.timeout(300)
def test_hundreds_of_scripts_and_programs_leave_nothing() -> None:
    module = bytes.fromhex("0061736d01000000")

    def once() -> None:
        with hl.JavaScript("function f(a) { return host.twice(a) }", host_functions={"twice": lambda a: 2 * a}) as js:
            assert js.call("f", 21) == 42
        with hl.Wasm(module) as wasm:
            assert not wasm.functions
        # One that was not compiled before.
        nonlocal count
        count += 1
        name = str(count).encode()
        section = bytes([len(name)]) + name
        with hl.Wasm(module + bytes([0, len(section)]) + section):
            pass

    count = 0
    assert_leaves_nothing(once, 150, 400)
