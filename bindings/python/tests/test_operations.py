"""The scripts of ``tests/values/operations.txt``, which all languages replay: what sandboxes answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libhyperlight as hl
import pytest

TABLE = Path(__file__).resolve().parents[3] / "tests" / "values" / "operations.txt"

CODES = {
    "BUSY": hl.SandboxBusy,
    "CLOSED": hl.SandboxClosed,
    "FUNCTION_NOT_FOUND": hl.FunctionNotFound,
    "GUEST_ABORT": hl.GuestAbort,
    "GUEST_ERROR": hl.GuestError,
    "INTERRUPTED": hl.Interrupted,
    "POISONED": hl.SandboxPoisoned,
    "SNAPSHOT_MISMATCH": hl.SnapshotMismatch,
    "STATE": hl.SandboxStateError,
    "TIMEOUT": hl.GuestTimeout,
}


# The source `script`.
SCRIPT = """
let count = 0
globalThis.add = (a, b) => a + b; globalThis.next = () => count += 1; globalThis.spin = () => { for (;;) {} }
"""


@dataclass
class Step:
    """What is done, what must come of it, and what is done in the host function that it calls."""

    number: int
    words: list[str]
    answer: str
    says: str
    inside: list[Step] = field(default_factory=list)


def scripts() -> list[Any]:
    """Those of the table; in an sdist, which has not all of the library's tests, there are none."""
    found: dict[str, list[Step]] = {}
    steps: list[Step] = []
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("script "):
            steps = found[line.removeprefix("script ")] = []
            continue
        done, _, expected = line.removeprefix("| ").partition(" -> ")
        answer, _, says = (expected or "ok").partition(": ")
        (steps[-1].inside if line.startswith("| ") else steps).append(Step(number, done.split(" "), answer, says))
    return [pytest.param(steps, id=name) for name, steps in found.items()]


class Player:
    def __init__(self) -> None:
        self.snapshots: dict[str, hl.Snapshot] = {}
        self.inside: list[Step] = []
        # What one step has shown in a host function, which must not pass through a guest.
        self.failures: list[BaseException] = []

    def play(self, steps: list[Step]) -> None:
        for step in steps:
            self.inside = step.inside
            text = ""
            try:
                answer = self.do(*step.words)
            except hl.HyperlightError as error:
                text = str(error)
                answer = next((code for code, kind in CODES.items() if type(error) is kind), repr(error))
            if self.failures:
                raise self.failures[0]
            assert answer == step.answer, (step.number, step.words, text)
            assert step.says in text, (step.number, step.words, text)
            assert not self.inside, (step.number, "never inside")

    def look(self) -> None:
        inside, self.inside = self.inside, []
        try:
            self.play(inside)
        except AssertionError as error:
            self.failures.append(error)
            self.inside = []

    def do(self, operation: str, *words: str) -> str:
        if operation == "new":
            self.sandbox = self.make(*words)
            return "ok"
        if operation == "state":
            return self.sandbox.state
        if operation in ("interrupt", "unregister"):
            return str(getattr(self.sandbox, operation)(*words)).lower()
        if operation == "functions":
            assert len(self.sandbox.functions) > 0
        elif operation == "register":
            self.sandbox.register(words[0], self.look, params=[], returns=None)
        elif operation == "snapshot":
            self.snapshots[words[0]] = self.sandbox.snapshot()
        elif operation == "restore":
            self.sandbox.restore(self.snapshots.get(words[0]) or demo_snapshot())
        elif operation == "call":
            return self.call(words, None)
        elif operation == "call_for":
            return self.call(words[1:], int(words[0]) / 1000)
        else:
            getattr(self.sandbox, operation)(*words)
        return "ok"

    def call(self, words: tuple[str, ...], timeout: float | None) -> str:
        arguments = [int(word[4:]) if word[:4] in ("i32:", "u32:") else word for word in words[1:]]
        result = self.sandbox.call(words[0], *arguments, timeout=timeout)
        # A number as JavaScript writes it.
        return "ok" if result is None else "NaN" if result != result else str(result)

    def make(self, source: str) -> hl.Sandbox | hl.JavaScript:
        if source == "script":
            return hl.JavaScript(SCRIPT)
        if source == "demo":
            return hl.Sandbox(hl.Guest.builtin("demo"))
        if source == "broken":
            return hl.Sandbox(hl.Guest.builtin("javascript").with_payload(b"throw new Error('no')"))
        if source == "clone":
            start = hl.Sandbox(hl.Guest.builtin("demo"))
            start.register("Look", self.look, params=[], returns=None)
            with start:
                return hl.Sandbox(start.snapshot())
        assert source == "member"
        self.pool = hl.SandboxPool(demo_snapshot(), size=1)
        return self.pool.acquire()


def demo_snapshot() -> hl.Snapshot:
    with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
        return sandbox.snapshot()


@pytest.mark.parametrize("steps", scripts())
def test_every_script_is_answered_as_the_table_says(steps: list[Step]) -> None:
    Player().play(steps)
