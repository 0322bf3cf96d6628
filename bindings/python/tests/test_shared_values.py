"""The cases of ``tests/values``, which all bindings replay: what a guest may send, and what comes of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libhyperlight as hl
import pytest
from libhyperlight._integers import from_decimal
from libhyperlight._libhyperlight import _of_script, _Type

VALUES = Path(__file__).resolve().parents[3] / "tests" / "values"

# What messages say of each word of the corpus.
SAYS = {
    "syntax": ("is expected at byte",),
    "kind": ("must be", "cannot be"),
    "range": ("does not fit", "out of range"),
    "char": ("one character", "surrogate"),
    "name": ("found", "has no", "twice"),
    "arity": ("must have", "lacks", "needs"),
    "escape": ("$bytes:", "$bigint:", "$number:"),
    "depth": ("the limit is 512",),
    "large": ("2**65536", "the limit is 1024 pairs"),
}


def cases(file: str) -> list[Any]:
    """Those of a file; in an sdist, which has not all of the library's tests, there are none."""
    path = VALUES / file
    if not path.exists():
        return []
    return [pytest.param(case, id=case["about"]) for case in json.loads(path.read_text(encoding="utf-8"))]


def text(parts: Any) -> str:
    if isinstance(parts, str):
        return parts
    return "".join(
        part if isinstance(part, str) else part["repeat"]["text"] * part["repeat"]["count"] for part in parts
    )


def value(form: Any) -> Any:
    """What a form of the corpus is in Python."""
    if not isinstance(form, dict):
        return form
    ((name, said),) = form.items()
    if name == "nested":
        depth, inner = said
        inner = value(inner)
        for _ in range(depth):
            inner = [inner]
        return inner
    make: dict[str, Callable[[], Any]] = {
        "text": lambda: text(said),
        "int": lambda: from_decimal(text(said)),
        "float": lambda: float(said),
        "bytes": lambda: bytes.fromhex(text(said)),
        "list": lambda: [value(item) for item in said],
        "tuple": lambda: tuple(value(item) for item in said),
        "map": lambda: {value(key): value(item) for key, item in said},
        "object": lambda: {key: value(item) for key, item in said},
        "flags": lambda: set(said),
        "case": lambda: said[0] if len(said) == 1 else {said[0]: value(said[1])},
        "some": lambda: {"some": value(said)},
        "undefined": lambda: None,
    }
    return make[name]()


def is_same(found: Any, wanted: Any) -> bool:
    """Equal, also in kind, and NaN to NaN, without Python's own stack."""
    pairs = [(found, wanted)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, (list, tuple)):
            if len(one) != len(other):
                return False
            pairs += zip(one, other, strict=True)
        elif isinstance(one, dict):
            if list(one) != list(other) and one.keys() != other.keys():
                return False
            pairs += ((one[key], other[key]) for key in one)
        elif isinstance(one, float):
            if not (math.isnan(one) and math.isnan(other)) and (one, math.copysign(1, one)) != (
                other,
                math.copysign(1, other),
            ):
                return False
        elif one != other:
            return False
    return True


def replay(case: Any, decode: Callable[[str], Any]) -> None:
    wire = text(case["wire"])
    began = time.process_time()
    try:
        found = decode(wire)
    except hl.HyperlightError as error:
        took = time.process_time() - began
        assert "error" in case, f"refused: {error}"
        is_too_large = case["error"] in ("depth", "large")
        assert type(error) is (hl.PayloadTooLarge if is_too_large else hl.GuestProtocolError)
        assert any(word in str(error) for word in SAYS[case["error"]]), str(error)
        assert len(str(error)) < 500
    else:
        took = time.process_time() - began
        assert "error" not in case, f"taken, for {type(found).__name__}"
        assert is_same(found, value(case["expect"]))
    assert took < 1


@pytest.mark.parametrize("case", cases("components.json"))
def test_what_components_send(case: Any) -> None:
    replay(case, _Type.parse(case["type"]).decode)


@pytest.mark.parametrize("case", cases("scripts.json"))
def test_what_scripts_send(case: Any) -> None:
    replay(case, _of_script)
