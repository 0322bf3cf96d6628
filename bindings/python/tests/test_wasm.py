"""WebAssembly programs in sandboxes: values, imports, memories, WASI, traps, components, pools.

Programs are written in the text format; the published ``wasmtime`` package makes the binary one.
"""

from __future__ import annotations

import copy
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import libhyperlight as hl
import pytest
from wasmtime import wat2wasm

MakeWasm = Callable[..., hl.Wasm]


def binary(text: str) -> bytes:
    return bytes(wat2wasm(text))


MODULE = binary(
    """
    (module
      (import "env" "add" (func $add (param i32 i32) (result i32)))
      (import "host" "note" (func $note (param f64)))
      (memory (export "memory") 1 2)
      (global $count (mut i32) (i32.const 40))
      (data (i32.const 16) "hello")
      (func (export "fib") (param i32) (result i64)
        (if (result i64) (i32.lt_s (local.get 0) (i32.const 2))
          (then (i64.extend_i32_s (local.get 0)))
          (else (i64.add (call 2 (i32.sub (local.get 0) (i32.const 1)))
                         (call 2 (i32.sub (local.get 0) (i32.const 2)))))))
      (func (export "next") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (global.get $count))
      (func (export "through") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
      (func (export "tell") (param f64) (call $note (local.get 0)))
      (func (export "f32") (param f32) (result f32) (local.get 0))
      (func (export "f64") (param f64) (result f64) (local.get 0))
      (func (export "i64") (param i64) (result i64) (local.get 0))
      (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
      (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
      (func $deep (export "deep") (result i32) (i32.add (call $deep) (i32.const 1)))
      (func (export "spin") (loop (br 0)))
    )
    """
)


def add(a, b):  # type: ignore[no-untyped-def]
    return a + b


HOST: dict[str, Any] = {"env.add": add, "host.note": lambda value: None}


@pytest.fixture
def make() -> Iterator[MakeWasm]:
    """Makes programs, and closes them."""
    made: list[hl.Wasm] = []

    def make(program: Any = MODULE, **options: Any) -> hl.Wasm:
        if program is MODULE:
            options.setdefault("host_functions", HOST)
        wasm = hl.Wasm(program, **{"timeout": 20.0, **options})
        made.append(wasm)
        return wasm

    yield make
    for wasm in made:
        wasm.close()


def test_calls(make: MakeWasm) -> None:
    wasm = make()
    assert wasm.state == "uninitialized"
    assert wasm.call("fib", 30) == 832040
    assert wasm.call("i64", -(2**63)) == -(2**63)
    assert wasm.call("f64", 0.1) == 0.1
    assert wasm.call("f32", 0.5) == 0.5
    assert wasm.call("swap", 7, 2**60) == (2**60, 7)
    assert wasm.call("tell", 1.0, timeout=5) is None
    assert repr(wasm) == "<Wasm ready>"


def test_a_file(make: MakeWasm, tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(MODULE)
    assert hl.Wasm(str(path)).call("fib", 10) == 55
    with hl.Wasm(path, host_functions=HOST) as wasm:
        assert wasm.call("through", 2, 3) == 5
    assert wasm.state == "closed"
    with pytest.raises(FileNotFoundError):
        make(tmp_path / "nothing.wasm")
    with pytest.raises(TypeError, match="path or the bytes"):
        make(5)


def test_functions(make: MakeWasm) -> None:
    wasm = make()
    assert list(wasm.functions)[:3] == ["fib", "next", "through"]
    assert wasm.functions["through"] == hl.Signature([hl.i32, hl.i32], hl.i32)
    assert wasm.functions["fib"].params == (hl.i32,)
    assert wasm.functions["fib"].returns is int
    assert wasm.functions["swap"].returns is object
    assert str(wasm.functions["fib"]) == "(i32) -> i64"
    assert dict(wasm.imports) == {"add": hl.Signature([hl.i32, hl.i32], hl.i32), "host.note": hl.Signature([float])}
    copied = pickle.loads(pickle.dumps(wasm.functions["swap"]))
    assert (copied, str(copied)) == (wasm.functions["swap"], str(wasm.functions["swap"]))
    with pytest.raises(TypeError):
        wasm.functions["x"] = None  # type: ignore[index]


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        ("nowhere", (), hl.FunctionNotFound),
        ("fib", (), hl.SignatureError),
        ("fib", (1, 2), hl.SignatureError),
        ("fib", ("1",), TypeError),
        ("fib", (1.0,), TypeError),
        ("fib", (True,), TypeError),
        ("fib", (2**31,), OverflowError),
        ("f64", (1,), TypeError),
        ("swap", (1,), hl.SignatureError),
    ],
)
def test_calls_that_are_refused(make: MakeWasm, function: str, args: tuple[Any, ...], error: type[Exception]) -> None:
    wasm = make()
    with pytest.raises(error):
        wasm.call(function, *args)
    assert wasm.call("fib", 1) == 1


