"""The package as it is shipped: what is in it, what it says it runs on, its types."""

from __future__ import annotations

import inspect
import json
import os
import posixpath
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import libhyperlight as hl
import pytest
from libhyperlight import _libhyperlight

from conftest import RunPython

HERE = Path(__file__).parent
MODULES = ("__init__.py", "_libhyperlight.pyi", "py.typed")
MB = 10**6


def dist(pattern: str) -> Path:
    (found,) = Path(os.environ["HYPERLIGHT_DIST"]).glob(pattern)
    return found


def tool(*arguments: str) -> str:
    ended = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return " ".join((ended.stdout + ended.stderr).split())


def test_it_is_the_installed_package_that_is_tested() -> None:
    assert "site-packages" in str(hl.__file__)


def test_the_wheel() -> None:
    wheel = dist("*.whl")
    assert "-cp310-abi3-manylinux_" in wheel.name and wheel.name.endswith("_x86_64.whl")
    assert wheel.stat().st_size < 15 * MB
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        # Without the compiler, which few need, it is small.
        assert archive.getinfo("libhyperlight/_libhyperlight.abi3.so").compress_size < 3 * MB
        (folder,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        metadata = archive.read(f"{folder}/METADATA").decode().splitlines()
        files = {line.partition(": ")[2] for line in metadata if line.startswith("License-File: ")}
        assert files == {"LICENSE", "LICENSES-THIRD-PARTY"}
        assert "Apache License" in archive.read(f"{folder}/licenses/LICENSE").decode()
        licences = archive.read(f"{folder}/licenses/LICENSES-THIRD-PARTY").decode()
    for module in (*MODULES, "libhyperlight_wasm.so"):
        assert f"libhyperlight/{module}" in names
    for carried in ("pyo3 ", "rquickjs-sys ", "wasmtime ", "cranelift-codegen ", "libm "):
        assert f"\n{carried}" in licences
    # Each has a text.
    works = [line for line in licences.partition("\n====")[0].split("\n\n")[1].splitlines() if line]
    assert len(works) > 100
    for work in works:
        numbers = re.fullmatch(r"[^:]+ [0-9.]+[^:]*: \S.* \[(\d+(?:, \d+)*)\](?:  \S+)?", work)
        assert numbers, work
        for number in numbers[1].split(", "):
            assert f"\n[{number}]\n\n" in licences
    for text in ("Fabrice Bellard", "LLVM Exceptions to the Apache 2.0 License", "UNICODE LICENSE V3"):
        assert text in licences
    assert "/root" not in licences and "/home" not in licences


def test_the_compiler_is_loaded_when_it_is_wanted(run_python: RunPython) -> None:
    program = """
import libhyperlight as hl
def is_loaded():
    with open("/proc/self/maps") as maps:
        return "libhyperlight_wasm.so" in maps.read()
before = is_loaded()
hl.Wasm(b"\\0asm\\1\\0\\0\\0")
print(before, is_loaded())
"""
    ended = run_python(program)
    assert (ended.stdout, ended.stderr) == ("False True\n", "")


def test_the_sdist() -> None:
    with tarfile.open(dist("*.tar.gz")) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
        guests = archive.extractfile(f"{archive.getnames()[0].partition('/')[0]}/sdk/Cargo.toml")
        assert guests
        (members,) = re.findall(r"^members = (\[.*\])$", guests.read().decode(), re.MULTILINE)
    for path in (
        *(f"python/libhyperlight/{module}" for module in MODULES),
        "core/Cargo.toml",
        "abi/Cargo.toml",
        "sdk/.cargo/config.toml",
        "sdk/Cargo.lock",
        "runtimes/javascript/guest/Cargo.toml",
        "sdk/libc/mod.rs",
        "runtimes/wasm/guest/Cargo.toml",
        "runtimes/wasm/compiler/Cargo.toml",
        "runtimes/wasm/library/src/lib.rs",
        "LICENSE",
        "LICENSES-THIRD-PARTY",
    ):
        assert path in names
    # A workspace is whole or nothing.
    for member in json.loads(members):
        assert posixpath.normpath(f"sdk/{member}/Cargo.toml") in names
    assert not [name for name in names if "/target/" in name]


@pytest.mark.once
@pytest.mark.timeout(300)
def test_platform_tags() -> None:
    wheel = str(dist("*.whl"))
    # Of both libraries together: each alone may need less.
    platforms = wheel.removesuffix(".whl").rpartition("-")[2].split(".")
    shown = tool("auditwheel", "show", wheel)
    assert any(f'is consistent with the following platform tag: "{platform}"' in shown for platform in platforms)
    assert "0 ABI version mismatches and 0 ABI violations" in tool(
        "abi3audit", "--strict", "--summary", "--verbose", wheel
    )


@pytest.mark.once
@pytest.mark.timeout(300)
def test_the_stubs_are_what_is_there() -> None:
    assert Path(str(hl.__file__)).with_name("_libhyperlight.pyi").exists()
    assert "Success" in tool("mypy.stubtest", "libhyperlight._libhyperlight")


@pytest.mark.once
@pytest.mark.timeout(300)
def test_types() -> None:
    config = str(HERE.parent / "pyproject.toml")
    tool("mypy", "--config-file", config, "-p", "libhyperlight")
    program = Path(os.environ["HYPERLIGHT_DIST"]) / "typed.py"
    program.write_text(
        "import libhyperlight as hl\n"
        "sandbox = hl.Sandbox(hl.Guest.builtin('demo'), timeout=2)\n"
        "@sandbox.host_function\n"
        "def HostAdd(a: hl.i32, b: hl.i32) -> hl.i32:\n"
        "    return a + b\n"
        "with sandbox as running:\n"
        "    reveal_type(running.snapshot())\n"
        "    reveal_type(HostAdd(1, 2))\n"
        "with hl.JavaScript('', host_functions={'len': len}).pool(size=1) as scripts, scripts.acquire() as script:\n"
        "    script.call('f', {'a': [1, b'']}, timeout=1)\n"
        "    reveal_type(script)\n"
        "with hl.Wasm(b'', wasi=hl.Wasi(args=['x'], files={'a': b'b'})) as wasm:\n"
        "    reveal_type(wasm.run())\n"
    )
    output = tool("mypy", "--config-file", config, str(program))
    assert "libhyperlight.Snapshot" in output or "_libhyperlight.Snapshot" in output
    assert "JavaScript" in output
    assert output.count('"int"') == 2


def test_everything_public_is_documented() -> None:
    for name in hl.__all__:
        value = getattr(hl, name)
        if inspect.isclass(value) and value not in (int, float):
            assert value.__doc__, name
            for attribute, member in vars(value).items():
                if not attribute.startswith("_") and callable(member):
                    assert member.__doc__, f"{name}.{attribute}"
    assert hl.__version__ == _libhyperlight.VERSION


def test_an_import_that_fails_says_where_it_would_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from libhyperlight._platform import explain

    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    text = explain(ImportError("wrong ELF class"))
    for part in ("wrong ELF class", "riscv64", "not glibc", "x86_64 with glibc"):
        assert part in text
