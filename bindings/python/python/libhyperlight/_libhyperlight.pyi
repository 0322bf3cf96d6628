import os
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, final, overload

from typing_extensions import Unpack

from ._options import CompileOptions, LoadOptions, PoolOptions, SandboxOptions
from ._signature import Signature

__all__ = [
    "VERSION",
    "Guest",
    "Sandbox",
    "Snapshot",
    "_Pool",
    "_Type",
    "_WasmProgram",
    "_all_of_script",
    "_all_to_script",
    "_compile_bounds",
    "_guest_from_parts",
    "_of_script",
    "_prepare_by",
    "_refuse_option",
    "_snapshot_from_bytes",
    "_to_script",
    "probe",
]

_F = TypeVar("_F", bound=Callable[..., Any])

_Surroundings: TypeAlias = tuple[Sequence[str], Sequence[tuple[str, str]], Sequence[tuple[str, bytes]]]

# A kind's number, whether the value travels as JSON, and its type, if it does or if its kind has more values.
_Slot: TypeAlias = tuple[int, bool, _Type | None]
# Its name, its signature, its parameters and its result.
_Function: TypeAlias = tuple[str, str, list[_Slot], _Slot | None]

VERSION: Final[str]

def probe() -> None:
    """Checks that sandboxes can be made here; raises HypervisorUnavailable or ResourceError if they cannot."""

@final
class Guest:
    def __new__(cls, source: str | os.PathLike[str] | bytes | bytearray | memoryview, /) -> Guest: ...
    @staticmethod
    def builtin(name: str, /) -> Guest:
        """Loads a guest program that the library carries: "demo", "javascript" or "wasm"."""
    def with_payload(self, data: bytes | bytearray | memoryview, /, *, executable: bool = False) -> Guest:
        """Makes a copy of the guest with a payload added to its image: data, or code compiled for it."""
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class _WasmProgram:
    @staticmethod
    def compile(
        wasm: bytes,
        wasi: _Surroundings,
        max_program_size: int,
        compile_timeout_ns: int,
        compile_threads: int,
    ) -> _WasmProgram: ...
    @staticmethod
    def load(saved: bytes) -> _WasmProgram: ...
    def with_wasi(self, wasi: _Surroundings) -> _WasmProgram: ...
    def to_bytes(self) -> bytes: ...
    def code(self) -> bytes: ...
    def config(self) -> bytes: ...
    def description(self) -> tuple[list[_Function], list[_Function], list[str]]: ...

@final
class Sandbox:
    def __new__(
        cls,
        source: Guest | Snapshot | str | os.PathLike[str] | bytes | bytearray | memoryview,
        /,
        *,
        print: Callable[[str], object] | None = None,
        **options: Unpack[SandboxOptions],
    ) -> Sandbox: ...
    def register(
        self,
        name: str,
        function: Callable[..., Any],
        /,
        *,
        params: Sequence[Any] = ...,
        returns: Any = ...,
        open_arity: bool = False,
    ) -> None:
        """Registers a host function, before evolve; its signature is that of its annotations unless it is given.

        The signature includes parameters with defaults only with ``open_arity``. Otherwise guests cannot pass them.
        """
    def unregister(self, name: str, /) -> bool:
        """Removes a host function, before evolve. Returns True if there was one of that name."""
    @overload
    def host_function(self, function: _F, /) -> _F: ...
    @overload
    def host_function(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        params: Sequence[Any] = ...,
        returns: Any = ...,
        open_arity: bool = False,
    ) -> Callable[[_F], _F]: ...
    def evolve(self, *, timeout: float | None = None, cpu_time: float | None = None) -> None:
        """Starts the guest, as the first call does; SandboxStateError if it has started.

        Args:
            timeout, cpu_time: seconds, and seconds of processor time, that this may take, in place of the sandbox's.
        """
    def call(self, function: str, /, *args: Any, timeout: float | None = None, cpu_time: float | None = None) -> Any:
        """Calls a guest function.

        The first call also starts the guest, as evolve does; its limits cover both together.

        Args:
            function: its name.
            args: its arguments, of exactly the types of its signature; see functions.
            timeout: seconds that this call may take, in place of the sandbox's. A host function is not cut short.
            cpu_time: seconds of processor time that it may use, in place of the sandbox's.

        Raises:
            FunctionNotFound, SignatureError, OverflowError, UnicodeEncodeError: nothing was called.
            PayloadTooLarge: arguments or result do not fit; the message names the option to raise.
            GuestError: the function returned an error.
            GuestTimeout, Interrupted, GuestAbort, GuestFault, GuestOutOfMemory, GuestProtocolError: the guest was
                stopped in the middle, and the sandbox is poisoned.
            SandboxPoisoned, SandboxBusy, SandboxClosed: the sandbox cannot be called.
        """
    def snapshot(self) -> Snapshot:
        """Takes a snapshot of a ready sandbox; else SandboxStateError, SandboxPoisoned or SandboxBusy."""
    def restore(self, snapshot: Snapshot, /) -> None:
        """Restores the guest to the snapshot; a poisoned sandbox is ready again.

        SnapshotMismatch: it is of another guest or other sizes, or needs other host functions.
        """
    def interrupt(self) -> bool:
        """Cancels the running call, from any thread; returns True if there was one. The call raises Interrupted."""
    def close(self) -> None:
        """Destroys the virtual machine, or gives it back to its pool: now, or when the running call ends."""
    @property
    def state(self) -> str:
        """ "uninitialized", "ready", "running", "poisoned" or "closed"."""
    @property
    def functions(self) -> Mapping[str, Signature]:
        """The guest's functions, in its own order, once it has started."""
    def __enter__(self) -> Sandbox: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
    def __reduce__(self) -> NoReturn: ...

