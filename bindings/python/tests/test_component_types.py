"""Values of components that travel as JSON, by their types: what fits comes back, what does not is refused by name."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import libhyperlight as hl
import pytest
from libhyperlight._libhyperlight import _Type
from libhyperlight._program import Function
from libhyperlight._signature import _code

parse = _Type.parse


@pytest.mark.parametrize(
    ("text", "value", "json"),
    [
        ("list<u64>", [1, 2**64 - 1], "[1,18446744073709551615]"),
        ("list<s8>", [-128, 127], "[-128,127]"),
        ("list<bool>", [True, False], "[true,false]"),
        ("list<char>", ["ß"], '["ß"]'),
        ("list<list<u8>>", [b"\0\xff"], "[[0,255]]"),
        ("list<u32, 3>", [1, 2, 3], "[1,2,3]"),
        ("list<f64>", [0.1, -0.0, math.inf, -math.inf], '[0.1,-0.0,"Infinity","-Infinity"]'),
        ("list<f32>", [0.5], "[0.5]"),
        ("tuple<u8, string>", (1, "x"), '[1,"x"]'),
        ("(i64, f32, f64, i32)", (2**40, 0.5, 1e300, -1), "[1099511627776,0.5,1e300,-1]"),
        ("record { x: s32, y: option<f64> }", {"x": 1, "y": None}, '{"x":1,"y":null}'),
        ("variant { a(s32), b, c(record { z: bool }) }", {"c": {"z": True}}, '{"c":{"z":true}}'),
        ("variant { a(s32), b }", "b", '"b"'),
        ("enum { red, light-green }", "light-green", '"light-green"'),
        ("flags { r, w }", {"w"}, '["w"]'),
        ("option<list<string>>", None, "null"),
        ("option<list<string>>", [""], '[""]'),
        ("option<option<u8>>", None, "null"),
        ("option<option<u8>>", {"some": None}, '{"some":null}'),
        ("option<option<u8>>", {"some": 1}, '{"some":1}'),
        ("result", {"ok": None}, '{"ok":null}'),
        ("result<u8>", {"err": None}, '{"err":null}'),
        ("result<_, string>", {"err": "x"}, '{"err":"x"}'),
        ("map<string, list<u8>>", {"a": b"b"}, '[["a",[98]]]'),
    ],
)
def test_values_come_back(text: str, value: Any, json: str) -> None:
    ty = parse(text)
    assert ty.encode(value, "it") == json
    assert ty.decode(json) == value


def test_numbers_that_json_does_not_have() -> None:
    assert parse("list<f32>").encode([math.nan], "it") == '["NaN"]'
    assert math.isnan(parse("list<f32>").decode('["NaN"]')[0])


@pytest.mark.parametrize(
    ("text", "value", "error", "message"),
    [
        ("list<u8>", [1], TypeError, "it must be bytes, bytearray or memoryview, not list"),
        ("list<s8>", [0, 128], OverflowError, "it[1] does not fit s8"),
        ("list<u64>", [True], TypeError, "it[0] must be int (u64), not bool"),
        ("list<f32>", [3.5e38], OverflowError, "it[0] does not fit f32"),
        ("list<f64>", [1], TypeError, "it[0] must be float (f64), not int"),
        ("list<char>", ["ab"], ValueError, "it[0] must be one character, found 2"),
        ("list<string>", "text", TypeError, "it must be a list, not str"),
        ("tuple<u8>", (1, 2), TypeError, "it must be a tuple of 1, not tuple"),
        ("record { x: s32 }", {}, TypeError, "it lacks the field `x`"),
        ("record { x: s32 }", {"x": 1, "q": 2}, TypeError, "it has no field 'q'; it has `x`"),
        ("list<record { x: s32 }>", [{"x": 1}, {"x": "1"}], TypeError, "it[1]['x'] must be int (s32), not str"),
        ("enum { a }", "b", ValueError, "it must be one of `a`, found 'b'"),
        ("variant { a(s32), b }", "a", TypeError, "it must be a dict from `a` to its value"),
        ("variant { a(s32), b }", {"b": 1}, TypeError, "it must be `b` without a value"),
        ("result", "ok", TypeError, "it must be one of `ok`, `err`, not str"),
        ("flags { a }", ["q"], ValueError, "it may have `a`, found 'q'"),
        ("flags { a }", "a", TypeError, "it must be a set or list of `a`, not str"),
        ("option<option<u8>>", 1, TypeError, "it must be None or a dict from `some` to the value, not int"),
        ("map<string, u8>", {"a": 256}, OverflowError, "it['a'] does not fit u8"),
    ],
)
def test_values_that_do_not_fit(text: str, value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        parse(text).encode(value, "it")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "json"),
    [
        ("list<u8>", "[256]"),
        ("list<u8>", "{"),
        ("list<s32>", '["x"]'),
        ("list<f64>", '["x"]'),
        ("record { x: s32 }", "[]"),
        ("enum { a }", '"q"'),
        ("tuple<u8>", "[1,2]"),
        ("map<list<s32>, s32>", "[[[1],2]]"),
        ("map<tuple<list<s32>, u8>, s32>", "[[[[1],2],3]]"),
    ],
)
def test_what_a_hostile_guest_may_write(text: str, json: str) -> None:
    with pytest.raises(hl.GuestProtocolError):
        parse(text).decode(json)


def deep_inside(frames: int, work: Callable[[], Any]) -> Any:
    return work() if frames == 0 else deep_inside(frames - 1, work)


def test_deep_types() -> None:
    """Neither reading a type nor a value of it takes of Python's own stack by how deep it is."""

    def check() -> None:
        value: Any = (7,)
        for _ in range(511):
            value = [value]
        ty = parse("list<" * 511 + "tuple<u16>" + ">" * 511)
        text = ty.encode(value, "it")
        assert text == "[" * 512 + "7" + "]" * 512
        while isinstance(value, (list, tuple)):
            (value,) = value
        found = ty.decode(text)
        while isinstance(found, (list, tuple)):
            (found,) = found
        assert found == 7

    check()
    deep_inside(sys.getrecursionlimit() - 120, check)
    with pytest.raises(hl.GuestBinaryError, match="1024 levels"):
        parse("list<" * 100_000)


