"""What users of comparable packages have met, tried here: each test names the report that it is after."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import copy
import enum
import gc
import multiprocessing
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import libhyperlight as hl
import pytest
from wasmtime import wat2wasm

from conftest import MakeSandbox, MakeScript, RunPython


class Stop(BaseException):
    """A program's own."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, Stop])
def test_what_is_no_exception_leaves_every_guest(kind: type[BaseException]) -> None:
    """bytecodealliance/wasmtime-py #336, aallan/vera #595, kevinmcaleer/Snakie #508: the process aborts, or ends."""
    error = kind("now")

    def fail() -> None:
        raise error

    program = bytes(wat2wasm('(module (import "env" "f" (func $f)) (func (export "run") call $f))'))
    source = "function run() { try { host.f() } catch { return 'caught' } finally { for (;;); } }"
    for guest in (
        hl.Wasm(program, host_functions={"env.f": fail}, timeout=20),
        hl.JavaScript(source, host_functions={"f": fail}, timeout=20),
    ):
        with guest:
            snapshot = guest.snapshot()
            for _ in range(2):
                with pytest.raises(kind) as caught:
                    guest.call("run")
                assert caught.value is error
                guest.restore(snapshot)


def test_failures_of_host_functions_are_let_go(script: MakeScript) -> None:
    """bytecodealliance/wasmtime #2802, mmomtchev/pymport #283: what a host function raised is never freed."""

    class Big:
        pass

    held: list[weakref.ref[Big]] = []

    def fail() -> None:
        big = Big()
        held.append(weakref.ref(big))
        raise ValueError("no", big)

    js = script(
        "function caught() { for (let i = 0; i < 100; i++) try { host.fail() } catch {} }",
        host_functions={"fail": fail},
    )
    js.call("caught")
    with pytest.raises(ValueError, match="no"):
        js.eval("host.fail()")
    # What was let go without the interpreter at hand goes when it is next entered.
    js.eval("1")
    gc.collect()
    assert [ref for ref in held if ref() is not None] == []
    assert len(held) == 101


class Refused(Exception):
    """An error that refers to as much memory as it likes, of which the engine knows nothing."""

    def __init__(self) -> None:
        super().__init__("no")
        self.load = bytearray(1 << 20)


@pytest.mark.parametrize(("length", "bound"), [(1, 64), (200 << 10, 5)], ids=["many", "long"])
def test_failures_of_one_call_are_kept_within_bounds(script: MakeScript, length: int, bound: int) -> None:
    """A guest that catches what the host raises makes it hold 64 errors at most, and at most 1 MiB of arguments."""
    held: list[weakref.ref[BaseException]] = []
    most = 0

    def refused() -> Refused:
        # Not in a frame of the traceback, which would refer to itself.
        error = Refused()
        held.append(weakref.ref(error))
        return error

    def fail(text: str) -> None:
        nonlocal most
        most = max(most, sum(ref() is not None for ref in held))
        raise refused()

    js = script(
        "function caught(n, length) { for (let i = 0; i < n; i++) try { host.fail('x'.repeat(length)) } catch {} }",
        host_functions={"fail": fail},
    )
    js.call("caught", 200, length)
    # Beside those that are kept, the one that was raised last, and the one that has just lost its place.
    assert bound // 2 <= most <= bound + 2
    assert len(held) == 200
    # The end of the call lets all of them go: when the interpreter is next entered, and without its garbage collector.
    js.eval("1")
    assert [ref for ref in held if ref() is not None] == []


def test_every_call_has_its_time_limit(script: MakeScript) -> None:
    """extism/extism #557: a timeout works at the first call only."""
    js = script(
        "function spin(ms) { const end = Date.now() + ms; while (Date.now() < end); return 'done' }", timeout=0.2
    )
    js.evolve(timeout=20)
    snapshot = js.snapshot()
    for _ in range(3):
        with pytest.raises(hl.GuestTimeout):
            js.call("spin", 10_000)
        js.restore(snapshot)
        assert js.call("spin", 0, timeout=20) == "done"


