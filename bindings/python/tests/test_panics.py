"""A panic in the native module: an exception like any other, and the interpreter goes on.

PyO3 turns a panic into an exception of a class of its own, and that exception into a panic again where Rust meets it.
So raising one is a way to have Rust panic wherever it calls Python.
"""

from __future__ import annotations

from conftest import RunPython

PREPARE = """
import libhyperlight as hl
guest = hl.Guest.builtin("demo")
try:
    hl.Sandbox(guest, heap_size="large")
except TypeError:
    pass
(Panic,) = [kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException"]
def panic(*arguments):
    raise Panic("on purpose")
"""


def test_in_a_constructor(run_python: RunPython) -> None:
    program = """
class Size:
    __index__ = panic
try:
    hl.Sandbox(guest, heap_size=Size())
except Exception as error:
    print(type(error).__name__, error)
with hl.Sandbox(guest) as sandbox:
    print(sandbox.call("Echo", "alive"))
"""
    ended = run_python(PREPARE + program)
    assert (ended.returncode, ended.stdout) == (0, "HyperlightError internal error: on purpose\nalive\n")


def test_in_a_host_function(run_python: RunPython) -> None:
    program = """
sandbox = hl.Sandbox(guest)
sandbox.register("Boom", panic, params=[], returns=None)
sandbox.evolve()
snapshot = sandbox.snapshot()
try:
    sandbox.call("HostCallLoop", "Boom", 1)
except Exception as error:
    print(type(error).__name__, "on purpose" in str(error), sandbox.state)
sandbox.restore(snapshot)
print(sandbox.call("Echo", "alive"))
"""
    ended = run_python(PREPARE + program)
    assert (ended.returncode, ended.stdout) == (0, "HyperlightError True poisoned\nalive\n")


def test_in_a_decorator(run_python: RunPython) -> None:
    program = """
class Function:
    __name__ = property(panic)
    def __call__(self):
        pass
sandbox = hl.Sandbox(guest)
try:
    sandbox.host_function(Function())
except Exception as error:
    print(type(error).__name__, error)
print(sandbox.call("Echo", "alive"))
"""
    ended = run_python(PREPARE + program)
    assert (ended.returncode, ended.stdout) == (0, "HyperlightError internal error: on purpose\nalive\n")