def test_host_functions_have_the_imports_signature(make: MakeWasm) -> None:
    notes: list[Any] = []
    wasm = make(host_functions={"add": lambda a, b: a * b})
    wasm.register("host.note", notes.append)
    with pytest.raises(TypeError, match="must be None"):
        wasm.register("host.note", lambda value: 1)
        wasm.call("tell", 0.5)
    assert wasm.call("through", 6, 7) == 42
    other = make()

    @other.host_function(name="host.note")
    def _(value: float) -> None:
        notes.append(value)

    other.call("tell", 2.5)
    assert notes == [2.5]
    with pytest.raises(hl.InvalidArgument, match=r"does not import 'subtract'; it imports `add`, `host\.note`"):
        make(host_functions={"subtract": add})
    with pytest.raises(TypeError, match="callable"):
        make(host_functions={"add": 5})


def test_exceptions_of_host_functions_come_back(make: MakeWasm) -> None:
    error = LookupError("mine")

    def fail(a, b):  # type: ignore[no-untyped-def]
        raise error

    wasm = make(host_functions={"add": fail})
    with pytest.raises(LookupError) as caught:
        wasm.call("through", 1, 2)
    assert caught.value is error
    with pytest.raises(OverflowError):
        make(host_functions={"add": lambda a, b: 2**31}).call("through", 1, 2)


def test_an_import_that_nobody_gives(make: MakeWasm) -> None:
    wasm = make(host_functions={})
    assert wasm.call("fib", 2) == 1
    with pytest.raises(hl.FunctionNotFound, match="host has no function `add`"):
        wasm.call("through", 1, 2)


def test_memory(make: MakeWasm) -> None:
    wasm = make()
    assert wasm.memory_size() == 65536
    assert wasm.read_memory(16, 5) == b"hello"
    wasm.write_memory(16, b"J")
    wasm.write_memory(17, bytearray(b"E"))
    assert wasm.call("load", 16) == ord("J")
    assert wasm.read_memory(16, 5) == b"JEllo"
    assert wasm.read_memory(65536, 0) == b""
    for beyond in (lambda: wasm.read_memory(65535, 2), lambda: wasm.write_memory(65536, b"x")):
        with pytest.raises(hl.GuestError):
            beyond()
    with pytest.raises(OverflowError):
        wasm.read_memory(-1, 1)
    with pytest.raises(hl.InvalidArgument, match="it exports `memory`"):
        wasm.memory_size("other")
    assert wasm.state == "ready"


def test_traps(make: MakeWasm) -> None:
    wasm = make()
    wasm.evolve()
    snapshot = wasm.snapshot()
    with pytest.raises(hl.GuestError, match="divi"):
        wasm.call("divide", 1, 0)
    with pytest.raises(hl.GuestError, match="out of bounds"):
        wasm.call("load", 70000)
    with pytest.raises(hl.GuestError, match="overflow"):
        wasm.call("divide", -(2**31), -1)
    with pytest.raises((hl.GuestError, hl.GuestStackOverflow)):
        wasm.call("deep")
    wasm.restore(snapshot)
    assert wasm.call("fib", 3) == 2