def test_an_exception_in_what_is_awaited(script: MakeScript) -> None:
    """PetterS/quickjs #66, #67: a callable that raises inside an async function: segmentation fault."""
    error = KeyError("lost")

    def fail() -> None:
        raise error

    js = script("async function a() { await null; await host.fail() }", host_functions={"fail": fail})
    for _ in range(3):
        with pytest.raises(KeyError) as caught:
            js.call("a")
        assert caught.value is error
    assert js.eval("1 + 1") == 2


def test_an_exception_through_two_guests(script: MakeScript) -> None:
    """PetterS/quickjs #67: an exception that passes from Python through a script, Python and another script."""
    error = LookupError("deep")

    def fail() -> None:
        raise error

    inner = script("function f() { host.fail() }", host_functions={"fail": fail})
    outer = script("function f() { host.inner() }", host_functions={"inner": lambda: inner.call("f")})
    with pytest.raises(LookupError) as caught:
        outer.call("f")
    assert caught.value is error
    assert (inner.state, outer.state) == ("ready", "ready")


def test_what_was_never_made(sandbox: hl.Sandbox) -> None:
    """PetterS/quickjs #117: a method of an object that nothing has initialised: segmentation fault."""
    kinds: list[Any] = [hl.Snapshot, hl.Guest, hl.Sandbox]
    for kind in kinds:
        with pytest.raises(TypeError):
            kind.__new__(kind)
        with pytest.raises(TypeError):
            object.__new__(kind)
    runtimes: list[Any] = [hl.JavaScript, hl.Wasm, hl.SandboxPool, hl.JavaScriptPool]
    for runtime in runtimes:
        bare = runtime.__new__(runtime)
        with pytest.raises(AttributeError):
            bare.call("f")
        with contextlib.suppress(AttributeError):
            repr(bare)


def test_a_bound_method_is_no_leak() -> None:
    """PetterS/quickjs #77: a callable of the object that has the sandbox keeps both for ever."""

    class Owner:
        def __init__(self) -> None:
            self.js = hl.JavaScript("", host_functions={"f": self.f}, timeout=20)
            self.js.evolve()

        def f(self) -> int:
            return 1

    owners = [weakref.ref(Owner()) for _ in range(5)]
    gc.collect()
    assert [owner() for owner in owners] == [None] * 5


def test_from_wherever_on_whichever_stack(script: MakeScript) -> None:
    """PetterS/quickjs #7: a context made at another depth of the stack, or by another thread: stack overflow."""
    js = script("function f(n) { return n === 0 ? 0 : 1 + f(n - 1) }")
    js.evolve()
    found: list[Any] = []

    def deep(levels: int) -> Any:
        return js.call("f", 500) if levels == 0 else deep(levels - 1)

    before = threading.stack_size(512 << 10)
    try:
        thread = threading.Thread(target=lambda: found.append(js.call("f", 500)))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    found.append(deep(300))
    assert found == [500, 500]


def test_the_program_ends(run_python: RunPython) -> None:
    """sqreen/PyMiniRacer #137, laverdet/isolated-vm #260: the process hangs at its end."""
    program = """
import sys, threading, libhyperlight as hl
idle = hl.JavaScript("1"); idle.evolve()
gone = hl.JavaScript("1"); gone.evolve(); del gone
busy = hl.JavaScript("function f() { for (;;); }"); busy.evolve()
threading.Thread(target=busy.call, args=("f",), daemon=True).start()
while busy.state != "running": pass
print("end")
sys.exit(3)
"""
    ended = run_python(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "end\n", "")


def test_a_nul_in_a_text(script: MakeScript, make: MakeSandbox) -> None:
    """bpcreech/PyMiniRacer #24: texts end at their first NUL."""
    text = "a\0b\0"
    printed: list[str] = []
    js = script(
        f"var own = {text!r}; function echo(x) {{ console.log(x); return host.echo(x) + own }}".replace("\\x00", "\\0"),
        host_functions={"echo": lambda x: x, "x\0y": lambda: 1},
        print=printed.append,
    )
    assert js.call("echo", text) == text + text
    assert js.call("echo", {text: text}.popitem()[0]) == text + text
    assert js.eval("host['x\\0y']()") == 1
    assert "".join(printed) == (text + "\n") * 2
    assert make().call("Echo", text) == text
    with pytest.raises(hl.FunctionNotFound):
        js.call("echo\0")


