"""Values on their way between Python and scripts: all kinds of them, their limits, and what is no value."""

from __future__ import annotations

import inspect
import json
import math
import sys
import time
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import libhyperlight as hl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libhyperlight._libhyperlight import _of_script as decode

from conftest import MakeScript


@pytest.fixture(scope="module")
def echo() -> Iterator[hl.JavaScript]:
    with hl.JavaScript("function echo(value) { return value }", timeout=20.0) as js:
        yield js


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        2**53 - 1,
        -(2**53) + 1,
        2**53,
        -(2**200),
        0.5,
        -1e300,
        5e-324,
        math.inf,
        -math.inf,
        "",
        "Grüße, 世界 🎉 \0 \u2028",
        "\ud800 alone",
        b"",
        bytes(range(256)),
        [],
        [[1, [2, [3]]], None],
        {},
        {"a": [1, {"b": b"c"}], "": None, "__proto__x": 1},
        {"$bytes": "AAAA"},
        {"$bigint": 1, "other": 2},
        {"$": 1},
        {"$$bytes": {"$number": "NaN"}},
    ],
)
def test_values_come_back(echo: hl.JavaScript, value: Any) -> None:
    found = echo.call("echo", value)
    assert found == value
    assert type(found) is type(value)


def test_numbers(echo: hl.JavaScript) -> None:
    assert math.isnan(echo.call("echo", math.nan))
    minus = echo.call("echo", -0.0)
    assert minus == 0 and math.copysign(1, minus) == -1
    # JavaScript has one type for both.
    assert echo.call("echo", 2.0) == 2
    assert echo.eval("9007199254740993n") == 9007199254740993
    assert echo.eval("1n") == 1
    assert [echo.eval(number) for number in ("1e21", "0.1+0.2", "-0.5")] == [1e21, 0.1 + 0.2, -0.5]


def test_other_forms_of_values(echo: hl.JavaScript) -> None:
    assert echo.call("echo", (1, 2)) == [1, 2]
    assert echo.call("echo", bytearray(b"ab")) == b"ab"
    assert echo.call("echo", memoryview(b"abcd")[::2]) == b"ac"
    assert echo.call("echo", [{}, {"a": ()}]) == [{}, {"a": []}]


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a": {1, 2}}, [lambda: None], 1j])
def test_what_is_no_value(echo: hl.JavaScript, value: Any) -> None:
    with pytest.raises(TypeError, match="an argument of `echo` is no JSON value"):
        echo.call("echo", value)


def test_what_contains_itself(echo: hl.JavaScript) -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="contains itself"):
        echo.call("echo", value)
    assert echo.call("echo", 1) == 1


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def levels(value: list[Any]) -> int:
    found = 1
    while value:
        (value,) = value
        found += 1
    return found


def from_deep_inside(frames: int, work: Callable[[], Any]) -> Any:
    """Calls that from so many frames further in."""
    return work() if frames == 0 else from_deep_inside(frames - 1, work)


def frames_left() -> int:
    used = len(inspect.stack(0))
    return sys.getrecursionlimit() - used - 60


def test_deep_values_cross_both_ways(script: MakeScript) -> None:
    """Case 9, also where the caller has used up most of Python's own stack."""
    seen: list[Any] = []
    js = script(
        "function echo(v) { return v } function ask(v) { return host.take(v) }",
        host_functions={"take": lambda v: seen.append(v) or v},
    )
    for name in ("echo", "ask"):
        found = js.call(name, nested(512))
        assert levels(found) == 512
        assert levels(js.call(name, found)) == 512
    assert [levels(value) for value in seen] == [512, 512]
    assert levels(from_deep_inside(frames_left(), lambda: js.call("echo", nested(512)))) == 512


