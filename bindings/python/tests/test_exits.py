"""The interpreter's end while daemon threads are inside sandboxes (case 21)."""

from __future__ import annotations

import pytest

from conftest import RunPython

# What Python does at its end lets go of modules, and so of what stands in the place of one; by then it ends every other
# thread that wants the interpreter. There the thread is let on, and has a while to be ended in.
PROGRAM = """
import logging, os, sys, threading, time
import libhyperlight as hl

inside, (going, on) = threading.Event(), os.pipe()

class Last:
    def __del__(self, write=os.write, on=on, sleep=time.sleep):
        write(on, b"!")
        sleep(0.5)

sys.modules["last"] = Last()
guest = hl.Guest.builtin("demo")
with hl.Sandbox(guest) as sandbox:
    snapshot = sandbox.snapshot()

def wait(*args):
    inside.set()
    os.read(going, 1)

def HostAdd(a: hl.i32, b: hl.i32) -> hl.i32:
    wait()
    return a + b

def call(function, *args, **options):
    sandbox = hl.Sandbox(guest, **options)
    sandbox.register("HostAdd", HostAdd)
    sandbox.call(function, *args)

def in_a_pool():
    with hl.SandboxPool(snapshot, host_functions={"HostAdd": HostAdd}) as pool:
        pool.call("Add", 1, 2)

def in_a_member():
    with hl.SandboxPool(snapshot, host_functions={"HostAdd": HostAdd}) as pool, pool.acquire() as member:
        member.call("Add", 1, 2)

def in_a_script():
    with hl.JavaScript("host.wait()", host_functions={"wait": wait}):
        pass

def in_a_script_of_a_pool():
    script = hl.JavaScript("const f = () => host.wait()", host_functions={"wait": wait})
    with script.pool(size=1) as pool:
        pool.call("f")

def in_a_log():
    logger = logging.getLogger("libhyperlight")
    logger.addFilter(wait)
    logger.setLevel(logging.DEBUG)
    call("LogMessage", "x", 3)

class Slow:
    def __float__(self):
        wait()
        return 1.0

def work():
    SHAPE

threading.Thread(target=work, daemon=True).start()
inside.wait()
"""


@pytest.mark.parametrize(
    "shape",
    [
        'call("Add", 1, 2)',
        'call("PrintOutput", "x", print=wait)',
        "in_a_pool()",
        "in_a_member()",
        "in_a_script()",
        "in_a_script_of_a_pool()",
        "in_a_log()",
        'call("Echo", "x", timeout=Slow())',
        # What goes on in the guest alone when the interpreter ends.
        'inside.set(); call("SpinForMs", 60_000)',
    ],
)
def test_a_daemon_thread_does_not_end_the_process(run_python: RunPython, shape: str) -> None:
    ended = run_python(PROGRAM.replace("SHAPE", shape), timeout=50)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_daemon_thread_goes_on_until_the_end(run_python: RunPython) -> None:
    """Threads that leave sandboxes before, in whatever order, are ended by Python as ever."""
    program = """
import threading, libhyperlight as hl
results = []
def work():
    inner, outer = hl.Sandbox(hl.Guest.builtin("demo")), hl.Sandbox(hl.Guest.builtin("demo"))
    outer.register("HostEchoString", lambda text: inner.call("Echo", text), params=[str], returns=str)
    results.append(outer.call("RoundTripHostString", "deep"))
    done.set()
    while True:
        pass
done = threading.Event()
threading.Thread(target=work, daemon=True).start()
done.wait()
print(results)
"""
    ended = run_python(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "['deep']\n", "")
