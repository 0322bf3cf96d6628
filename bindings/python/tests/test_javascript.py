"""Scripts in sandboxes: values both ways, host functions, errors, limits, pools."""

from __future__ import annotations

import asyncio
import copy
import pickle
import signal
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import libhyperlight as hl
import pytest
from libhyperlight._details import fill

from conftest import MakeScript, RunPython


def test_eval(script: MakeScript) -> None:
    js = script()
    assert js.eval("1+1") == 2
    assert js.eval("var x = 20; x * 2 + 2") == 42
    assert js.eval("x") == 20
    assert js.eval("undefined") is None
    assert js.eval("'text'.toUpperCase()") == "TEXT"
    assert js.eval("[1, {a: null}]") == [1, {"a": None}]


def test_call(script: MakeScript) -> None:
    js = script("function handler(request) { return {doubled: request.a * 2} }")
    assert js.call("handler", {"a": 1}) == {"doubled": 2}
    assert js.call("handler", {"a": 1.5}, timeout=5) == {"doubled": 3}
    assert js.call("Math.max", 1, 5, 3) == 5
    assert js.state == "ready"


def test_it_is_a_sandbox(script: MakeScript) -> None:
    js = script("var n = 0; function next() { return ++n }")
    assert (js.state, repr(js)) == ("uninitialized", "<JavaScript uninitialized>")
    with pytest.raises(hl.SandboxStateError):
        js.snapshot()
    with js as same:
        assert same is js
        assert js.call("next") == 1
        snapshot = js.snapshot()
        assert js.call("next") == 2
        js.restore(snapshot)
        assert js.call("next") == 2
        assert js.interrupt() is False
    assert js.state == "closed"
    for use in (lambda: js.call("next"), lambda: js.eval("1"), js.snapshot, lambda: js.load("1"), js.pool):
        with pytest.raises(hl.SandboxClosed):
            use()
    with hl.JavaScript(snapshot) as clone:
        assert clone.call("next") == 2


def test_modules(script: MakeScript, tmp_path: Path) -> None:
    (tmp_path / "greet.js").write_text("export const greet = name => `Hello, ${name}`", encoding="utf-8")
    js = script(
        """
        import { greet } from 'greet'
        import { twice } from 'lib/twice.js'
        export function run(name) { return twice(greet(name)) }
        """,
        modules={"greet": tmp_path / "greet.js", "lib/twice.js": "export const twice = text => text + text"},
    )
    assert js.call("run", "you") == "Hello, youHello, you"
    with pytest.raises(TypeError, match="modules"):
        hl.JavaScript(js.snapshot(), modules={"a": ""})


def test_a_file(script: MakeScript, tmp_path: Path) -> None:
    path = tmp_path / "main.js"
    path.write_text("function who() { return 'a file' }\nfunction fail() { throw new Error('here') }", encoding="utf-8")
    js = script(path)
    assert js.call("who") == "a file"
    with pytest.raises(hl.GuestError, match=r"main\.js"):
        js.call("fail")
    with pytest.raises(FileNotFoundError):
        script(tmp_path / "nothing.js")
    with pytest.raises(TypeError):
        script(b"1")


def test_more_source(script: MakeScript) -> None:
    js = script("var a = 1")
    js.load("function get() { return a + 1 }", name="more.js")
    assert js.call("get") == 2


def test_promises(script: MakeScript) -> None:
    js = script("async function later(n) { await null; return n + 1 }")
    assert js.call("later", 1) == 2
    assert js.eval("Promise.resolve(5)") == 5
    with pytest.raises(hl.GuestError, match="TypeError: no"):
        js.eval("Promise.reject(new TypeError('no'))")