def test_what_is_no_program(make: MakeWasm) -> None:
    for wrong in (b"", b"\0asm", MODULE[:-3], b"\x7fELF" + bytes(100)):
        with pytest.raises(hl.GuestBinaryError):
            make(wrong)


def test_limits(make: MakeWasm) -> None:
    wasm = make()
    wasm.evolve()
    snapshot = wasm.snapshot()
    with pytest.raises(hl.GuestTimeout):
        wasm.call("spin", timeout=0.05)
    assert wasm.state == "poisoned"
    wasm.restore(snapshot)
    with ThreadPoolExecutor(1) as executor:
        call = executor.submit(wasm.call, "spin")
        while not wasm.interrupt():
            pass
        assert isinstance(call.exception(), hl.Interrupted)
    wasm.restore(snapshot)
    timer = threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        wasm.call("spin")
    timer.join()
    wasm.restore(snapshot)
    assert wasm.call("fib", 2) == 1


def test_what_a_program_may_ask_of_the_compiler(make: MakeWasm) -> None:
    for bounds in (
        {"max_program_size": len(MODULE)},
        {"compile_timeout": float("inf")},
        {"compile_threads": 1},
        {"compile_threads": 2**64 - 1},
    ):
        assert make(**bounds).call("fib", 2) == 1
    with pytest.raises(hl.GuestBinaryError, match="max_program_size"):
        make(max_program_size=len(MODULE) - 1)
    slow = binary('(module (func (export "never") (result i32) (i32.const 4711)))')
    with pytest.raises(hl.GuestTimeout, match="compile_timeout"):
        hl.Wasm(slow, compile_timeout=1e-9)
    with hl.Wasm(slow) as wasm:
        assert wasm.call("never") == 4711
    for wrong in ({"max_program_size": 0}, {"compile_timeout": 0}, {"compile_timeout": float("nan")}):
        with pytest.raises(hl.InvalidArgument):
            make(**wrong)


def test_snapshots(make: MakeWasm, tmp_path: Path) -> None:
    wasm = make()
    with pytest.raises(hl.SandboxStateError):
        wasm.snapshot()
    assert wasm.call("next") == 41
    snapshot = pickle.loads(pickle.dumps(wasm.snapshot()))
    assert wasm.call("next") == 42
    wasm.restore(snapshot)
    assert wasm.call("next") == 42
    clone = make(snapshot=snapshot)
    assert clone.call("next") == 42
    assert clone.call("swap", 1, 2) == (2, 1)
    with pytest.raises(TypeError, match="Snapshot"):
        copy.copy(wasm)


def test_a_snapshot_goes_on_by_itself(make: MakeWasm) -> None:
    wasm = make()
    assert wasm.call("next") == 41
    snapshot = wasm.snapshot()
    clone = make(snapshot, host_functions=HOST)
    assert clone.call("next", timeout=10) == 42
    assert (clone.call("through", 2, 3), clone.call("swap", 1, 2)) == (5, (2, 1))
    assert (clone.functions, clone.imports) == (wasm.functions, wasm.imports)
    # Of what is of a clone, too; and the pool has it alone.
    again = make(clone.snapshot(), host_functions=HOST)
    assert (again.call("next"), again.call("swap", 1, 2)) == (43, (2, 1))
    with hl.WasmPool(snapshot, size=1, host_functions=HOST) as pool:
        assert [pool.call("next"), pool.call("next"), pool.call("swap", 1, 2)] == [42, 42, (2, 1)]
    with pytest.raises(hl.InvalidArgument, match="does not import 'other'"):
        make(snapshot, host_functions={"other": add})
    with pytest.raises(TypeError, match="wasi"):
        make(snapshot, wasi=hl.Wasi())
    with pytest.raises(TypeError, match="snapshot"):
        make(snapshot, snapshot=snapshot)
    with pytest.raises(TypeError, match="snapshot"):
        hl.WasmPool(MODULE)


