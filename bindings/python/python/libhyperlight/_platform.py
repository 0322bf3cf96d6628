"""Description of this machine, for those who cannot use the library on it."""

from __future__ import annotations

import platform
import sys


def explain(error: ImportError) -> str:
    """Explains why the native module cannot be imported, as far as the platform tells."""
    libc = " ".join(platform.libc_ver()).strip() or "a libc that is not glibc"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    here = f"{platform.system()} {platform.machine()} with {libc}, {python}"
    supported = "Linux x86_64 with glibc, CPython 3.10 or later, in the main interpreter"
    return f"the native module of libhyperlight cannot be loaded: {error} (this is {here}; it runs on {supported})"


def describe() -> list[tuple[str, str]]:
    """Lists the lines of ``doctor`` that do not depend on a hypervisor."""
    libc = " ".join(platform.libc_ver()).strip() or "not glibc"
    return [
        ("Python", f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"),
        ("machine", f"{platform.system()} {platform.release()}, {platform.machine()}, {libc}"),
        ("processor", _processor()),
    ]


def _processor() -> str:
    fields: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                fields.setdefault(name.strip(), value.strip())
    except OSError:
        return "unknown"
    flags = fields.get("flags", "").split()
    virtualisation = "VT-x" if "vmx" in flags else "SVM" if "svm" in flags else "no vmx or svm flag"
    return f"{fields.get('model name', 'unknown')} ({virtualisation})"
