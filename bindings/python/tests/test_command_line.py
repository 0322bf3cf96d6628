"""``python -m libhyperlight``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import libhyperlight as hl
import pytest


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    line = [sys.executable, "-W", "error", "-m", "libhyperlight", *arguments]
    return subprocess.run(line, capture_output=True, timeout=30, env={**os.environ, **environment})


def test_doctor() -> None:
    ended = command("doctor")
    text = ended.stdout.decode()
    assert ended.returncode == 0, text
    for part in (hl.__version__, "Python", "/dev/kvm", "works", "test call", "µs", "JavaScript", "WebAssembly"):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["Echo", "hi"], b"hi\n"),
        (["EchoI32", "-5"], b"-5\n"),
        (["EchoU64", "0xff"], b"255\n"),
        (["EchoDouble", "1.5"], b"1.5\n"),
        (["EchoBool", "true"], b"true\n"),
        (["EchoBytes", "00ff"], b"\x00\xff"),
        (["NoOp"], b""),
        (["PrintOutput", "x"], b"x1\n"),
    ],
)
def test_call(arguments: list[str], output: bytes) -> None:
    function, *words = arguments
    ended = command("call", "demo", function, "--", *words)
    assert (ended.returncode, ended.stdout) == (0, output), ended.stderr


def test_call_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"\x01\x02")
    ended = command("call", os.environ["HYPERLIGHT_GUEST"], "SetByteArrayToZero", f"@{tmp_path}/data")
    assert (ended.returncode, ended.stdout) == (0, b"\0\0"), ended.stderr


def test_call_lists_functions() -> None:
    assert b"Add(i32, i32) -> i32\n" in command("call", "demo").stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nope", "Echo", "hi"], "InvalidArgument"),
        (["./nope", "Echo", "hi"], "HyperlightIOError"),
        (["demo", "Nope"], "FunctionNotFound"),
        (["demo", "Echo"], "SignatureError"),
        (["demo", "EchoI32", "x"], "ValueError"),
        (["demo", "EchoI32", "4294967296"], "OverflowError"),
        (["demo", "Spin", "--timeout", "0.05"], "GuestTimeout"),
    ],
)
def test_call_fails_in_one_line(arguments: list[str], why: str) -> None:
    ended = command("call", *arguments)
    assert ended.returncode == 1
    assert ended.stderr.decode().startswith(why) and ended.stderr.count(b"\n") == 1