def test_a_snapshot_from_elsewhere_goes_on_by_itself(make: MakeWasm) -> None:
    wasm = make()
    wasm.call("next")
    snapshot = pickle.loads(pickle.dumps(wasm.snapshot()))
    typed: dict[str, Any] = {
        "env.add": (add, hl.Signature([hl.i32, hl.i32], hl.i32)),
        "host.note": (print, hl.Signature([float], None)),
    }
    clone = make(snapshot, host_functions=typed)
    with pytest.raises(hl.SandboxStateError, match="evolve"):
        _ = clone.functions
    with pytest.raises(hl.SandboxStateError, match="snapshot="):
        _ = clone.imports
    assert clone.call("next") == 42
    assert clone.functions["next"] == hl.Signature([], hl.i32)
    assert sorted(clone.functions) == sorted(wasm.functions)
    assert (clone.call("through", 2, 3), clone.read_memory(16, 5)) == (5, b"hello")
    # Several results have no kind of their own.
    assert clone.call("swap", 1, 2) == "[2,1]"
    with pytest.raises(hl.GuestError, match="other"):
        clone.memory_size("other")
    with pytest.raises(hl.FunctionNotFound):
        clone.run()
    with clone.pool(size=1) as pool:
        assert [pool.call("next"), pool.call("next")] == [43, 43]
    with hl.WasmPool(snapshot, size=1, host_functions=typed) as pool:
        assert pool.call("next") == 42
    # Once somebody says which program it is of, that is known.
    assert make(snapshot=snapshot).call("swap", 1, 2) == (2, 1)
    assert make(snapshot, host_functions=HOST).call("swap", 1, 2) == (2, 1)


def test_pools(make: MakeWasm) -> None:
    wasm = make()
    assert wasm.call("next") == 41
    with wasm.pool(size=2) as pool:
        assert [pool.call("next") for _ in range(5)] == [42] * 5
        assert pool.submit("fib", 20).result() == 6765
        assert list(pool.map("fib", range(5))) == [0, 1, 1, 2, 3]
        assert pool.call("swap", 1, 2) == (2, 1)
        with pytest.raises(hl.GuestTimeout):
            pool.call("spin", timeout=0.05)
        with pool.acquire() as member:
            assert isinstance(member, hl.Wasm)
            assert (member.call("next"), member.call("through", 2, 3)) == (42, 5)
            member.write_memory(0, b"x")
        assert "fib" in member.functions
        assert pool.call("load", 0) == 0
    with hl.WasmPool(MODULE, wasm.snapshot(), size=1, host_functions=HOST) as pool:
        assert pool.call("next") == 42


def test_the_compiler_is_used_by_many_threads(make: MakeWasm) -> None:
    def run(number: int) -> Any:
        with hl.Wasm(binary(f'(module (func (export "f") (result i32) (i32.const {number % 4})))')) as wasm:
            return wasm.call("f")

    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(run, range(16))) == [0, 1, 2, 3] * 4


WASI = binary(
    """
    (module
      (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 64) "etc/data.txt")
      ;; Texts begin at 1024; 0..16 are for results and vectors.
      (func $print (param $at i32) (param $len i32)
        (i32.store (i32.const 0) (local.get $at))
        (i32.store (i32.const 4) (local.get $len))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
      (func (export "_start")
        (drop (call $args_sizes (i32.const 16) (i32.const 20)))
        (drop (call $args (i32.const 512) (i32.const 1024)))
        (call $print (i32.const 1024) (i32.load (i32.const 20)))
        (drop (call $environ_sizes (i32.const 16) (i32.const 20)))
        (drop (call $environ (i32.const 512) (i32.const 1024)))
        (call $print (i32.const 1024) (i32.load (i32.const 20)))
        (if (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 12) (i32.const 0)
                        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 24))
          (then (call $exit (i32.const 1))))
        (i32.store (i32.const 32) (i32.const 1024))
        (i32.store (i32.const 36) (i32.const 4096))
        (drop (call $read (i32.load (i32.const 24)) (i32.const 32) (i32.const 1) (i32.const 40)))
        (call $print (i32.const 1024) (i32.load (i32.const 40)))
        (call $exit (i32.const 7)))
    )
    """
)


