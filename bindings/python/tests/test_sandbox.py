"""The life of a sandbox, and its errors."""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import Any

import libhyperlight as hl
import pytest

from conftest import MakeSandbox, RunPython


def test_probe() -> None:
    hl.probe()


def test_states(make: MakeSandbox) -> None:
    sandbox = make()
    assert sandbox.state == "uninitialized"
    assert repr(sandbox) == "<Sandbox uninitialized>"
    assert sandbox.call("Echo", "hi") == "hi"
    assert sandbox.state == "ready"
    with pytest.raises(hl.GuestTimeout):
        sandbox.call("Spin", timeout=0.05)
    assert sandbox.state == "poisoned"
    with pytest.raises(hl.SandboxPoisoned):
        sandbox.call("Echo", "hi")
    sandbox.close()
    assert sandbox.state == "closed"
    sandbox.close()
    for use in (
        lambda: sandbox.call("Echo", "hi"),
        sandbox.evolve,
        sandbox.snapshot,
        lambda: sandbox.functions,
        lambda: sandbox.register("X", print, params=[], returns=None),
    ):
        with pytest.raises(hl.SandboxClosed):
            use()
    assert sandbox.interrupt() is False


def test_with_evolves_and_closes(guest: hl.Guest) -> None:
    with hl.Sandbox(guest) as sandbox:
        assert sandbox.state == "ready"
    assert sandbox.state == "closed"


def test_state_while_running(make: MakeSandbox) -> None:
    sandbox = make()
    seen: list[str] = []
    sandbox.register("Look", lambda: seen.extend((sandbox.state, repr(sandbox))), params=[], returns=None)
    sandbox.call("HostCallLoop", "Look", 1)
    assert seen == ["running", "<Sandbox running>"]


def test_before_and_after_evolve(make: MakeSandbox) -> None:
    sandbox = make()
    for use in (lambda: sandbox.snapshot(), lambda: sandbox.functions):
        with pytest.raises(hl.SandboxStateError, match="evolve"):
            use()
    sandbox.evolve()
    with pytest.raises(hl.SandboxStateError, match="evolved already"):
        sandbox.evolve()
    with sandbox as same:
        assert same.state == "ready"
    sandbox = make()
    sandbox.evolve()
    for register in (
        lambda: sandbox.register("X", print, params=[], returns=None),
        lambda: sandbox.unregister("HostPrint"),
        lambda: sandbox.host_function(lambda: None),
    ):
        with pytest.raises(hl.SandboxStateError, match="started"):
            register()


def test_functions_print_like_python_signatures(sandbox: hl.Sandbox) -> None:
    functions = sandbox.functions
    assert functions["Add"] == hl.Signature(params=(hl.i32, hl.i32), returns=hl.i32)
    assert functions["Add"].params == (hl.i32, hl.i32)
    assert functions["Add"].returns is hl.i32
    assert str(functions["Add"]) == "(i32, i32) -> i32"
    assert repr(functions["Echo"]) == "Signature(params=(str,), returns=str)"
    assert functions["EchoI64"] == hl.Signature([int], int)
    assert functions["NoOp"] == hl.Signature()
    assert "Nope" not in functions
    with pytest.raises(TypeError):
        functions["Add"] = None  # type: ignore[index]


@pytest.mark.parametrize("kind", [complex, None, "i32", list[int], 3])
def test_what_is_no_parameter(kind: Any) -> None:
    with pytest.raises(TypeError):
        hl.Signature([kind])


def test_snapshot_and_restore(sandbox: hl.Sandbox, tmp_path: Path, make: MakeSandbox) -> None:
    sandbox.call("AddToStatic", 5)
    snapshot = sandbox.snapshot()
    assert repr(snapshot) == "<Snapshot>"
    sandbox.call("AddToStatic", 5)
    sandbox.restore(snapshot)
    assert sandbox.call("GetStatic") == 5
    with pytest.raises(hl.GuestAbort):
        sandbox.call("Panic", "x")
    sandbox.restore(snapshot)
    assert sandbox.state == "ready"

    snapshot.save(tmp_path / "warm.hls")
    clone = make(hl.Snapshot.load(tmp_path / "warm.hls"))
    with pytest.raises(hl.SnapshotMismatch, match="HostAdd"):
        clone.evolve()
    clone.register("HostAdd", lambda a, b: a + b, params=[hl.i32, hl.i32], returns=hl.i32)
    assert clone.call("GetStatic") == 5
    assert clone.call("Add", 2, 3) == 5


