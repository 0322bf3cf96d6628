"""Host functions: how they are declared, and what becomes of their exceptions."""

from __future__ import annotations

import functools
import gc
import io
import re
import sys
import threading
import traceback
import weakref
from typing import Any

import libhyperlight as hl
import pytest

from conftest import MakeSandbox, RunPython


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
    assert caught.value.__cause__ is None
    with pytest.raises(hl.GuestError) as caught:
        sandbox.call("CallHostCauseError", "Fail")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("code", [-7, -5, -1, -99, 0, 1, 7, 2**31 - 1, -(2**31)])
def test_a_guests_codes_are_its_own(sandbox: hl.Sandbox, code: int) -> None:
    """Case 22."""
    with pytest.raises(hl.GuestError, match=r"^not today$") as caught:
        sandbox.call("ReturnError", code, "not today")
    assert (type(caught.value), caught.value.guest_code, caught.value.code) == (hl.GuestError, code, -8)
    assert (caught.value.name, caught.value.stack, caught.value.cause, caught.value.errors) == (None, None, None, ())
    assert sandbox.state == "ready"


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
        for use in (lambda: sandbox.call("NoOp"), sandbox.snapshot, sandbox.evolve):
            try:
                use()
            except hl.HyperlightError as error:
                errors.append(error)

    sandbox.register("Again", again, params=[], returns=None)
    sandbox.call("HostCallLoop", "Again", 1)
    assert [type(error) for error in errors] == [hl.SandboxBusy] * 3
    assert sandbox.call("Echo", "hi") == "hi"


def test_one_sandbox_inside_another(make: MakeSandbox) -> None:
    inner = make()
    outer = make()
    outer.register("HostEchoString", lambda text: inner.call("Echo", text), params=[str], returns=str)
    assert outer.call("RoundTripHostString", "deep") == "deep"


def test_sandboxes_inside_each_other_end_before_the_stack_does(guest: hl.Guest) -> None:
    """The process was ended by a signal: a level takes stack that Python's own limit does not count."""
    levels = 0

    def nest() -> None:
        nonlocal levels
        levels += 1
        inner = hl.Sandbox(guest, timeout=60)
        inner.register("HostNoOp", nest, params=[], returns=None)
        inner.call("RoundTripHostNoOp")

    ended: list[BaseException] = []

    def run() -> None:
        try:
            nest()
        except RecursionError as error:
            ended.append(error)

    before = threading.stack_size(512 << 10)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert "stack" in str(ended[0])
    assert levels > 8


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_strikes_in_the_text_of_an_exception_is_heard(make: MakeSandbox, kind: type[BaseException]) -> None:
    class Slow(Exception):
        def __str__(self) -> str:
            raise kind("now")

    def fail() -> None:
        raise Slow

    sandbox = make()
    sandbox.register("Fail", fail, params=[], returns=None)
    with pytest.raises(kind, match="now"):
        sandbox.call("CallHostExpectError", "Fail")


def test_print_to_a_stdout_that_has_not_all_characters(run_python: RunPython) -> None:
    """What a guest prints is no reason for a call to fail: it is shown as on standard error."""
    program = """
import sys, libhyperlight as hl
sys.stdout.reconfigure(encoding=sys.argv[1], newline="")
with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
    sandbox.call("PrintOutput", "a\u20acb")
"""
    for encoding, shown in [("ascii", "a\\u20acb"), ("latin-1", "a\\u20acb"), ("utf-8", "a€b")]:
        ended = run_python(program, encoding)
        assert (ended.stdout, ended.stderr) == (shown, "")