def test_wasi(make: MakeWasm, tmp_path: Path) -> None:
    texts: list[str] = []
    wasi = hl.Wasi(args=["program", "ä"], env={"HOME": "/"}, files={"/etc/data.txt": "in a file"})
    wasm = make(WASI, wasi=wasi, print=texts.append)
    assert wasm.run() == 7
    assert "".join(texts) == "program\0ä\0HOME=/\0in a file"
    (tmp_path / "data").write_bytes(b"from here")
    texts.clear()
    wasm = make(WASI, wasi=hl.Wasi(files={"etc/data.txt": tmp_path / "data"}), print=texts.append)
    assert wasm.run(timeout=5) == 7
    assert "".join(texts) == "from here"
    assert make(WASI, print=texts.append).run() == 1
    with pytest.raises(hl.FunctionNotFound, match="_start"):
        make().run()


def test_wasi_on_standard_output(make: MakeWasm, capsys: pytest.CaptureFixture[str]) -> None:
    make(WASI, wasi=hl.Wasi(args=["hello"])).run()
    assert capsys.readouterr().out == "hello\0"


def test_what_wasi_cannot_have(make: MakeWasm) -> None:
    for wrong in (
        lambda: hl.Wasi(args="text"),
        lambda: hl.Wasi(args=[b"bytes"]),  # type: ignore[list-item]
        lambda: hl.Wasi(env={"A": 1}),  # type: ignore[dict-item]
        lambda: hl.Wasi(files={"a": 5}),  # type: ignore[dict-item]
    ):
        with pytest.raises(TypeError):
            wrong()
    for wasi in (
        hl.Wasi(args=["nul\0"]),
        hl.Wasi(env={"A=B": "c"}),
        hl.Wasi(files={"../up": b""}),
        hl.Wasi(files={"a": b"", "a/b": b""}),
    ):
        with pytest.raises(hl.InvalidArgument):
            make(WASI, wasi=wasi)
    assert hl.Wasi(args=["a"], files={"f": "x"}) == hl.Wasi(args=("a",), files={"f": b"x"})
    assert repr(hl.Wasi(args=["a"], env={"b": "c"}, files={"f": "x"})) == (
        "Wasi(args=['a'], env={'b': 'c'}, files=['f'])"
    )


COMPONENT = binary(
    """
    (component
      (import "double" (func $double (param "n" u32) (result u32)))
      (core func $double_core (canon lower (func $double)))
      (core module $m
        (import "host" "double" (func $double (param i32) (result i32)))
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 1024))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (local $at i32)
          (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
          (global.set $next (i32.add (local.get $at) (local.get 3)))
          (local.get $at))
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "not") (param i32) (result i32) (i32.eqz (local.get 0)))
        (func (export "twice") (param i32) (result i32) (call $double (local.get 0)))
        (func (export "same") (param i32 i32) (result i32)
          (i32.store (i32.const 0) (local.get 0))
          (i32.store (i32.const 4) (local.get 1))
          (i32.const 0))
        (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
        (func (export "norm") (param i32 i32) (result i32)
          (i32.add (i32.mul (local.get 0) (local.get 0)) (i32.mul (local.get 1) (local.get 1))))
        (func (export "big") (param i64) (result i64) (local.get 0))
      )
      (core instance $i (instantiate $m (with "host" (instance (export "double" (func $double_core))))))
      (alias core export $i "memory" (core memory $memory))
      (alias core export $i "realloc" (core func $realloc))
      (type $point (record (field "x" s32) (field "y" s32)))
      (export $point' "point" (type $point))
      (func (export "add") (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $i "add")))
      (func (export "not") (param "value" bool) (result bool) (canon lift (core func $i "not")))
      (func (export "twice") (param "n" u32) (result u32) (canon lift (core func $i "twice")))
      (func (export "half") (param "n" f64) (result f64) (canon lift (core func $i "half")))
      (func (export "big") (param "n" u64) (result u64) (canon lift (core func $i "big")))
      (func (export "shout") (param "text" string) (result string)
        (canon lift (core func $i "same") (memory $memory) (realloc $realloc)))
      (func (export "bytes") (param "data" (list u8)) (result (list u8))
        (canon lift (core func $i "same") (memory $memory) (realloc $realloc)))
      (func (export "numbers") (param "list" (list u64)) (result (list u64))
        (canon lift (core func $i "same") (memory $memory) (realloc $realloc)))
      (func (export "norm") (param "point" $point') (result s32) (canon lift (core func $i "norm")))
    )
    """
)