def test_a_time_limit_where_promises_never_end(script: MakeScript) -> None:
    """rubyjs/mini_racer #188: a timeout in an async function that awaits for ever: crash."""
    js = script("async function f() { while (true) await new Promise(resolve => resolve()) }")
    js.evolve()
    snapshot = js.snapshot()
    with pytest.raises(hl.GuestTimeout):
        js.call("f", timeout=0.2)
    js.restore(snapshot)
    assert js.eval("1 + 1") == 2


def test_a_host_function_handles_its_own_exceptions_after_the_time_is_up(script: MakeScript) -> None:
    """rubyjs/mini_racer #302: when the time is up, `rescue` inside an attached method is never reached."""
    steps: list[str] = []

    def slow() -> str:
        try:
            time.sleep(0.3)
            raise OSError("no network")
        except OSError:
            steps.append("handled")
        return "done"

    js = script("function f() { return host.slow() }", host_functions={"slow": slow})
    js.evolve()
    with pytest.raises(hl.GuestTimeout):
        js.call("f", timeout=0.05)
    assert steps == ["handled"]


def test_limits_interrupts_and_exceptions_beside_callables(script: MakeScript) -> None:
    """simonw/research #107 (on quickjs): no time limit with callables, no interrupt, an exception ruins the context."""

    def fail() -> None:
        raise ValueError("mine")

    js = script(
        "let n = 0; function spin() { host.f(); for (;;); }function next() { try { host.fail() } catch {} return ++n }",
        host_functions={"f": lambda: None, "fail": fail},
    )
    js.evolve()
    snapshot = js.snapshot()
    with pytest.raises(hl.GuestTimeout):
        js.call("spin", timeout=0.1)
    js.restore(snapshot)

    def stop() -> None:
        while not js.interrupt():
            pass

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(hl.Interrupted):
        js.call("spin")
    thread.join()
    js.restore(snapshot)
    assert [js.call("next") for _ in range(100)] == list(range(1, 101))


def test_half_a_surrogate_pair_anywhere(script: MakeScript, make: MakeSandbox) -> None:
    """nucleic/kiwi #225: crash. pydantic/pydantic-core #1363: what json.loads can read cannot be read."""
    half = "x\ud800"
    js = script("function echo(x) { return x }")
    assert js.call("echo", half) == half
    assert js.call("echo", {half: [half]}) == {half: [half]}
    assert js.eval(r"'\udce2\udc80\udc99'") == "\udce2\udc80\udc99"
    assert js.call("echo", "\ud83d") + js.call("echo", "\ude00") == "\ud83d\ude00"
    sandbox = make()
    for use in (
        lambda: sandbox.call("Echo", half),
        lambda: sandbox.call(half),
        lambda: sandbox.register(half, lambda: None, params=[], returns=None),
        lambda: js.call(half),
        lambda: js.eval(f"'{half}'"),
        lambda: js.load("1", name=half),
        lambda: hl.JavaScript(half).evolve(),
        lambda: hl.JavaScript("", modules={half: ""}).evolve(),
        lambda: hl.JavaScript("", host_functions={half: lambda: 1}).evolve(),
        lambda: hl.Guest(half),
        lambda: hl.Guest.builtin(half),
        lambda: hl.Wasm(wat2wasm("(module)"), wasi=hl.Wasi(args=[half])),
        lambda: hl.Wasm(wat2wasm("(module)"), wasi=hl.Wasi(files={half: b""})),
    ):
        with pytest.raises((UnicodeEncodeError, hl.HyperlightError)):
            use()
    assert (js.state, sandbox.call("Echo", "y")) == ("ready", "y")