def test_print(make: MakeSandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert make().call("PrintOutput", "é\n") == 3
    assert capsys.readouterr().out == "é\n"

    texts: list[str] = []
    assert make(print=texts.append).call("PrintOutput", "é") == 2
    assert make(print=io.StringIO().write).call("PrintOutput", "é") == 2
    assert texts == ["é"]

    silent = make()
    assert silent.unregister("HostPrint") is True
    assert silent.unregister("HostPrint") is False
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


def with_default(name: str, root: str = "/srv/public") -> str:
    return f"{root}/{name}"


def test_a_default_is_the_hosts(make: MakeSandbox) -> None:
    """A parameter with a default is no part of the signature, unless the registration says so (case 23)."""
    sandbox = make()
    sandbox.register("HostEchoString", with_default)
    assert sandbox.call("RoundTripHostString", "a") == "/srv/public/a"

    sandbox = make()
    sandbox.register("HostEchoString", with_default, open_arity=True)
    with pytest.raises(hl.SignatureError):
        sandbox.call("RoundTripHostString", "a")

    sandbox = make()

    @sandbox.host_function(name="HostAdd", open_arity=True)
    def add(a: hl.i32, b: hl.i32 = 5) -> hl.i32:
        return a + b

    assert sandbox.call("Add", 1, 2) == 3
    # What is said outright needs no option.
    sandbox = make()
    sandbox.register("HostAdd", lambda a, b=5: a + b, params=[hl.i32, hl.i32], returns=hl.i32)
    assert sandbox.call("Add", 1, 2) == 3

    with make() as sandbox:
        snapshot = sandbox.snapshot()
    closed = {"HostEchoString": with_default}
    with hl.SandboxPool(snapshot, size=1, host_functions=closed) as pool:
        assert pool.call("RoundTripHostString", "a") == "/srv/public/a"
    opened = {"HostEchoString": hl.HostFunction(with_default, open_arity=True)}
    with hl.SandboxPool(snapshot, size=1, host_functions=opened) as pool, pytest.raises(hl.SignatureError):
        pool.call("RoundTripHostString", "a")
    with pytest.raises(TypeError, match="params="):
        hl.SandboxPool(snapshot, host_functions={"X": hl.HostFunction(max, arity=2)})


def test_a_compiled_guest_that_gives_too_much_is_told_what_would_let_it(make: MakeSandbox) -> None:
    """The engine refuses by the signature; whether there is more to the function, only the registration knows."""

    def add(a: hl.i32, b: hl.i32 = 5) -> hl.i32:
        return a + b

    def one(a: hl.i32) -> hl.i32:
        return a

    refusal = r"`HostAdd` is \(i32\) -> i32, but was called with \(i32, i32\)"
    opens = "; guests may give parameters that have defaults only if it is registered with open_arity=True"
    listed = "; guests give the arguments that params= lists at its registration"
    for function, said, advice in [
        (add, {}, opens),
        (add, {"params": [hl.i32]}, listed),
        (add, {"params": [hl.i32], "open_arity": True}, listed),
        (one, {}, ""),
        (lambda a: a, {"params": [hl.i32], "returns": hl.i32}, ""),
    ]:
        sandbox = make()
        sandbox.register("HostAdd", function, **said)
        with pytest.raises(hl.SignatureError, match=refusal + re.escape(advice) + "$"):
            sandbox.call("Add", 1, 2)
    # What no option would let it give is refused as it is.
    sandbox = make()
    sandbox.register("HostAdd", lambda a=1: a, params=[], returns=hl.i32)
    with pytest.raises(hl.SignatureError) as caught:
        sandbox.call("Add", 1, 2)
    assert "registration" not in str(caught.value) and "open_arity" not in str(caught.value)

    # So do those who start a guest again that says what it calls.
    guest = make()
    guest.register("HostAdd", add, open_arity=True)
    snapshot = guest.snapshot()
    with (
        hl.SandboxPool(snapshot, size=1, host_functions={"HostAdd": add}) as pool,
        pytest.raises(hl.HyperlightError, match="open_arity=True"),
    ):
        pool.call("Add", 1, 2)


class Files:
    def read(self, name, root="/srv/public"):  # type: ignore[no-untyped-def]
        return f"{root}/{name}"

    def __call__(self, name, root="/srv/public"):  # type: ignore[no-untyped-def]
        return f"{root}/{name}"

    @classmethod
    def of_class(cls, name, root="/srv/public"):  # type: ignore[no-untyped-def]
        return f"{root}/{name}"

    @staticmethod
    def static(name, root="/srv/public"):  # type: ignore[no-untyped-def]
        return f"{root}/{name}"


class Made(str):
    def __new__(cls, name, root="/srv/public"):  # type: ignore[no-untyped-def]
        return f"{root}/{name}"


def read(name, root="/srv/public"):  # type: ignore[no-untyped-def]
    return f"{root}/{name}"


@functools.wraps(read)
def around(*args, **options):  # type: ignore[no-untyped-def]
    return read(*args, **options)


@functools.wraps(lambda *args: None)
def inside(name, root="/srv/public"):  # type: ignore[no-untyped-def]
    return f"{root}/{name}"


@functools.wraps(inside)
def twice_around(*args):  # type: ignore[no-untyped-def]
    return inside(*args)


def with_rest(name, root="/srv/public", *rest):  # type: ignore[no-untyped-def]
    return f"{root}/{name}"


def half_annotated(name: str, root="/srv/public"):  # type: ignore[no-untyped-def]
    return f"{root}/{name}"


def annotated_in_full(name: str, root: str = "/srv/public", *, more: int = 1) -> str:
    return f"{root}/{name}"


def of_integers(name: str, root: str = "/srv/public", size: int = 5) -> str:
    return f"{root}/{name}"


def needs_both(name: str, root: str) -> str:
    return f"{root}/{name}"


@functools.wraps(needs_both)
def gives_a_default(name, root="/srv/public"):  # type: ignore[no-untyped-def]
    return needs_both(name, root)


@functools.wraps(gives_a_default)
def around_that(*args):  # type: ignore[no-untyped-def]
    return gives_a_default(*args)


@pytest.mark.parametrize("function", [gives_a_default, around_that, functools.partial(gives_a_default)], ids=repr)
def test_a_default_of_a_decorators_is_the_hosts(make: MakeSandbox, function: Any) -> None:
    """However complete the annotations of what it is around are: those of `needs_both` are all that can be read."""
    sandbox = make()
    with pytest.raises(TypeError, match=r"its layers take different numbers of arguments: annotate .* params="):
        sandbox.register("HostEchoString", function)
    with hl.JavaScript("", host_functions={"f": hl.HostFunction(function, arity=1)}, timeout=20) as js:
        assert js.eval("host.f('a')") == "/srv/public/a"
        with pytest.raises(hl.SignatureError):
            js.eval("host.f('passwd', '/etc')")


OPEN_TO_THE_HOST = [
    read,
    Files().read,
    Files(),
    Files.of_class,
    Files.static,
    Made,
    functools.partial(read),
    functools.partial(functools.partial(lambda x, name, root="/srv/public": f"{root}/{name}", 1)),
    functools.lru_cache(read),
    around,
    inside,
    twice_around,
    with_rest,
    half_annotated,
    annotated_in_full,
    of_integers,
    lambda name, root="/srv/public": f"{root}/{name}",
]


@pytest.mark.parametrize(
    "function", OPEN_TO_THE_HOST, ids=lambda function: getattr(function, "__name__", repr(function))
)
def test_scripts_do_not_give_what_has_a_default(function: Any) -> None:
    """Whatever is called, a second argument is the host's to give; the refusal says what lets a script (case 23)."""
    text = "const f = (...args) => host.f(...args)"
    with hl.JavaScript(text, host_functions={"f": function}, timeout=20) as js:
        assert js.call("f", "a") == "/srv/public/a"
        for args in (("passwd", "/etc"), ("a", "b", "c"), ("a", None), ()):
            with pytest.raises(hl.SignatureError) as caught:
                js.call("f", *args)
            could_be = len(args) == 2 or (len(args) == 3 and function in (with_rest, of_integers))
            assert ("open_arity=True" in str(caught.value)) == could_be
            assert js.state == "ready"
        with js.pool(size=1) as pool, pytest.raises(hl.SignatureError, match="open_arity=True"):
            pool.call("f", "passwd", "/etc")
    # Every way to say that they are the script's.
    entry = hl.HostFunction(function, open_arity=True)
    js = hl.JavaScript(text, timeout=20)
    js.register("f", function, open_arity=True)
    for opened in (js, hl.JavaScript(text, host_functions={"f": entry}, timeout=20)):
        with opened, opened.pool(size=1) as pool:
            if function is of_integers:
                assert opened.call("f", "passwd", "/etc", 1) == pool.call("f", "passwd", "/etc", 1) == "/etc/passwd"
            else:
                assert opened.call("f", "passwd", "/etc") == pool.call("f", "passwd", "/etc") == "/etc/passwd"


def test_what_scripts_give_openly() -> None:
    js = hl.JavaScript("const sum = (...a) => host.sum(...a), two = (...a) => host.two(...a)", timeout=20)

    @js.host_function
    def sum(first, *numbers):  # type: ignore[no-untyped-def]
        return first + len(numbers)

    @js.host_function(arity=(1, 2))
    def two(a, b=1, c=2):  # type: ignore[no-untyped-def]
        return [a, b, c]

    with js:
        assert [js.call("sum", 1), js.call("sum", 1, 2, 3)] == [1, 3]
        assert [js.call("two", 0), js.call("two", 0, 5)] == [[0, 1, 2], [0, 5, 2]]
        for name, args in (("sum", ()), ("two", ()), ("two", (1, 2, 3))):
            with pytest.raises(hl.SignatureError):
                js.call(name, *args)


def test_callables_that_do_not_say_what_they_take() -> None:
    js = hl.JavaScript("const f = (...args) => host.f(...args)", timeout=20)
    with pytest.raises(TypeError, match="the signature of `f` cannot be read: say arity="):
        js.register("f", max)
    with pytest.raises(TypeError, match="arity="):
        hl.JavaScript("", host_functions={"f": max})
    js.register("f", max, arity=(2, None))
    with js:
        assert [js.call("f", 1, 2), js.call("f", 3, 2, 1)] == [2, 3]
        with pytest.raises(hl.SignatureError, match="2 arguments or more"):
            js.call("f", [1])
    with pytest.raises(TypeError, match="keyword argument `root`"):
        hl.JavaScript("", host_functions={"g": lambda name, *, root: name})

    @functools.wraps(lambda name, connection: name)
    def injects(name):  # type: ignore[no-untyped-def]
        return name

    with pytest.raises(TypeError, match="layers"):
        hl.JavaScript("", host_functions={"f": injects})
    with hl.JavaScript("const f = a => host.f(a)", host_functions={"f": hl.HostFunction(injects, arity=1)}) as js:
        assert js.call("f", 1) == 1
    for arity, error in (
        (True, TypeError),
        ("1", TypeError),
        ((1,), TypeError),
        (-1, ValueError),
        ((3, 2), ValueError),
    ):
        with pytest.raises(error, match="arity"):
            hl.HostFunction(max, arity=arity)  # type: ignore[arg-type]
    with pytest.raises(hl.SignatureError):
        hl.JavaScript("", host_functions={"f": hl.HostFunction(with_default, arity=2)})


# (import "env" "read" (func (param i32 i32) (result i32))) and an export that passes 1 and 2
PASSES_TWO = bytes.fromhex(
    "0061736d01000000010b0260027f7f017f6000017f020c0103656e7604726561640000030201010705010172000"
    "10a0a0108004101410210000b"
)


def test_programs_do_not_choose_what_has_a_default() -> None:
    """A program that declares one more parameter than it may give is told so before it runs."""

    def read(name, root=7):  # type: ignore[no-untyped-def]
        return root

    for entry in (read, functools.partial(read), hl.HostFunction(read), max):
        with pytest.raises(TypeError, match="arity="):
            hl.Wasm(PASSES_TWO, host_functions={"env.read": entry})
    for entry in (
        hl.HostFunction(read, open_arity=True),
        hl.HostFunction(read, arity=2),
        hl.HostFunction(max, arity=2),
        (read, hl.Signature([hl.i32, hl.i32], hl.i32)),
        lambda name, root: root,
        lambda *args: args[1],
    ):
        with hl.Wasm(PASSES_TWO, host_functions={"env.read": entry}, timeout=20) as wasm:
            assert wasm.call("r") == 2


def test_host_functions_of_the_wrong_kind(guest: hl.Guest) -> None:
    """What is no mapping is refused by name, everywhere alike; None is as not given."""
    with hl.Sandbox(guest) as sandbox, hl.JavaScript("") as js:
        snapshots = sandbox.snapshot(), js.snapshot()
    for wrong in ([print], "print", print):
        for make in (
            lambda functions: hl.SandboxPool(snapshots[0], host_functions=functions),
            lambda functions: hl.JavaScript("", host_functions=functions),
            lambda functions: hl.JavaScriptPool(snapshots[1], host_functions=functions),
            lambda functions: hl.Wasm(PASSES_TWO, host_functions=functions),
        ):
            with pytest.raises(TypeError, match="host_functions is a mapping"):
                make(wrong)
    with pytest.raises(TypeError, match="modules is a mapping"):
        hl.JavaScript("", modules=["a"])  # type: ignore[arg-type]
    with hl.JavaScript("", modules=None, host_functions=None) as js, js.pool(size=1) as pool:
        assert pool.eval("1") == 1