def test_components(make: MakeWasm) -> None:
    wasm = make(COMPONENT, host_functions={"double": lambda n: 2 * n})
    assert wasm.call("add", 2, -3) == -1
    assert wasm.call("not", False) is True
    assert wasm.call("half", 5.0) == 2.5
    assert wasm.call("twice", 21) == 42
    assert wasm.call("big", 2**64 - 1) == 2**64 - 1
    assert wasm.call("shout", "Grüße 🎉") == "Grüße 🎉"
    assert wasm.call("bytes", bytearray(b"\0\xff")) == b"\0\xff"
    assert wasm.call("numbers", [1, 2**63, 2**64 - 1, 0]) == [1, 2**63, 2**64 - 1, 0]
    assert wasm.call("norm", {"x": 3, "y": -4}) == 25
    assert wasm.functions["norm"].params == (object,)
    assert wasm.functions["add"] == hl.Signature([hl.i32, hl.i32], hl.i32)
    assert "point" in str(wasm.functions["norm"])
    with pytest.raises(TypeError, match="argument 1 of `norm` lacks the field `y`"):
        wasm.call("norm", {"x": 3})
    with pytest.raises(OverflowError, match=r"argument 1 of `norm`\['x'\] does not fit s32"):
        wasm.call("norm", {"x": 2**31, "y": 0})
    with pytest.raises(hl.SignatureError):
        wasm.call("norm")
    with wasm.pool(size=1) as pool:
        assert pool.call("norm", {"x": 1, "y": 1}) == 2
        assert pool.call("twice", 4) == 8


def test_a_component_that_has_trapped_is_not_entered_again_until_it_is_restored(make: MakeWasm) -> None:
    def double(n: int) -> int:
        if n == 0:
            raise LookupError("mine")
        return 2 * n

    wasm = make(COMPONENT, host_functions={"double": double})
    assert wasm.call("twice", 21) == 42
    snapshot = wasm.snapshot()
    with pytest.raises(LookupError, match="mine"):
        wasm.call("twice", 0)
    with pytest.raises(hl.GuestError):
        wasm.call("twice", 21)
    wasm.restore(snapshot)
    assert wasm.call("twice", 21) == 42


def test_many_programs_at_once_all_get_their_turn() -> None:
    """Case 38: as many are compiled at once as there are processors; the others wait within their own limits."""
    programs = [binary(f'(module (func (export "f{number}")))') for number in range(20)]
    with ThreadPoolExecutor(20) as threads:
        names = []
        for wasm in threads.map(hl.Wasm, programs):
            names += [name for name in wasm.functions if not name.startswith("hyperlight:")]
            wasm.close()
    assert names == [f"f{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"compile_timeout": "1"}, TypeError),
        ({"compile_timeout": 0}, hl.InvalidArgument),
        ({"compile_timeout": float("nan")}, hl.InvalidArgument),
        ({"max_program_size": True}, TypeError),
        ({"max_program_size": 1.5}, TypeError),
        ({"max_program_size": 0}, hl.InvalidArgument),
        ({"compile_threads": "1"}, TypeError),
        ({"compile_threads": True}, TypeError),
        ({"compile_threads": 0}, hl.InvalidArgument),
    ],
    ids=str,
)
def test_bounds_that_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        hl.Wasm(MODULE, **options)


