"""Host functions: how they are declared, and what becomes of their exceptions."""

from __future__ import annotations

import functools
import gc
import io
import sys
import traceback
import weakref
from typing import Any

import hyperlight as hl
import pytest

from conftest import MakeSandbox


def test_decorators(make: MakeSandbox) -> None:
    sandbox = make()

    @sandbox.host_function
    def HostAdd(a: hl.i32, b: hl.i32) -> hl.i32:
        return a + b

    @sandbox.host_function(name="HostEchoF64")
    def double(value: float) -> float:
        return value * 2

    @sandbox.host_function(name="HostNoOp", params=[], returns=None)
    def nothing() -> None:
        pass

    assert HostAdd(1, 2) == 3
    assert double(2.0) == 4.0
    assert sandbox.call("Add", 2, 3) == 5
    assert sandbox.call("RoundTripHostF64", 2.5) == 5.0
    assert sandbox.call("RoundTripHostNoOp") is None


class Adder:
    def __init__(self, more: int) -> None:
        self.more = more

    def method(self, a: hl.i32, b: hl.i32) -> hl.i32:
        return a + b + self.more

    def __call__(self, a: hl.i32, b: hl.i32) -> hl.i32:
        return a + b + self.more

    @classmethod
    def of_class(cls, a: hl.i32, b: hl.i32) -> hl.i32:
        return a + b + 1


def with_more(more: int, a: hl.i32, b: hl.i32, *, unused: int = 0) -> hl.i32:
    return a + b + more


@pytest.mark.parametrize(
    "function",
    [Adder(1).method, Adder(1), Adder.of_class, functools.partial(with_more, 1)],
    ids=["method", "object", "class", "partial"],
)
def test_callables_of_every_sort(make: MakeSandbox, function: Any) -> None:
    sandbox = make()
    sandbox.register("HostAdd", function)
    assert sandbox.call("Add", 2, 3) == 6


def untyped(a, b):  # type: ignore[no-untyped-def]
    return a


def half_typed(a: int):  # type: ignore[no-untyped-def]
    return a


def strange(a: complex) -> int:
    return 1


def variadic(*args: int) -> int:
    return 1


def keyword(*, a: int) -> int:
    return 1


async def coroutine() -> None:
    pass


async def generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (untyped, "annot"),
        (half_typed, "return"),
        (strange, "complex"),
        (variadic, "params="),
        (keyword, "keyword"),
        (coroutine, "async def"),
        (generator, "async def"),
        (5, "callable"),
        (max, "params="),
    ],
    ids=str,
)
def test_what_is_no_host_function(make: MakeSandbox, function: Any, why: str) -> None:
    with pytest.raises(TypeError, match=why):
        make().register("X", function)


def test_a_coroutine_in_disguise(make: MakeSandbox) -> None:
    sandbox = make()
    sandbox.register("HostNoOp", lambda: coroutine(), params=[], returns=None)
    with pytest.raises(TypeError, match="coroutine"):
        sandbox.call("RoundTripHostNoOp")
    gc.collect()


@pytest.mark.parametrize(
    "error", [ValueError("é\nx"), hl.GuestError("own"), StopIteration(1), OSError(2, "no")], ids=repr
)
def test_the_same_exception_comes_back(make: MakeSandbox, error: Exception) -> None:
    def fail_deep_inside() -> None:
        raise error

    sandbox = make()
    sandbox.register("HostNoOp", fail_deep_inside, params=[], returns=None)
    with pytest.raises(type(error)) as caught:
        sandbox.call("RoundTripHostNoOp")
    assert caught.value is error
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert frames == ["test_the_same_exception_comes_back", "fail_deep_inside"]
    assert sandbox.state == "ready"


def test_an_exception_that_the_guest_handles(make: MakeSandbox) -> None:
    error = KeyError("lost")

    def fail() -> None:
        raise error

    sandbox = make()
    sandbox.register("Fail", fail, params=[], returns=None)
    assert sandbox.call("CallHostExpectError", "Fail") == "KeyError: 'lost'"
    with pytest.raises(hl.GuestError) as caught:
        sandbox.call("CallHostReplaceError", "Fail")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_ends_the_call(make: MakeSandbox, kind: type[BaseException]) -> None:
    error = kind("now")

    def fail() -> None:
        raise error

    sandbox = make()
    sandbox.register("Fail", fail, params=[], returns=None)
    with pytest.raises(kind) as caught:
        sandbox.call("CallHostExpectError", "Fail")
    assert caught.value is error
    assert sandbox.state == "poisoned"