def test_snapshot_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "x.hls"
    path.write_bytes(b"nothing" * 1000)
    with pytest.raises(hl.SnapshotFileError):
        hl.Snapshot.load(path)
    with pytest.raises(hl.HyperlightIOError) as caught:
        hl.Snapshot.load(tmp_path / "missing")
    assert caught.value.errno == 2
    with pytest.raises(TypeError):
        hl.Snapshot.load(b"x")  # type: ignore[arg-type]


def test_a_snapshot_file_brings_no_more_than_is_allowed(sandbox: hl.Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "warm.hls"
    sandbox.snapshot().save(path)
    hl.Snapshot.load(path, max_size=8 << 20, max_heap_size=16 << 20)
    hl.Snapshot.load(path, max_size=None, max_heap_size=2**64 - 1)
    with pytest.raises(hl.SnapshotFileError, match="raise max_size"):
        hl.Snapshot.load(path, max_size=1)
    with pytest.raises(hl.SnapshotFileError, match="raise max_heap_size"):
        hl.Snapshot.load(path, max_heap_size=(16 << 20) - 1)
    with pytest.raises(TypeError):
        hl.Snapshot.load(path, max_size="1")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        hl.Snapshot.load(path, max_size=-1)


def test_only_a_regular_file_is_replaced_by_a_snapshot(sandbox: hl.Sandbox, tmp_path: Path) -> None:
    """Case 26."""
    snapshot = sandbox.snapshot()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "link").symlink_to(fifo)
    for path, found in [(fifo, "a FIFO"), (tmp_path / "link", "a symbolic link"), (tmp_path, "a folder")]:
        with pytest.raises(hl.HyperlightIOError, match=f"there is {found}, and only a regular file is replaced"):
            snapshot.save(path)
    assert fifo.is_fifo() and (tmp_path / "link").is_symlink() and tmp_path.is_dir()
    with pytest.raises(hl.SnapshotFileError):
        hl.Snapshot.load(fifo)


def test_guests(tmp_path: Path, guest: hl.Guest, make: MakeSandbox) -> None:
    with pytest.raises(hl.GuestBinaryError):
        hl.Guest(b"no guest")
    with pytest.raises(hl.GuestBinaryError):
        hl.Guest(tmp_path)
    with pytest.raises(OSError, match="missing"):
        hl.Guest(tmp_path / "missing")
    with pytest.raises(hl.InvalidArgument):
        hl.Guest.builtin("nope")
    for source in (42, None, [b"x"]):
        with pytest.raises(TypeError):
            hl.Guest(source)  # type: ignore[arg-type]
    payload = guest.with_payload(b"abc").with_payload(bytearray(b"\xc3"), executable=True)
    assert make(payload).call("PayloadBytes", 0) == b"abc"
    assert repr(guest) == '<Guest builtin "demo">'


SWAPPED = """
import os, sys, threading, time, libhyperlight as hl
folder = sys.argv[1]
path, file, fifo = (os.path.join(folder, name) for name in ("guest", "file", "fifo"))
done = False

def swap():
    while not done:
        with open(file, "wb") as out:
            out.write(b"no guest")
        os.replace(file, path)
        os.mkfifo(fifo)
        os.replace(fifo, path)

with open(path, "wb") as out:
    out.write(b"no guest")
thread = threading.Thread(target=swap)
thread.start()
found = set()
tries, end = 0, time.monotonic() + 40
try:
    # Under load the other thread may be long in getting to run.
    while tries < 5000 or (len(found) < 2 and time.monotonic() < end):
        tries += 1
        try:
            hl.Guest(path)
        except hl.GuestBinaryError as error:
            found.add("regular" in str(error))
finally:
    done = True
    thread.join()
print(len(found))
"""