def large(number: int) -> bytes:
    """A program large enough for several threads, and another one for each number."""
    functions = (
        f"(func (param i32) (result i32) {'(i32.add ' * 40}(local.get 0){f' (i32.const {number + at}))' * 40})"
        for at in range(400)
    )
    return binary(f'(module {" ".join(functions)} (func (export "f") (result i32) (call 0 (i32.const 2))))')


def test_a_large_program_is_compiled_by_one_thread_or_several(make: MakeWasm) -> None:
    for threads in (1, 2):
        assert make(large(threads), compile_threads=threads).call("f") == 2 + 40 * threads


def test_a_compiled_program_can_be_kept(make: MakeWasm, tmp_path: Path) -> None:
    program = hl.WasmProgram(MODULE, compile_threads=1)
    file = tmp_path / "module.hlwasm"
    file.write_bytes(program.to_bytes())
    again = hl.WasmProgram.from_bytes(bytearray(file.read_bytes()))
    assert again.to_bytes() == program.to_bytes()
    for source in (program, again, pickle.loads(pickle.dumps(again)), copy.copy(again)):
        wasm = make(source, host_functions=HOST)
        assert wasm.call("fib", 10) == 55
        assert str(wasm.functions["fib"]) == str(make().functions["fib"])
        assert wasm.read_memory(16, 5) == b"hello"
    with hl.WasmPool(again, wasm.snapshot(), host_functions=HOST, size=1) as pool:
        assert pool.call("next") == 41


def test_what_a_kept_program_finds_around_itself_is_given_when_it_is_used(make: MakeWasm) -> None:
    command = binary(
        """(module
          (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "count") (result i32)
            (drop (call $sizes (i32.const 0) (i32.const 4))) (i32.load (i32.const 0))))"""
    )
    kept = hl.WasmProgram.from_bytes(hl.WasmProgram(command).to_bytes())
    for args in ([], ["a"], ["a", "b", "c"]):
        assert make(kept, wasi=hl.Wasi(args=args)).call("count") == len(args)
    with pytest.raises(hl.InvalidArgument, match="NUL"):
        make(kept, wasi=hl.Wasi(args=["\0"]))


def test_a_kept_program_of_somebody_else_is_refused_or_runs() -> None:
    saved = hl.WasmProgram(MODULE).to_bytes()
    assert hl.WasmProgram.from_bytes(memoryview(saved)).to_bytes() == saved
    for damaged in (b"", MODULE, saved[:-1], saved + b"x", saved[:100] + bytes([saved[100] ^ 1]) + saved[101:]):
        with pytest.raises(hl.GuestBinaryError, match="saved program"):
            hl.WasmProgram.from_bytes(damaged)
    with pytest.raises(TypeError, match="bytes"):
        hl.WasmProgram.from_bytes("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="path"):
        hl.WasmProgram(7)  # type: ignore[arg-type]


def test_files_are_read_as_far_as_a_program_may_be() -> None:
    with pytest.raises(hl.GuestBinaryError, match="max_program_size"):
        hl.Wasm("/dev/zero", max_program_size=1 << 16)


def test_parts_of_memories_that_cannot_be(make: MakeWasm) -> None:
    wasm = make(host_functions=HOST)
    with pytest.raises(OverflowError, match="offset is from 0"):
        wasm.read_memory(-1, 1)
    with pytest.raises(OverflowError, match="length is from 0"):
        wasm.read_memory(0, 2**64)
    with pytest.raises(TypeError, match="offset must be int, not float"):
        wasm.write_memory(0.0, b"")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data must be bytes"):
        wasm.write_memory(0, "text")  # type: ignore[arg-type]