def test_values_that_are_too_deep(script: MakeScript) -> None:
    js = script(
        "function deep(n) { let v = []; for (let i = 1; i < n; i++) v = [v]; return v } function echo(v) { return v }"
    )
    why = "nested more than 512 levels deep; the limit is 512"
    for value in (nested(513), {"a": nested(512)}, nested(100_000)):
        with pytest.raises(hl.PayloadTooLarge, match=f"an argument of `echo` is {why}"):
            js.call("echo", value)
    with pytest.raises(hl.PayloadTooLarge, match="512"):
        js.call("deep", 513)
    answering = script("function ask() { return host.take() }", host_functions={"take": lambda: nested(513)})
    with pytest.raises(hl.PayloadTooLarge, match=f"the result of the host function `take` is {why}"):
        answering.call("ask")
    assert answering.state == "ready"
    # What is too large is not broken.
    assert js.state == "ready"
    assert levels(js.call("deep", 512)) == 512
    # What a hostile guest may write.
    for text in ("[" * 513, "[" * 1_000_000, '{"a":' * 514, "[" * 512 + '{"$$a":1}'):
        with pytest.raises(hl.PayloadTooLarge, match=f"the guest's value is {why}"):
            decode(text)
        with pytest.raises(hl.PayloadTooLarge):
            from_deep_inside(frames_left(), lambda text=text: decode(text))
    leaf = decode("[" * 512 + '{"$bytes":"AA=="}' + "]" * 512)
    for _ in range(512):
        (leaf,) = leaf
    assert leaf == b"\0"


@pytest.mark.parametrize("limit", [640, 4300, 0])
def test_big_integers(script: MakeScript, limit: int) -> None:
    """Case 8: whatever the interpreter is set to, which stays so."""
    js = script("function power(n) { return 10n ** BigInt(n) } function echo(v) { return v }")
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(limit)
    try:
        for number in (10**6000, -(10**6000), 2**65536 - 1, 1 - 2**65536, 10**511, 10**512, 10**1024 - 1):
            assert js.call("echo", number) == number
        assert js.call("power", 6000) == 10**6000
        for number in (2**65536, -(2**65536)):
            with pytest.raises(hl.PayloadTooLarge, match=r"2\*\*65536"):
                js.call("echo", number)
        with pytest.raises(hl.PayloadTooLarge, match="65536"):
            js.eval("2n ** 65536n")
        assert js.state == "ready"
        assert sys.get_int_max_str_digits() == limit
    finally:
        sys.set_int_max_str_digits(before)


def test_zeros_in_front_of_a_big_integer_cost_no_more_than_their_length() -> None:
    """What a hostile guest may write: how many digits there may be is said of those that count."""
    for sign in ("", "-"):
        began = time.process_time()
        found = decode('{"$bigint":"' + sign + "0" * (4 << 20) + "9" * 25 + '"}')
        assert found == int(sign + "9" * 25)
        assert time.process_time() - began < 5


@pytest.mark.timeout(300)
def test_large_texts_cross_in_linear_time(script: MakeScript) -> None:
    js = script(
        "function echo(v) { return v }", timeout=100, heap_size=256 << 20, input_size=64 << 20, output_size=64 << 20
    )
    for text in ("x" * (16 << 20), '"\\' * (4 << 20)):
        assert js.call("echo", text) == text
        began = time.process_time()
        assert decode(json.dumps(text)) == text
        assert time.process_time() - began < 5


def test_classes_of_the_callers_own(echo: hl.JavaScript) -> None:
    """Values of derived classes are what they derive from, in their own order."""

    class Number(int):
        pass

    class Text(str):
        __slots__ = ()

    ordered = OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    assert list(echo.call("echo", ordered)) == ["b", "a"]
    assert echo.call("echo", [Number(5), Number(2**70), Text("x"), namedtuple("Pair", "a b")(1, 2)]) == [
        5,
        2**70,
        "x",
        [1, 2],
    ]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["$a", "$bytes", "$$"]), inner),
    max_leaves=20,
)


def same(found: Any, value: Any) -> bool:
    """Equal, where whole floats have become ints."""
    if isinstance(value, list):
        return len(found) == len(value) and all(map(same, found, value))
    if isinstance(value, dict):
        return found.keys() == value.keys() and all(same(found[key], value[key]) for key in value)
    if isinstance(value, bool) or isinstance(found, bool):
        return found is value
    return bool(found == value)


@settings(deadline=None, max_examples=200)
@given(VALUES)
def test_all_values_come_back(echo: hl.JavaScript, value: Any) -> None:
    assert same(echo.call("echo", value), value)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "NaN",
        "[1,]",
        '{"$bytes": "?"}',
        '{"$bytes": 1}',
        '{"$bigint": "1_0"}',
        '{"$bigint": 1}',
        '{"$number": "1"}',
        '{"$number": []}',
    ],
)
def test_what_a_hostile_guest_may_write(text: str) -> None:
    with pytest.raises(hl.GuestProtocolError):
        decode(text)