def test_what_a_host_function_says_may_be_no_text(script: MakeScript) -> None:
    """nucleic/kiwi #225, in the text of an exception and in what is printed."""
    error = ValueError("x\ud800")

    def fail() -> None:
        raise error

    js = script("function f() { try { host.fail() } catch (e) { return e.message } }", host_functions={"fail": fail})
    assert js.call("f").startswith("ValueError: x")
    with pytest.raises(ValueError, match="x") as caught:
        js.eval("host.fail()")
    assert caught.value is error


class Colour(enum.IntEnum):
    RED = 7


class Word(str, enum.Enum):
    HI = "hi"


class Text(str):
    def __str__(self) -> str:
        return "something else"

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class Scalar:
    """What numpy.int64 is: no int, but a number."""

    def __index__(self) -> int:
        return 5

    __int__ = __index__

    def __float__(self) -> float:
        return 5.0


class Array:
    """What numpy.ndarray is: a sequence, and a buffer through its memoryview."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, at: int) -> int:
        return [1, 2][at]

    def __array__(self) -> None:
        return None


def test_subclasses_of_builtins(script: MakeScript, sandbox: hl.Sandbox) -> None:
    """ijl/orjson #61: enums and subclasses of builtins; they are what they are made of, whatever they say."""
    js = script("function echo(x) { return x }")
    named = collections.namedtuple("named", "a b")
    for value, back in [
        (Colour.RED, 7),
        (Word.HI, "hi"),
        (Text("own"), "own"),
        (named(1, 2), [1, 2]),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.defaultdict(list, a=[1]), {"a": [1]}),
        ({Text("k"): True}, {"k": True}),
        (float("-0.0"), -0.0),
    ]:
        found = js.call("echo", value)
        assert (repr(found), type(found)) == (repr(back), type(back))
    assert sandbox.call("EchoI32", Colour.RED) == 7
    assert sandbox.call("Echo", Text("own")) == "own"
    for number in (Scalar(), Array(), 5.0, True, "5"):
        with pytest.raises(TypeError):
            sandbox.call("EchoI32", number)
    for other in (Scalar(), Array(), {1}, 1j, {1: 2}, object(), range(3), iter([1])):
        with pytest.raises(TypeError, match=r"^an argument of `echo` is no JSON value"):
            js.call("echo", other)
    assert sandbox.call("EchoI32", 1) == 1


def unprintable(what: str, again: Callable[[], object]) -> Exception:
    class Odd(Exception):
        def __str__(self) -> str:
            if what == "raises":
                raise RuntimeError("no text")
            if what == "no text":
                return 5  # type: ignore[return-value]
            if what == "huge":
                return "x" * (16 << 20)
            if what == "lines":
                return "a\nb\x1b[31m\0"
            # Other threads may run meanwhile, and the sandbox is in use.
            time.sleep(0.01)
            with pytest.raises(hl.SandboxBusy):
                again()
            return "busy"

        __repr__ = __str__

    return Odd()


@pytest.mark.parametrize("what", ["raises", "no text", "huge", "lines", "uses the sandbox"])
def test_the_text_of_an_exception_is_a_programs_own_code(script: MakeScript, what: str) -> None:
    """PyO3/pyo3 #4764: a deadlock while an exception is printed."""

    def fail() -> None:
        raise error

    js = script(
        "function told() { try { host.fail() } catch (e) { return e.message.length } }"
        "function passed() { host.fail() }",
        host_functions={"fail": fail},
    )
    error = unprintable(what, lambda: js.call("told"))
    assert 0 < js.call("told") < 1 << 20
    with pytest.raises(type(error)) as caught:
        js.call("passed")
    assert caught.value is error
    assert js.state == "ready"


def test_exceptions_are_dropped_on_any_thread(make: MakeSandbox) -> None:
    """PyO3/pyo3 #4498: an exception that another thread drops: deadlock."""
    source = make()
    source.evolve()
    with hl.SandboxPool(source.snapshot(), size=2) as pool:
        futures = [pool.submit("ReturnError", 1, "no") for _ in range(50)]
        del futures[::2]
        concurrent.futures.wait(futures)
        assert {type(future.exception()) for future in futures} == {hl.GuestError}


