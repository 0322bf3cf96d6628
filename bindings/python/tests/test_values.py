"""Values: nothing lost, nothing invented."""

from __future__ import annotations

import enum
import math
import struct
from collections.abc import Iterator
from typing import Any

import libhyperlight as hl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RANGES = {
    "EchoI32": (-(2**31), 2**31 - 1),
    "EchoU32": (0, 2**32 - 1),
    "EchoI64": (-(2**63), 2**63 - 1),
    "EchoU64": (0, 2**64 - 1),
}
quick = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def echo(guest: hl.Guest) -> Iterator[hl.Sandbox]:
    with hl.Sandbox(guest) as sandbox:
        yield sandbox


@pytest.mark.parametrize("function", RANGES)
def test_integers_at_their_ends(echo: hl.Sandbox, function: str) -> None:
    low, high = RANGES[function]
    for value in (low, 0, 1, high):
        result = echo.call(function, value)
        assert result == value and type(result) is int
    for value in (low - 1, high + 1, 2**200, -(2**200)):
        with pytest.raises(OverflowError, match="argument 1"):
            echo.call(function, value)


@quick
@given(data=st.data(), function=st.sampled_from(sorted(RANGES)))
def test_integers(echo: hl.Sandbox, data: st.DataObject, function: str) -> None:
    value = data.draw(st.integers(*RANGES[function]))
    assert echo.call(function, value) == value


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@quick
@given(st.floats(allow_nan=True))
def test_f64(echo: hl.Sandbox, value: float) -> None:
    assert bits(echo.call("EchoDouble", value)) == bits(value)


@quick
@given(st.floats(width=32))
def test_f32(echo: hl.Sandbox, value: float) -> None:
    result = echo.call("EchoFloat", value)
    assert math.isnan(result) if math.isnan(value) else bits(result) == bits(value)


def test_f32_rounds_and_overflows(echo: hl.Sandbox) -> None:
    assert echo.call("EchoFloat", 0.1) == struct.unpack("f", struct.pack("f", 0.1))[0]
    assert echo.call("EchoFloat", math.inf) == math.inf
    with pytest.raises(OverflowError):
        echo.call("EchoFloat", 1e300)


@pytest.mark.parametrize("payload", [0x7FC00001, 0xFFC12345, 0x7F800001, 0xFFBFFFFF, 0x7FFFFFFF])
def test_a_nan_keeps_its_bits(echo: hl.Sandbox, payload: int) -> None:
    sign, mantissa = payload >> 31, payload & 0x7FFFFF
    value = struct.unpack("<d", struct.pack("<Q", sign << 63 | 0x7FF << 52 | mantissa << 29))[0]
    assert bits(echo.call("EchoDouble", value)) == bits(value)
    assert bits(echo.call("EchoFloat", value)) == bits(value)


@quick
@given(st.text())
def test_text(echo: hl.Sandbox, value: str) -> None:
    assert echo.call("Echo", value) == value


@quick
@given(st.binary(max_size=5000))
def test_bytes(echo: hl.Sandbox, value: bytes) -> None:
    for given_as in (value, bytearray(value), memoryview(value)):
        result = echo.call("EchoBytes", given_as)
        assert result == value and type(result) is bytes


def test_views_of_other_shapes(echo: hl.Sandbox) -> None:
    assert echo.call("EchoBytes", memoryview(b"abcdef")[::2]) == b"ace"
    assert echo.call("EchoBytes", memoryview(struct.pack("2i", 1, 2)).cast("i")) == struct.pack("2i", 1, 2)


def test_a_lone_surrogate(echo: hl.Sandbox) -> None:
    with pytest.raises(UnicodeEncodeError):
        echo.call("Echo", "\ud800")
    with pytest.raises(UnicodeEncodeError):
        echo.call("\udfff")
    assert echo.state == "ready"


class Number(enum.IntEnum):
    SEVEN = 7


class Index:
    def __index__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0


WRONG: list[tuple[str, Any]] = [
    *(("EchoI32", value) for value in (True, 1.0, "1", b"1", None, Index())),
    *(("EchoU64", value) for value in (False, 1.0, None)),
    *(("EchoBool", value) for value in (0, 1, None, "true")),
    *(("EchoDouble", value) for value in (1, True, "1.0", None, Index())),
    *(("EchoFloat", value) for value in (1, True)),
    *(("Echo", value) for value in (b"x", 1, None)),
    *(("EchoBytes", value) for value in ("x", [1, 2], 5, None)),
]


@pytest.mark.parametrize(("function", "value"), WRONG, ids=str)
def test_nothing_is_converted_silently(echo: hl.Sandbox, function: str, value: Any) -> None:
    with pytest.raises(TypeError, match="argument 1 of"):
        echo.call(function, value)
    assert echo.state == "ready"


def test_subclasses_are_what_they_are(echo: hl.Sandbox) -> None:
    assert echo.call("EchoI32", Number.SEVEN) == 7
    assert echo.call("EchoBool", True) is True
    assert echo.call("NoOp") is None


def test_every_kind_at_once(echo: hl.Sandbox) -> None:
    text = echo.call("DescribeAll", True, -1, 1, -2, 2, 1.5, 2.5, "t", b"\x01")
    for part in ("true", "-1", "-2", "1.5", "2.5", "t"):
        assert part in text
    assert echo.call("SumOfThirtyTwo", *range(32)) == sum(range(32))


ROUND_TRIPS: list[tuple[str, Any, Any]] = [
    ("Bool", bool, True),
    ("I32", hl.i32, -(2**31)),
    ("U32", hl.u32, 2**32 - 1),
    ("I64", int, -(2**63)),
    ("U64", hl.u64, 2**64 - 1),
    ("F32", hl.f32, 0.5),
    ("F64", float, 0.1),
    ("String", str, "é\0"),
    ("VecBytes", bytes, b"\0\xff"),
]


@pytest.mark.parametrize(("name", "kind", "value"), ROUND_TRIPS)
def test_through_a_host_function(guest: hl.Guest, name: str, kind: Any, value: Any) -> None:
    seen: list[Any] = []

    def host_echo(argument: Any) -> Any:
        seen.append(argument)
        return argument

    sandbox = hl.Sandbox(guest)
    sandbox.register(f"HostEcho{name}", host_echo, params=[kind], returns=kind)
    with sandbox:
        result = sandbox.call(f"RoundTripHost{name}", value)
    assert result == value and seen == [value]
    assert type(result) is type(seen[0]) is type(value)


@pytest.mark.parametrize(
    ("returned", "error"),
    [("5", TypeError), (True, TypeError), (None, TypeError), (5.0, TypeError), (2**31, OverflowError)],
)
def test_a_result_that_does_not_fit(guest: hl.Guest, returned: Any, error: type[Exception]) -> None:
    sandbox = hl.Sandbox(guest)
    sandbox.register("HostEchoI32", lambda value: returned, params=[hl.i32], returns=hl.i32)
    with sandbox, pytest.raises(error, match="HostEchoI32"):
        sandbox.call("RoundTripHostI32", 1)
