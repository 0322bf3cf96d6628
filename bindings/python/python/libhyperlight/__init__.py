"""Runs every function call behind its own hypervisor wall.

A guest is a small program whose functions are called by name; it runs in a virtual machine of its own, a sandbox, and
may touch of this process what it is given: host functions.

    import libhyperlight as hl

    with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
        print(sandbox.call("Echo", "hi"))

``python -m libhyperlight doctor`` says whether this machine can do it.
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
from ._pool import PoolStatistics, SandboxPool
from ._program import WasmSignature
from ._signature import Signature, f32, f64, i32, i64, u32, u64
from ._wasi import Wasi
from ._wasm import Wasm, WasmPool

__all__ = [
    "Guest",
    "HostFunction",
    "JavaScript",
    "JavaScriptPool",
    "PoolStatistics",
    "Sandbox",
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
    # Names in tracebacks and documentation are those by which programs import them.
    if getattr(globals()[_name], "__module__", "").startswith("libhyperlight."):
        globals()[_name].__module__ = "libhyperlight"
del _name

# A library is silent unless the program asks for its records.
_logging.getLogger("libhyperlight").addHandler(_logging.NullHandler())
