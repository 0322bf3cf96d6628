"""Runs every function call behind its own hypervisor wall.

A guest is a small program whose functions are called by name. It runs in a virtual machine of its own, a sandbox. It
can reach this process only through the host functions that it is given.

    import libhyperlight as hl

    with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
        print(sandbox.call("Echo", "hi"))

``python -m libhyperlight doctor`` checks that this machine can run sandboxes.
"""

import logging as _logging

try:
    from ._libhyperlight import VERSION as __version__
    from ._libhyperlight import Guest, Sandbox, Snapshot, probe
except ImportError as _error:
    from ._platform import explain as _explain

    raise ImportError(_explain(_error)) from _error

from . import _errors
from ._compiler import WasmProgram
from ._errors import *  # noqa: F403
from ._host import HostFunction
from ._javascript import JavaScript, JavaScriptPool
from ._options import CompileOptions, LoadOptions, PoolOptions, SandboxOptions
from ._pool import PoolStatistics, SandboxPool
from ._program import WasmSignature
from ._signature import Signature, f32, f64, i32, i64, u32, u64
from ._wasi import Wasi
from ._wasm import Wasm, WasmPool

__all__ = [
    "CompileOptions",
    "Guest",
    "HostFunction",
    "JavaScript",
    "JavaScriptPool",
    "LoadOptions",
    "PoolOptions",
    "PoolStatistics",
    "Sandbox",
    "SandboxOptions",
    "SandboxPool",
    "Signature",
    "Snapshot",
    "Wasi",
    "Wasm",
    "WasmPool",
    "WasmProgram",
    "WasmSignature",
    "__version__",
    "f32",
    "f64",
    "i32",
    "i64",
    "probe",
    "u32",
    "u64",
]
__all__ += _errors.__all__

for _name in __all__:
    # Tracebacks and documentation show the names that programs import.
    if getattr(globals()[_name], "__module__", "").startswith("libhyperlight."):
        globals()[_name].__module__ = "libhyperlight"
del _name

# A library is silent unless the program asks for its records.
_logging.getLogger("libhyperlight").addHandler(_logging.NullHandler())