def test_what_a_script_throws_has_fields(script: MakeScript) -> None:
    """Case 24."""
    js = script(
        """
        class NoStock extends Error { get name() { return 'NoStock' } }
        function order() {
            const cause = Object.assign(new TypeError('no such item'), {code: 404})
            throw Object.assign(new NoStock('cannot order', {cause}), {code: 'E_STOCK'})
        }
        function all() { throw new AggregateError([new RangeError('a'), 'b', {c: 1n}], 'all failed', {cause: 7}) }
        function value() { throw {a: [1n, new Uint8Array(2)]} }
        function deep(n) { let e = new Error(0); for (let i = 1; i < n; i++) e = new Error(i, {cause: e}); throw e }
        function long() { throw new Error('x'.repeat(1 << 20)) }
        """
    )
    with pytest.raises(hl.GuestError, match="NoStock: cannot order") as caught:
        js.call("order")
    error = caught.value
    assert (error.name, error.text, error.thrown_code, error.code) == ("NoStock", "cannot order", "E_STOCK", -8)
    assert error.stack is not None and "order" in error.stack
    cause = error.__cause__
    assert isinstance(cause, hl.GuestError) and error.cause is cause
    assert (str(cause), cause.name, cause.thrown_code) == ("TypeError: no such item", "TypeError", 404)
    assert pickle.loads(pickle.dumps(error)).name == "NoStock"

    with pytest.raises(hl.GuestError) as caught:
        js.eval("throw new Error('a', {cause: new Error('\\x1b[2J\\n')})")
    assert (str(caught.value.__cause__), caught.value.cause.text) == ("Error: \\x1b[2J\\n", "\x1b[2J\n")

    with pytest.raises(hl.GuestError) as caught:
        js.call("all")
    first, *others = caught.value.errors
    assert (first.name, first.text, others) == ("RangeError", "a", ["b", {"c": 1}])
    assert (caught.value.cause, caught.value.__cause__) == (7, None)

    with pytest.raises(hl.GuestError) as caught:
        js.call("value")
    assert (caught.value.name, caught.value.value) == (None, {"a": [1, b"\0\0"]})

    with pytest.raises(hl.GuestError) as caught:
        js.call("deep", 100)
    levels, found = 0, caught.value
    while isinstance(found, hl.GuestError):
        levels, found = levels + 1, found.cause
    assert 8 <= levels <= 9
    with pytest.raises(hl.GuestError) as caught:
        js.call("long")
    assert caught.value.text is not None and set(caught.value.text) == {"x"}
    assert js.state == "ready"


def test_the_host_functions_own_exception_is_the_cause(script: MakeScript) -> None:
    """Case 31: the first exception comes back as the last does; an error of the script's own has no other's cause."""
    errors = [ValueError("first"), KeyError("second")]
    left = list(errors)

    def fail() -> None:
        raise left.pop(0)

    js = script(
        """
        let k
        function both() { try { host.g() } catch (e) { k = e }  try { host.g() } catch {} }
        function first() { both(); throw k }
        function because() { both(); throw new Error('because', {cause: k}) }
        function unrelated() { both(); throw new Error('unrelated') }
        """,
        host_functions={"g": fail},
    )
    with pytest.raises(ValueError, match="first") as host:
        js.call("first")
    assert host.value is errors[0]
    left[:] = errors
    with pytest.raises(hl.GuestError, match="because") as caught:
        js.call("because")
    assert caught.value.__cause__ is errors[0]
    assert isinstance(caught.value.cause, hl.GuestError)
    left[:] = errors
    with pytest.raises(hl.GuestError, match="unrelated") as caught:
        js.call("unrelated")
    assert (caught.value.__cause__, caught.value.cause) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "7",
        "null",
        "[]",
        '{"name": 1, "message": [], "stack": {}, "errors": 5}',
        "[" * 60_000,
        '{"cause":' * 7_000,
        '{"name": "x", "message": "y", "stack": "z", "errors": [' + "7," * 20_000 + "7]}",
        '{"name": "\\ud800", "cause": {"message": "x"}}',
    ],
)
def test_details_may_be_anything(text: str) -> None:
    error = hl.GuestError("x")
    fill(error, text)
    assert isinstance(error.name, (str, type(None))) and isinstance(error.stack, (str, type(None)))
    assert len(error.errors) <= 64 and not isinstance(error.cause, BaseException)


