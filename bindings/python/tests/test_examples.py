"""The examples, run as one would run them, and the README's code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "python"


def run(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    line = [sys.executable, "-W", "error", *arguments]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=50, env=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ("hello.py", "Hello, World! I am executing inside of a VM :)\n"),
        ("host_functions.py", "2 + 3 = 5\n"),
        ("plugins.py", "endless: GuestTimeout"),
        ("asynchronous.py", "calls"),
        ("javascript.py", "{'total': 7, 'missing': ['cake']}\n"),
        ("javascript.py", "our own error came back: 'gold'\n"),
        ("webassembly.py", "2 of item 1: 5.0\n11 of item 1: -1.0\na trap: "),
        ("webassembly.py", "words: guest host the wall\n"),
        ("webassembly.py", "an order: 10.5\n  it says: adding up\nan empty one: None\n"),
    ],
)
def test_example(example: str, expected: str) -> None:
    assert expected in run(str(EXAMPLES / example))


def test_webassembly_made_here(tmp_path: Path) -> None:
    """The programs that lie beside the examples are what their sources make."""
    subprocess.run([ROOT / "ci" / "programs", tmp_path], check=True, timeout=60)
    example = str(EXAMPLES / "webassembly.py")
    assert run(example, str(tmp_path)) == run(example)


@pytest.mark.once
def test_the_web_service() -> None:
    program = f"""
import sys
sys.path.insert(0, {str(EXAMPLES)!r})
from web_service import app
client = app.test_client()
def post(function, *arguments):
    response = client.post("/call/" + function, json=list(arguments))
    return response.status_code, response.get_json()
assert post("Fibonacci", 20) == (200, {{"result": 6765}}), post("Fibonacci", 20)
assert [post("AddToStatic", 1)[1]["result"] for _ in range(3)] == [1, 1, 1]
assert post("Nope")[0] == 404
assert post("Fibonacci", "x")[0] == 400
assert post("Fibonacci", 2**40)[0] == 400
assert post("Spin") == (504, {{"error": "the call took longer than its timeout of 1s"}}), post("Spin")
assert post("Panic", "x")[0] == 502
assert client.post("/call/NoOp", data="{{", content_type="application/json").status_code == 400
"""
    run("-c", program)


def test_the_readmes_examples() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert run("-c", blocks[0] + blocks[1]).split("\n")[-3:] == ["5", "hello Ada", ""]


def test_the_packages_example() -> None:
    readme = (ROOT / "bindings" / "python" / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert run("-c", blocks[0] + blocks[1]) == "hello from a virtual machine\nHello, World!\n"
