"""The cases of ``tests/options``, which all bindings replay: values of options, and what is said of them."""

from __future__ import annotations

import inspect
import math
import re
from pathlib import Path
from typing import Any

import libhyperlight as hl
import pytest
from libhyperlight import _options

OPTIONS = Path(__file__).resolve().parents[3] / "tests" / "options" / "cases.tsv"

ERRORS = {
    "GuestBinary": hl.GuestBinaryError,
    "InvalidArgument": hl.InvalidArgument,
    "OverflowError": OverflowError,
    "SnapshotFile": hl.SnapshotFileError,
    "Timeout": hl.GuestTimeout,
    "TypeError": TypeError,
}
WORDS = {"text": "text", "true": True, "nan": math.nan, "half": 1.5, "nothing": []}


def cases() -> list[Any]:
    """Those of the file; in an sdist, which has not all of the library's tests, there are none."""
    if not OPTIONS.exists():
        return []
    lines = [line.split("\t") for line in OPTIONS.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    return [pytest.param(*line[:3], line[4], id=" ".join(line[:3])) for line in lines]


def spelled(option: str) -> str:
    return {"max": "size"}.get(option, option)


def value_of(option: str, value: str) -> Any:
    if value in WORDS:
        return WORDS[value]
    if option not in ("timeout", "cpu_time", "acquire_timeout", "compile_timeout"):
        return int(value)
    return math.inf if int(value) == 2**64 - 1 else int(value) / 1e9


@pytest.fixture(scope="module")
def snapshot() -> hl.Snapshot:
    with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
        return sandbox.snapshot()


def use(of: str, options: dict[str, Any], snapshot: hl.Snapshot, folder: Path) -> None:
    if of == "sandbox":
        hl.Sandbox(hl.Guest.builtin("demo"), **options).close()
    elif of == "call":
        with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
            sandbox.call("Spin", **options)
    elif of == "pool":
        hl.SandboxPool(snapshot, **options).close()
    elif of == "load":
        snapshot.save(folder / "x.hls")
        hl.Snapshot.load(folder / "x.hls", **options)
    else:
        hl.Wasm(b"\0asm\1\0\0\0", **options).close()


@pytest.mark.parametrize(("of", "option", "value", "answer"), cases())
def test_an_option_is_answered_as_in_every_language(
    of: str, option: str, value: str, answer: str, snapshot: hl.Snapshot, tmp_path: Path
) -> None:
    options = {spelled(option): value_of(option, value)}
    if answer == "ok":
        use(of, options, snapshot, tmp_path)
        return
    name, _, text = answer.partition(":")
    with pytest.raises(ERRORS[name]) as caught:
        use(of, options, snapshot, tmp_path)
    assert type(caught.value) is ERRORS[name]
    assert text in str(caught.value)


UNKNOWN = [
    (lambda **options: hl.Sandbox(hl.Guest.builtin("demo"), **options), "heapsize", ", but heap_size; there are "),
    (lambda **options: hl.Sandbox(hl.Guest.builtin("demo"), **options), "timeoutMs", ", but timeout; there are "),
    (lambda **options: hl.Sandbox(hl.Guest.builtin("demo"), **options), "memory", '"memory"; there are heap_size, '),
    (lambda **options: hl.JavaScript("", **options), "moduels", 'JavaScript has no option "moduels", but modules;'),
    (lambda **options: hl.Wasm(b"", **options), "compile_time", ", but compile_timeout; there are "),
    (lambda **options: hl.JavaScript("").pool(**options), "max", 'JavaScript.pool has no option "max", but size;'),
    (
        lambda **options: hl.Snapshot.load("x", **options),
        "maxsize",
        ", but max_size; there are max_size, max_heap_size",
    ),
]


@pytest.mark.parametrize(("make", "name", "text"), UNKNOWN)
def test_an_unknown_option_is_told_which_one_is_meant(make: Any, name: str, text: str) -> None:
    for value in (1, None):
        with pytest.raises(TypeError) as caught:
            make(**{name: value})
        assert text in str(caught.value)


def test_help_lists_every_option() -> None:
    for kind in (_options.SandboxOptions, _options.PoolOptions, _options.LoadOptions, _options.CompileOptions):
        # Python 3.13 takes the common indentation away when it compiles; `cleandoc` does it everywhere.
        text = f"{inspect.cleandoc(kind.__doc__)}\n{inspect.cleandoc(_options.Limits.__doc__)}"
        for name in kind.__annotations__:
            assert re.search(rf"^    {name}: ", text, re.MULTILINE)