def test_printing(script: MakeScript, capsys: pytest.CaptureFixture[str]) -> None:
    texts: list[str] = []
    js = script("console.log('to', 'print')", print=texts.append)
    js.evolve()
    assert "".join(texts) == "to print\n"
    script("console.log('to stdout')").evolve()
    assert capsys.readouterr().out == "to stdout\n"


def test_host_functions_of_any_value(script: MakeScript) -> None:
    seen: list[Any] = []

    def lookup(key, options=None):  # type: ignore[no-untyped-def]
        seen.append((key, options))
        return {"key": key, "bytes": b"\x00\xff", "big": 2**60}

    js = script(
        """
        function run() {
            const found = host.lookup('k', {deep: [1, null]})
            return [found.key, found.bytes.length, typeof found.big]
        }
        """,
        host_functions={
            "lookup": hl.HostFunction(lookup, open_arity=True),
            "nothing": lambda: None,
            "total": lambda *numbers: sum(numbers),
        },
    )
    assert js.call("run") == ["k", 2, "bigint"]
    assert seen == [("k", {"deep": [1, None]})]
    assert js.eval("host.nothing()") is None
    assert js.eval("host.total(1, 2, 3.5)") == 6.5


def test_host_functions_with_kinds(script: MakeScript) -> None:
    js = script()

    @js.host_function
    def add(a: int, b: int) -> int:
        return a + b

    @js.host_function(name="half")
    def _(value: float) -> float:
        return value / 2

    @js.host_function
    def shout(text: str) -> str:
        return text.upper()

    js.register("flip", lambda data: data[::-1], params=[bytes], returns=bytes)
    js.register("u32", lambda value: value, params=[hl.u32], returns=hl.u32)
    js.register("big", lambda value: value + 1, params=[hl.i64], returns=hl.i64)
    assert js.eval("host.add(2, 3) + 1") == 6
    assert js.eval("host.add(2n ** 60n, 1)") == 2**60 + 1
    assert js.eval("host.half(1)") == 0.5
    assert js.eval("host.shout('quiet')") == "QUIET"
    assert js.eval("[...host.flip(new Uint8Array([1, 2, 3]))]") == [3, 2, 1]
    assert js.eval("host.u32(4294967295)") == 2**32 - 1
    assert js.eval("typeof host.big(1n)") == "bigint"
    for wrong in ("host.add('2', 3)", "host.add(1.5, 1)", "host.shout(1)", "host.u32(-1)", "host.half('x')"):
        with pytest.raises((hl.GuestError, TypeError)):
            js.eval(wrong)
    with pytest.raises(OverflowError):
        js.eval("host.add(2n ** 63n, 0)")
    with pytest.raises(TypeError, match="takes 2 arguments, but 1 were given"):
        js.eval("host.add(1)")
    assert js.eval("host.add(1, 1)") == 2


def test_a_host_function_that_does_not_exist(script: MakeScript) -> None:
    js = script()
    with pytest.raises(hl.GuestError, match="nobody"):
        js.eval("host.nobody(1)")
    assert js.eval("try { host.nobody() } catch (e) { e.name }") == "TypeError"


def test_one_takes_the_place_of_another(script: MakeScript) -> None:
    js = script()
    js.register("f", lambda: "json")
    js.register("f", lambda: "typed", params=[], returns=str)
    assert js.eval("host.f()") == "typed"
    other = script(host_functions={"f": (lambda: "typed", hl.Signature([], str))})
    other.register("f", lambda: "json")
    assert other.eval("host.f()") == "json"
    with pytest.raises(hl.SandboxStateError):
        other.register("g", lambda: None)