class Unprintable:
    def __repr__(self) -> str:
        raise OSError("no text")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("record { x: u8 }", {10**5000: 1}),
        ("record { x: u8 }", {Unprintable(): 1}),
        ("map<string, u8>", {Unprintable(): 1}),
        ("flags { a }", [10**5000]),
        ("variant { a(u8) }", {10**5000: 1}),
    ],
)
def test_what_has_no_text_is_refused_all_the_same(text: str, value: Any) -> None:
    with pytest.raises(
        (TypeError, hl.InvalidArgument), match=r"^it .*a (int|Unprintable)|^it \(the key a Unprintable\)"
    ):
        parse(text).encode(value, "it")


def test_many_cases_and_many_values() -> None:
    """A program has many cases and fields, and a value few of them: neither is multiplied."""
    cases = parse("list<variant { " + ", ".join(f"c{at}" for at in range(20_000)) + ", last(u8) }>")
    fields = parse("list<record { " + ", ".join(f"c{at}: option<u8>" for at in range(5000)) + ", last: u8 }>")
    values = [{"last": 1}] * 5000
    began = time.process_time()
    text = cases.encode(values, "it")
    assert fields.encode(values, "it") == text
    assert cases.decode(text) == values
    assert time.process_time() - began < 5
    with pytest.raises(TypeError, match=r"^it\[0\] lacks the field `last`$"):
        fields.encode([{"c1": 2}], "it")
    with pytest.raises(hl.GuestProtocolError, match=r"one of `c0`, .*, and 19981 more, not dict"):
        parse("list<enum { " + ", ".join(f"c{at}" for at in range(20_001)) + " }>").decode('[{"c1": 2}]')


@pytest.mark.parametrize(
    ("ty", "kind", "fits", "values", "error"),
    [
        ("u8", hl.u32, 255, [256, 4_000_000_000], OverflowError),
        ("u16", hl.u32, 65535, [65536], OverflowError),
        ("s8", hl.i32, -128, [-129, 128], OverflowError),
        ("s16", hl.i32, 32767, [32768], OverflowError),
        ("char", str, "ß", ["", "ab"], ValueError),
    ],
)
def test_values_of_a_single_kind(ty: str, kind: Any, fits: Any, values: list[Any], error: type[Exception]) -> None:
    """A kind has more values than some types: a hostile guest may send any, and is sent none, whichever way they go."""
    slot = (_code(kind), False, parse(ty))
    function = Function(f"(it: {ty}) -> {ty}", [slot], slot)
    host_function = function.host_function("f", lambda value: value)
    assert function.lifted(fits) == host_function(fits) == fits
    assert function.lowered("f", (fits,)) == (fits,)
    for value in values:
        with pytest.raises(hl.GuestProtocolError):
            function.lifted(value)
        with pytest.raises(hl.GuestProtocolError):
            host_function(value)
        with pytest.raises(error, match=r"^argument 1 of `f` "):
            function.lowered("f", (value,))
        returns = Function(f"() -> {ty}", [], slot).host_function("f", lambda value=value: value)
        with pytest.raises(error, match=r"^the result of the host function `f` "):
            returns()