def test_a_function_that_is_missing(make: MakeSandbox) -> None:
    sandbox = make()
    with pytest.raises(hl.FunctionNotFound, match="HostAdd"):
        sandbox.call("Add", 1, 2)
    assert sandbox.state == "ready"


def test_reentry_is_busy(make: MakeSandbox) -> None:
    sandbox = make()
    errors: list[Exception] = []

    def again() -> None:
        for use in (lambda: sandbox.call("NoOp"), sandbox.snapshot, sandbox.close, sandbox.evolve):
            try:
                use()
            except hl.HyperlightError as error:
                errors.append(error)

    sandbox.register("Again", again, params=[], returns=None)
    sandbox.call("HostCallLoop", "Again", 1)
    assert [type(error) for error in errors] == [hl.SandboxBusy] * 4
    assert sandbox.call("Echo", "hi") == "hi"


def test_one_sandbox_inside_another(make: MakeSandbox) -> None:
    inner = make()
    outer = make()
    outer.register("HostEchoString", lambda text: inner.call("Echo", text), params=[str], returns=str)
    assert outer.call("RoundTripHostString", "deep") == "deep"


def test_print(make: MakeSandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert make().call("PrintOutput", "é\n") == 3
    assert capsys.readouterr().out == "é\n"

    texts: list[str] = []
    assert make(print=texts.append).call("PrintOutput", "é") == 2
    assert make(print=io.StringIO().write).call("PrintOutput", "é") == 2
    assert texts == ["é"]

    silent = make()
    silent.unregister("HostPrint")
    with pytest.raises(hl.FunctionNotFound):
        silent.unregister("HostPrint")
    with pytest.raises(hl.FunctionNotFound):
        silent.call("PrintOutput", "x")

    error = ValueError("full")

    def fail(text: str) -> None:
        raise error

    with pytest.raises(ValueError, match="full") as caught:
        make(print=fail).call("PrintOutput", "x")
    assert caught.value is error


def test_print_without_a_stdout(make: MakeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert make().call("PrintOutput", "x") == 1


def test_cycles_are_collected(guest: hl.Guest) -> None:
    class Plugin:
        def __init__(self) -> None:
            self.sandbox = hl.Sandbox(guest, print=self.print)
            self.sandbox.register("HostAdd", self.add, params=[hl.i32, hl.i32], returns=hl.i32)

        def add(self, a: int, b: int) -> int:
            return a + b

        def print(self, text: str) -> None:
            pass

    plugin = Plugin()
    assert plugin.sandbox.call("Add", 1, 2) == 3
    references: list[weakref.ref[Any]] = [weakref.ref(plugin), weakref.ref(plugin.sandbox)]
    gc.collect()
    assert all(reference() is not None for reference in references)
    del plugin
    gc.collect()
    assert [reference() for reference in references] == [None, None]


def test_cycles_with_pools_are_collected(guest: hl.Guest) -> None:
    class Plugins:
        def __init__(self) -> None:
            with hl.Sandbox(guest) as sandbox:
                snapshot = sandbox.snapshot()
            self.pool = hl.SandboxPool(snapshot, host_functions={"Keep": self.keep})
            self.member = self.pool.acquire()

        def keep(self) -> None:
            pass

    plugins = Plugins()
    assert plugins.member.call("HostCallLoop", "Keep", 2) == 2
    gc.collect()
    assert plugins.member.call("HostCallLoop", "Keep", 2) == 2
    references: list[weakref.ref[Any]] = [weakref.ref(plugins), weakref.ref(plugins.member), weakref.ref(plugins.pool)]
    del plugins
    gc.collect()
    assert [reference() for reference in references] == [None, None, None]


def test_callables_are_let_go_once_they_are_unreachable(guest: hl.Guest) -> None:
    class Callable:
        def __call__(self) -> None:
            pass

    def alive() -> list[bool]:
        return [reference() is not None for reference in references]

    sandbox = hl.Sandbox(guest)
    callables = [Callable() for _ in range(3)]
    references: list[weakref.ref[Any]] = [weakref.ref(callable) for callable in callables]
    replaced, failed, kept = callables
    sandbox.register("X", replaced, params=[], returns=None)
    sandbox.register("X", kept, params=[], returns=None)
    with pytest.raises(hl.InvalidArgument):
        sandbox.register("", failed, params=[], returns=None)
    del callables, replaced, failed, kept
    sandbox.evolve()
    assert alive() == [False, False, True]
    assert sandbox.call("HostCallLoop", "X", 3) == 3
    sandbox.close()
    # Let go without the interpreter, it is dropped when somebody has it again.
    sandbox.interrupt()
    assert alive() == [False, False, False]