def test_exceptions_of_host_functions_come_back(script: MakeScript) -> None:
    error = KeyError("mine")

    def fail(*arguments):  # type: ignore[no-untyped-def]
        raise error

    def fail_typed(a: float) -> None:
        raise error

    js = script(
        "async function later() { await null; host.fail() }", host_functions={"fail": fail, "typed": fail_typed}
    )
    for source in ("host.fail({a: 1})", "host.typed(1)", "later()"):
        with pytest.raises(KeyError) as caught:
            js.eval(source)
        assert caught.value is error
        assert caught.traceback[-1].name.startswith("fail")
        assert js.state == "ready"
    assert "mine" in js.eval("try { host.fail() } catch (e) { e.message }")
    with pytest.raises(hl.GuestError, match="another"):
        js.eval("try { host.fail() } catch (e) { throw new Error('another') }")


def test_what_host_functions_may_not_be(script: MakeScript) -> None:
    async def coroutine() -> None: ...

    for refused in (coroutine, "text", None):
        with pytest.raises(TypeError):
            script(host_functions={"f": refused})

    def plain():  # type: ignore[no-untyped-def]
        return coroutine()

    js = script(host_functions={"f": plain, "g": lambda: object()})
    with pytest.raises(TypeError, match="coroutine"):
        js.eval("host.f()")
    with pytest.raises(TypeError, match="the result of the host function `g` is no JSON value"):
        js.eval("host.g()")


def test_a_keyboard_interrupt_of_a_host_function_is_not_caught(script: MakeScript) -> None:
    def stop():  # type: ignore[no-untyped-def]
        raise KeyboardInterrupt

    js = script(host_functions={"stop": stop})
    with pytest.raises(KeyboardInterrupt):
        js.eval("try { host.stop() } catch (e) { 'caught' }")


def test_errors_have_name_text_and_stack(script: MakeScript) -> None:
    js = script("function outer() { inner() }\nfunction inner() { throw new RangeError('too far') }")
    with pytest.raises(hl.GuestError) as caught:
        js.call("outer")
    text = str(caught.value)
    assert text.startswith("RangeError: too far")
    assert "inner" in text and "outer" in text and "main:2" in text
    assert js.state == "ready"
    with pytest.raises(hl.GuestError, match="SyntaxError"):
        js.eval("1 +")


def test_a_function_that_a_script_does_not_have_is_not_found_as_in_any_other_sandbox(script: MakeScript) -> None:
    js = script("const data = { n: 1 }")
    with js.pool(size=1) as pool:
        for name in ("nowhere", "data", "data.n", ""):
            for call in (js.call, pool.call):
                with pytest.raises(hl.FunctionNotFound, match=f"^the script has no function `{name}`, neither"):
                    call(name)
    assert js.state == "ready"


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("for (;;) host.one()", {"max_host_calls": 5}, "max_host_calls"),
        ("console.log('x'.repeat(100))", {"max_print_bytes": 10}, "max_print_bytes"),
        ("host.big()", {"input_size": 8192}, "^no room for the result of the host function `big`: .*input_size is"),
        ("'x'.repeat(20000)", {"output_size": 4096}, "raise the output size$"),
    ],
)
def test_what_the_engine_says_through_a_script(
    script: MakeScript, source: str, options: dict[str, int], words: str
) -> None:
    js = script(host_functions={"big": lambda: "x" * 20_000, "one": lambda: 1}, **options)
    with pytest.raises(hl.PayloadTooLarge, match=words) as caught:
        js.eval(source)
    assert "json:" not in str(caught.value)


def test_a_snapshots_host_functions_have_the_names_that_they_were_given(script: MakeScript) -> None:
    js = script(host_functions={"f": lambda value: value})
    js.evolve()
    with pytest.raises(hl.SnapshotMismatch, match=r": `f` \(any values\) is missing$"):
        hl.JavaScript(js.snapshot()).evolve()


def test_a_script_that_fails_to_load_closes_the_sandbox(script: MakeScript) -> None:
    js = script("throw new Error('at once')")
    with pytest.raises(hl.GuestError, match="at once"):
        js.call("anything")
    assert js.state == "closed"
    with pytest.raises(hl.SandboxClosed):
        js.call("anything")