@final
class Snapshot:
    def save(self, path: str | os.PathLike[str], /) -> None:
        """Writes it to a file, atomically; HyperlightIOError if that fails. Only the owner can read the file.

        Only a regular file is replaced: not a folder, a FIFO, a device, a socket or a symbolic link.
        """
    @staticmethod
    def load(path: str | os.PathLike[str], /, **options: Unpack[LoadOptions]) -> Snapshot:
        """Reads it from a file, which is not needed afterwards; HyperlightIOError or SnapshotFileError if it cannot."""
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class _Pool:
    def __new__(
        cls,
        snapshot: Snapshot,
        /,
        *,
        print: Callable[[str], object] | None = None,
        **options: Unpack[PoolOptions],
    ) -> _Pool: ...
    def register(
        self,
        name: str,
        function: Callable[..., Any],
        /,
        *,
        params: Sequence[Any] = ...,
        returns: Any = ...,
        open_arity: bool = False,
    ) -> None: ...
    def acquire(self) -> Sandbox: ...
    def call(
        self, function: str, /, *args: Any, timeout: float | None = None, cpu_time: float | None = None
    ) -> Any: ...
    @staticmethod
    def refuse_use() -> NoReturn: ...
    def stats(self) -> tuple[int, int, int, int, int, float]: ...
    def close(self) -> None: ...

@final
class _Type:
    """A type of a WebAssembly program."""

    @staticmethod
    def parse(text: str) -> _Type:
        """Parses a type from its text, as the compiler writes it."""
    @property
    def is_narrow(self) -> bool:
        """Returns True if its kind on the wire has more values than the type."""
    def encode(self, value: Any, what: str, /) -> str:
        """Encodes a value, which errors call ``what``."""
    def decode(self, text: str, /) -> Any:
        """Decodes a guest's text; untrusted."""
    def take(self, value: Any, /) -> Any:
        """Checks a value that a guest sent as a wider kind."""

def _all_of_script(text: str, /) -> Any: ...
def _all_to_script(values: tuple[Any, ...], what: str, /) -> str: ...
def _compile_bounds(**options: Unpack[CompileOptions]) -> tuple[int, int, int]: ...
def _guest_from_parts(source: str | bytes, payloads: Sequence[tuple[bytes, bool]]) -> Guest: ...
def _of_script(text: str, /) -> Any: ...
def _prepare_by(sandbox: Sandbox, calls: Sequence[tuple[str, Sequence[str]]]) -> None: ...
def _refuse_option(what: str, name: str, known: Sequence[str]) -> NoReturn: ...
def _snapshot_from_bytes(data: bytes) -> Snapshot: ...
def _to_script(value: Any, what: str, /) -> str: ...