def test_a_fifo_in_the_place_of_a_guest_file_is_waited_for_by_nobody(tmp_path: Path, run_python: RunPython) -> None:
    """Whenever it is put there: a path that is looked at and then opened may lead to two files."""
    ended = run_python(SWAPPED, str(tmp_path))
    # Both were there, or the test would show nothing.
    assert ended.stdout == "2\n", ended.stderr


def test_sources(tmp_path: Path, guest: hl.Guest, make: MakeSandbox) -> None:
    elf = guest.__reduce__  # the builtin has no file: its name travels
    assert elf()[1] == ("demo", ())
    path = tmp_path / "bad.elf"
    path.write_bytes(b"x")
    for source in (path, str(path), b"x", memoryview(b"x")):
        with pytest.raises(hl.GuestBinaryError):
            make(source)


def test_a_guest_file(make: MakeSandbox) -> None:
    file = os.environ["HYPERLIGHT_GUEST"]
    assert repr(hl.Guest(file)) == f'<Guest "{file}">'
    for source in (file, Path(file), Path(file).read_bytes(), hl.Guest(Path(file))):
        assert make(source).call("Echo", "hi") == "hi"


OPTIONS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"heap_size": 1 << 50}, hl.InvalidArgument),
    ({"heap_size": -1}, OverflowError),
    ({"heap_size": 1 << 64}, OverflowError),
    ({"max_host_calls": True}, TypeError),
    ({"heap_size": 1.5}, TypeError),
    ({"timeout": -(10**400)}, hl.InvalidArgument),
    ({"timeout": -1}, hl.InvalidArgument),
    ({"timeout": math.nan}, ValueError),
    ({"timeout": "1"}, TypeError),
    ({"timeout": True}, TypeError),
    ({"memory": 1}, TypeError),
    ({"print": 1}, TypeError),
]


@pytest.mark.parametrize(("options", "error"), OPTIONS, ids=str)
def test_options_that_are_refused(make: MakeSandbox, options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options)) if error in (TypeError, OverflowError) else None):
        make(**options)


def test_options(make: MakeSandbox) -> None:
    sandbox = make(
        heap_size=1 << 20,
        stack_size=1 << 16,
        input_size=1 << 16,
        output_size=None,
        timeout=math.inf,
        cpu_time=10**400,
        max_host_calls=2,
        max_log_bytes=1000,
        max_print_bytes=10,
        print=lambda text: None,
    )
    assert sandbox.call("HeapSize") <= 1 << 20
    with pytest.raises(hl.PayloadTooLarge, match="input_size"):
        sandbox.call("BytesLength", bytes(1 << 17))
    with pytest.raises(hl.HyperlightError, match="max_print_bytes"):
        sandbox.call("PrintOutput", "x" * 100)
    with pytest.raises(hl.GuestTimeout, match="cpu"):
        sandbox.call("Spin", cpu_time=0.05)


FAILURES: list[tuple[str, tuple[Any, ...], type[hl.HyperlightError], bool]] = [
    ("Nope", (), hl.FunctionNotFound, True),
    ("Add", (1,), hl.SignatureError, True),
    ("Add", (1, "2"), hl.SignatureError, True),
    ("ReturnError", (7, "seven"), hl.GuestError, True),
    ("GuestAbortWithMessage", (7, "seven"), hl.GuestAbort, False),
    ("Panic", ("seven",), hl.GuestAbort, False),
    ("ReadAddress", (0,), hl.GuestFault, False),
    ("Halt", (), hl.GuestFault, False),
    ("InfiniteRecursion", (), hl.GuestStackOverflow, False),
    ("ExhaustHeap", (), hl.GuestOutOfMemory, False),
    ("RingWithoutFrame", (), hl.GuestProtocolError, False),
    ("BytesLength", (bytes(2 << 20),), hl.PayloadTooLarge, True),
]