def test_limits(script: MakeScript) -> None:
    js = script("function spin() { for (;;); } function grow() { const all = []; for (;;) all.push(new Array(1000)) }")
    js.evolve()
    snapshot = js.snapshot()
    with pytest.raises(hl.GuestTimeout):
        js.call("spin", timeout=0.05)
    assert js.state == "poisoned"
    with pytest.raises(hl.SandboxPoisoned):
        js.call("spin")
    js.restore(snapshot)
    with pytest.raises(hl.GuestTimeout):
        js.eval("for (;;);", cpu_time=0.05)
    js.restore(snapshot)
    with pytest.raises(hl.HyperlightError):
        js.call("grow")
    js.restore(snapshot)
    with pytest.raises(hl.HyperlightError):
        js.eval("(function f() { f() })()")
    js.restore(snapshot)
    with pytest.raises(hl.PayloadTooLarge, match="input_size"):
        js.eval("1" * (2 << 20))
    assert js.eval("1") == 1


def test_a_script_that_spins_when_it_is_loaded() -> None:
    js = hl.JavaScript("for (;;);", timeout=0.05)
    with pytest.raises(hl.GuestTimeout), js:
        pass
    assert js.state == "closed"


def test_sizes(script: MakeScript) -> None:
    small = "new Uint8Array(8 << 20).length"
    assert script(heap_size=32 << 20).eval(small) == 8 << 20
    with pytest.raises(hl.HyperlightError):
        script(heap_size=4 << 20).eval(small)
    with pytest.raises(ValueError, match="heap_size"):
        script(heap_size=1 << 60).evolve()


def test_interrupt(script: MakeScript) -> None:
    js = script()
    js.evolve()
    with ThreadPoolExecutor(1) as executor:
        call = executor.submit(js.eval, "for (;;);")
        while not js.interrupt():
            pass
        assert isinstance(call.exception(), hl.Interrupted)


def test_busy(script: MakeScript) -> None:
    js = script()
    seen: list[BaseException] = []

    def again():  # type: ignore[no-untyped-def]
        for use in (lambda: js.eval("1"), js.evolve):
            with pytest.raises(hl.SandboxBusy) as caught:
                use()
            seen.append(caught.value)

    js.register("again", again)
    js.eval("host.again()")
    assert len(seen) == 2
    # Also below the script's own start, which is no call yet.
    starting = script("host.again()", host_functions={"again": lambda: starting.call("x")})
    with pytest.raises(hl.SandboxBusy):
        starting.evolve()