def test_a_handler_of_a_signal_that_raises(script: MakeScript) -> None:
    """Eventual-Inc/Daft #755, rerun-io/rerun #11746: time limits by SIGALRM, as Celery has them, are not heard."""

    class SoftTimeLimit(Exception):
        pass

    def ring(number: int, frame: object) -> None:
        raise SoftTimeLimit

    js = script("function f() { try { for (;;); } catch { return 'caught' } }")
    js.evolve()
    snapshot = js.snapshot()
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for _ in range(2):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(SoftTimeLimit):
                js.call("f")
            assert js.state == "poisoned"
            js.restore(snapshot)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert js.eval("1") == 1


@pytest.mark.parametrize(
    "source",
    [
        "Array(1e9).fill(0)",
        "Array.from(new Uint8Array(100 << 20))",
        "Promise.resolve().then(() => { const all = []; for (;;) all.push(new Uint8Array(1 << 20)) })",
        "'x'.repeat(1 << 28).split('')",
    ],
)
def test_more_memory_than_there_is(script: MakeScript, source: str) -> None:
    """laverdet/isolated-vm #107, #137, #527, #113: the process dies, or memory is called something else."""
    js = script("", heap_size=32 << 20)
    js.evolve()
    snapshot = js.snapshot()
    with pytest.raises((hl.GuestOutOfMemory, hl.GuestError), match=r"(?i)memory|heap size|length"):
        js.eval(source)
    js.restore(snapshot)
    assert js.eval("1 + 1") == 2


def test_a_large_module_in_little_memory() -> None:
    """bellard/quickjs #406, #530, justjake/quickjs-emscripten #30: assertions, null, no new machine."""
    source = "export const all = {" + ",".join(f"k{at}: () => {at}" for at in range(20_000)) + "};"
    for size in range(1 << 20, 8 << 20, 2 << 20):
        js = hl.JavaScript("import 'big'", modules={"big": source}, heap_size=size, timeout=20)
        try:
            js.evolve()
        except (hl.GuestOutOfMemory, hl.GuestError) as error:
            assert re.search("heap[_ ]size", str(error))
        else:
            js.close()
    with hl.JavaScript("import 'big'", modules={"big": source}, heap_size=64 << 20, timeout=20) as js:
        assert js.eval("1 + 1") == 2


def test_one_machine_after_another_that_spins() -> None:
    """laverdet/isolated-vm #94: a new isolate, a timeout, dispose, thousands of times: crash."""
    for _ in range(20):
        js = hl.JavaScript("function f() { for (;;); }")
        js.evolve()
        with pytest.raises(hl.GuestTimeout):
            js.call("f", timeout=0.005)
        js.close()


def test_a_task_that_is_cancelled(script: MakeScript) -> None:
    """simonw/research #107, bpcreech/PyMiniRacer #92: what a cancelled task leaves running holds up nothing."""
    js = script("function f() { for (;;); }")
    js.evolve()
    snapshot = js.snapshot()

    async def main() -> None:
        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(js.call, "f"), 0.05)
            # The thread goes on until it is told.
            assert js.state == "running"
            while not js.interrupt():
                await asyncio.sleep(0)
            while js.state == "running":
                await asyncio.sleep(0.001)
            js.restore(snapshot)

    asyncio.run(main())
    assert js.eval("1") == 1


def raise_in_a_process(source: str) -> None:
    with hl.JavaScript("", timeout=20) as js:
        js.eval(source)


def test_errors_cross_processes() -> None:
    """python/cpython #79492, #103061: an exception that cannot be unpickled hangs the pool of processes."""
    source = "const e = new TypeError('no', { cause: new Error('why') }); e.code = 'E_NO'; throw e"
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        future = pool.submit(raise_in_a_process, source)
    with pytest.raises(hl.GuestError, match="TypeError: no") as caught:
        future.result(60)
    error = caught.value
    assert (error.name, error.text, error.thrown_code, error.cause.text) == ("TypeError", "no", "E_NO", "why")
    for made in (hl.HyperlightIOError(2, "no"), hl.GuestTimeout("late"), hl.PoolTimeout("late"), hl.GuestFault("at")):
        for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
            assert (type(again), str(again), again.code) == (type(made), str(made), made.code)