@pytest.mark.parametrize(("function", "arguments", "error", "is_ready"), FAILURES, ids=lambda value: str(value)[:30])
def test_failures_and_what_is_left(
    attacker: hl.Sandbox, function: str, arguments: tuple[Any, ...], error: type[hl.HyperlightError], is_ready: bool
) -> None:
    with pytest.raises(error) as caught:
        attacker.call(function, *arguments)
    assert type(caught.value) is error
    assert type(caught.value).__module__ == "libhyperlight"
    assert "\n" not in str(caught.value)
    assert attacker.state == ("ready" if is_ready else "poisoned")
    if "seven" in arguments:
        assert "seven" in str(caught.value)
    if 7 in arguments:
        assert caught.value.guest_code == 7  # type: ignore[attr-defined]


def test_the_host_survives_whatever_a_guest_does(attacker: hl.Sandbox) -> None:
    attacker.evolve()
    snapshot = attacker.snapshot()
    for function in (
        "FaultWithoutStack",
        "Halt",
        "NonCanonicalRead",
        "DivideByZero",
        "ExecuteOnHeap",
        "CorruptOutputMagic",
    ):
        with pytest.raises(hl.HyperlightError):
            attacker.call(function)
        attacker.restore(snapshot)
        assert attacker.call("Echo", "alive") == "alive"


def test_a_fault_says_where(sandbox: hl.Sandbox) -> None:
    with pytest.raises(hl.GuestFault) as caught:
        sandbox.call("WriteAddress", 8, 1)
    fault = caught.value
    assert (fault.vector, fault.address, fault.access) == (14, 8, "write")
    assert fault.instruction > 0
    assert fault.function is not None and "demo" in fault.function


BASES = [
    (hl.InvalidArgument, ValueError, -1),
    (hl.HypervisorUnavailable, Exception, -2),
    (hl.GuestBinaryError, Exception, -3),
    (hl.ResourceError, Exception, -4),
    (hl.FunctionNotFound, Exception, -5),
    (hl.SignatureError, TypeError, -6),
    (hl.PayloadTooLarge, Exception, -7),
    (hl.GuestError, Exception, -8),
    (hl.HostFunctionError, Exception, -9),
    (hl.GuestAbort, Exception, -10),
    (hl.GuestFault, Exception, -11),
    (hl.GuestStackOverflow, hl.GuestFault, -12),
    (hl.GuestOutOfMemory, Exception, -13),
    (hl.GuestTimeout, TimeoutError, -14),
    (hl.Interrupted, Exception, -15),
    (hl.SandboxPoisoned, Exception, -16),
    (hl.SandboxBusy, Exception, -17),
    (hl.SandboxStateError, Exception, -18),
    (hl.SnapshotMismatch, Exception, -19),
    (hl.SnapshotFileError, Exception, -20),
    (hl.HyperlightIOError, OSError, -21),
    (hl.GuestProtocolError, Exception, -22),
    (hl.SandboxClosed, Exception, -23),
    (hl.PoolTimeout, TimeoutError, -24),
    (hl.HyperlightError, Exception, -99),
]


@pytest.mark.parametrize(("error", "base", "code"), BASES)
def test_the_error_table(error: type[hl.HyperlightError], base: type[Exception], code: int) -> None:
    assert issubclass(error, hl.HyperlightError)
    assert issubclass(error, base)
    assert error.code == code
    assert error.__doc__


def with_a_bad_start(elf: bytes) -> bytes:
    """The program with an illegal instruction where it is entered."""
    (entry, headers), (size, count) = struct.unpack_from("<QQ", elf, 24), struct.unpack_from("<HH", elf, 54)
    for at in range(headers, headers + size * count, size):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", elf, at)
        if kind == 1 and address <= entry < address + length:
            start = offset + entry - address
            return elf[:start] + b"\x0f\x0b" + elf[start + 2 :]
    raise ValueError("nothing is loaded where the program is entered")


def test_a_guest_that_fails_to_start(make: MakeSandbox) -> None:
    sandbox = make(with_a_bad_start(Path(os.environ["HYPERLIGHT_GUEST"]).read_bytes()))
    with pytest.raises(hl.GuestFault, match="illegal instruction"):
        sandbox.evolve()
    assert sandbox.state == "poisoned"
    for use in (sandbox.evolve, lambda: sandbox.snapshot(), lambda: sandbox.call("NoOp")):
        with pytest.raises(hl.SandboxPoisoned):
            use()