def signal_soon(after: float) -> threading.Timer:
    timer = threading.Timer(after, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    return timer


def test_ctrl_c(script: MakeScript) -> None:
    js = script("function spin() { for (;;); }")
    js.evolve()
    snapshot = js.snapshot()
    timer = signal_soon(0.1)
    with pytest.raises(KeyboardInterrupt):
        js.call("spin")
    timer.join()
    js.restore(snapshot)
    assert js.eval("1") == 1


def test_ctrl_c_while_a_script_is_loaded() -> None:
    js = hl.JavaScript("for (;;);", timeout=20)
    timer = signal_soon(0.2)
    with pytest.raises(KeyboardInterrupt):
        js.evolve()
    timer.join()


def test_ctrl_c_while_a_guest_starts() -> None:
    # A script in the guest's image runs when the guest initialises itself.
    guest = hl.Guest.builtin("javascript").with_payload(b"for (;;);")
    sandbox = hl.Sandbox(guest, timeout=20)
    timer = signal_soon(0.2)
    with pytest.raises(KeyboardInterrupt):
        sandbox.evolve()
    timer.join()
    assert sandbox.state == "poisoned"


def test_a_pool_of_warmed_scripts(script: MakeScript) -> None:
    js = script("let n = 40; function next(by = 1) { return n += by } function spin() { for (;;); }")
    assert js.call("next") == 41
    with js.pool(size=2) as pool:
        assert isinstance(pool, Executor) and isinstance(pool, hl.JavaScriptPool)
        for _ in range(5):
            assert pool.call("next") == 42
        assert pool.eval("n += 100") == 141
        assert [future.result() for future in [pool.submit("next", 2) for _ in range(5)]] == [43] * 5
        assert list(pool.map("next", range(3))) == [41, 42, 43]
        with pytest.raises(hl.GuestTimeout):
            pool.call("spin", timeout=0.05)
        with pool.acquire() as member:
            assert isinstance(member, hl.JavaScript)
            assert [member.call("next"), member.call("next")] == [42, 43]
        assert member.state == "closed"
        assert pool.call("next") == 42
        assert pool.stats().in_use == 0
    with pytest.raises(hl.SandboxClosed):
        pool.call("next")
    with pytest.raises(hl.SandboxClosed):
        pool.eval("1")
    assert js.call("next") == 42


def test_pools_have_host_functions_limits_and_print(script: MakeScript) -> None:
    texts: list[str] = []
    js = script(
        "function run() { console.log('x'); return host.twice(21) }",
        host_functions={"twice": lambda n: 2 * n},
        print=texts.append,
        timeout=0.5,
    )
    with js.pool(size=1) as pool:
        assert pool.call("run") == 42
        with pytest.raises(hl.GuestTimeout):
            pool.eval("for (;;);")
        with pool.acquire() as member, member.pool(size=1) as inner:
            assert inner.call("run") == 42
    with hl.JavaScriptPool(js.snapshot()) as pool, pytest.raises(hl.SnapshotMismatch, match="twice"):
        pool.call("run")
    with hl.JavaScriptPool(js.snapshot(), host_functions={"twice": lambda n: 0}, print=texts.append) as pool:
        assert pool.call("run") == 0
    assert texts == ["x\n"] * 3


def test_snapshots_travel(script: MakeScript, tmp_path: Path) -> None:
    js = script("let n = 1; function next() { return ++n }")
    js.call("next")
    snapshot = pickle.loads(pickle.dumps(js.snapshot()))
    assert script(snapshot).call("next") == 3
    snapshot.save(tmp_path / "warm.hls")
    assert script(hl.Snapshot.load(tmp_path / "warm.hls")).call("next") == 3
    for refused in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="Snapshot"):
            refused(js)


def test_after_a_fork(run_python: RunPython) -> None:
    program = """
import os, signal, warnings, libhyperlight as hl
module = bytes.fromhex("0061736d01000000")
script, program = hl.JavaScript("var a = 1"), hl.Wasm(module)
script.evolve(); program.evolve()
snapshot, pool = script.snapshot(), script.pool(size=1)
pool.eval("a")
warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    signal.alarm(20)
    for use in (lambda: script.eval("a"), lambda: pool.eval("a"), script.snapshot, lambda: program.call("f")):
        try:
            use()
        except hl.SandboxStateError as error:
            assert "fork" in str(error), error
        else:
            os._exit(1)
    with hl.JavaScript(snapshot) as clone, hl.Wasm(module), hl.JavaScript("var a = 2") as own:
        os._exit(clone.eval("a") + own.eval("a"))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), script.eval("a"))
"""
    ended = run_python(program)
    assert (ended.stdout, ended.stderr) == ("3 1\n", "")


def test_scripts_are_collected(run_python: RunPython) -> None:
    """Also those that their own host functions refer to."""
    program = """
import gc, weakref, libhyperlight as hl
gc.disable()
def make():
    script = hl.JavaScript("host.note(1)")
    script.register("note", lambda value: script.state)
    script.evolve()
    return weakref.ref(script)
found = make()
assert found() is not None
gc.collect()
print(found())
"""
    ended = run_python(program)
    assert (ended.stdout, ended.stderr) == ("None\n", "")


def test_with_asyncio(script: MakeScript) -> None:
    with script("function f(n) { return n + 1 }").pool(size=2) as pool:

        async def main() -> list[Any]:
            return await asyncio.gather(*(asyncio.to_thread(pool.call, "f", n) for n in range(10)))

        assert asyncio.run(main()) == list(range(1, 11))


def test_log_records(script: MakeScript, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "libhyperlight"):
        script("console.warn('careful')").evolve()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("WARNING", "careful")]