def test_generators_and_other_makers_of_results(script: MakeScript, recwarn: pytest.WarningsRecorder) -> None:
    """PetterS/quickjs #66 for what only looks like a function: nobody runs a generator, and a result is a value."""

    def generate() -> Iterator[int]:
        yield 1

    async def later() -> int:
        return 1

    itself: list[Any] = []
    itself.append(itself)
    functions = {
        "generate": generate,
        "later": lambda: later(),
        "iterate": lambda: iter([1]),
        "itself": lambda: itself,
        "deep": lambda: [[[]]] * 3,
        "big": lambda: 2**70_000,
        "odd": lambda: float,
    }
    js = script("", host_functions=functions)
    assert js.eval("host.deep()") == [[[]]] * 3
    for name in functions.keys() - {"deep"}:
        with pytest.raises(
            (TypeError, ValueError, hl.PayloadTooLarge), match=f"the result of the host function `{name}`|`later`"
        ):
            js.eval(f"host.{name}()")
    gc.collect()
    assert [str(warning.message) for warning in recwarn.list] == []
    with pytest.raises(TypeError, match="async def"):
        hl.JavaScript("", host_functions={"later": later})


def test_names_of_any_length(script: MakeScript, sandbox: hl.Sandbox) -> None:
    """bpcreech/PyMiniRacer #24 for length: a long name is another name, not the one that it begins with."""
    name = "n" * (1 << 20)
    js = script("function n() { return 'short' }", host_functions={"n" * 1000: lambda: 1}, modules={name: ""})
    assert js.eval(f"host.{'n' * 1000}()") == 1
    for use in (lambda: sandbox.call(name), lambda: js.call(name), lambda: hl.Guest.builtin(name)):
        with pytest.raises((hl.FunctionNotFound, hl.InvalidArgument)):
            use()
    with pytest.raises(hl.InvalidArgument, match="1 to 1024 bytes"):
        hl.JavaScript("", host_functions={name: lambda: 1})
    assert (js.state, sandbox.call("Echo", "y")) == ("ready", "y")


def test_the_package_is_imported_once_more(run_python: RunPython) -> None:
    """pyca/cryptography #12080, PyO3/pyo3 #2523: PyO3 modules may only be initialized once per interpreter process."""
    program = """
import importlib, sys, libhyperlight as first
sandbox = first.Sandbox(first.Guest.builtin("demo"))
for name in [name for name in sys.modules if name.startswith("libhyperlight")]:
    del sys.modules[name]
import libhyperlight as hl
assert hl is not first
for one in (sandbox, hl.Sandbox(hl.Guest.builtin("demo"))):
    assert one.call("Echo", "hi") == "hi"
    try:
        one.call("ReturnError", 1, "no")
    except (hl.GuestError, first.GuestError) as error:
        print(type(error).__name__, error)
importlib.reload(hl)
"""
    ended = run_python(program)
    assert (ended.stdout, ended.stderr) == ("GuestError no\n" * 2, "")


@pytest.mark.parametrize("options", ["-O -OO", "-X dev -W error", "-X faulthandler -b -bb", "-I -B"])
def test_interpreters_of_all_sorts(options: str) -> None:
    """PyO3/pyo3 #4498 and its kin: without assertions, and with all that warns or looks closer, it is the same."""
    program = """
import threading, libhyperlight as hl
def fail():
    raise ValueError("mine")
host = {"add": lambda a, b: a + b, "fail": fail}
with hl.JavaScript("function f() { return host.add(1, 2) }", host_functions=host) as js:
    print(js.call("f"))
    for use in (lambda: js.eval("host.fail()"), lambda: js.eval("throw 1"), lambda: js.call("f", timeout=0)):
        try:
            use()
        except Exception as error:
            print(type(error).__name__)
    thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
"""
    ended = subprocess.run(
        [sys.executable, *options.split(), "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("3\nValueError\nGuestError\nGuestTimeout\n", "")
