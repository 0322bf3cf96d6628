"""The exceptions: one class for each code of the engine's error table."""

from __future__ import annotations

from typing import Any


class HyperlightError(Exception):
    """Everything that goes wrong here. Raised itself for a bug of the library's own, contained."""

    code: int = -99
    """The number of the error table, the same in every language."""


class InvalidArgument(HyperlightError, ValueError):
    """An argument that no sandbox could accept."""

    code = -1


class HypervisorUnavailable(HyperlightError):
    """There is no usable hypervisor; the message says why, and what mends it."""

    code = -2


class GuestBinaryError(HyperlightError):
    """The guest program cannot be loaded."""

    code = -3


class ResourceError(HyperlightError):
    """The host lacks memory, file descriptors or virtual machines."""

    code = -4


class FunctionNotFound(HyperlightError):
    """There is no function of that name."""

    code = -5


class SignatureError(HyperlightError, TypeError):
    """The arguments do not fit the function's signature."""

    code = -6


class PayloadTooLarge(HyperlightError):
    """A payload does not fit its buffer; the message names the option to raise."""

    code = -7


class GuestError(HyperlightError):
    """The guest function returned an error. The sandbox is ready."""

    code = -8
    guest_code: int = 0
    """The number that the guest returned."""
    name: str | None = None
    """Of what a script threw: its name, such as "TypeError". This and what follows is the guest's own word."""
    text: str | None = None
    """Its message alone."""
    stack: str | None = None
    """Where it was thrown, one line for each function."""
    thrown_code: Any = None
    """Its ``code``; ``code`` itself is the error table's."""
    value: Any = None
    """What was thrown, if that was no error and is a value."""
    cause: Any = None
    """Its ``cause``: a GuestError, which is ``__cause__`` too unless a host function's exception is, or any value."""
    errors: tuple[Any, ...] = ()
    """Those that an AggregateError is about: GuestErrors, or any values."""


class GuestAbort(HyperlightError):
    """The guest panicked or gave up. The sandbox is poisoned."""

    code = -10
    guest_code: int = 0
    """The number that the guest gave up with."""


class GuestFault(HyperlightError):
    """The guest did something that the processor or the wall forbids. The sandbox is poisoned."""

    code = -11
    vector: int = 0
    """The number of the processor's exception (Intel SDM vol. 3A, table 6-1)."""
    instruction: int = 0
    """The guest address of the instruction."""
    address: int = 0
    """The guest address that it wanted; 0 without a memory access."""
    access: str | None = None
    """What for: "read", "write" or "execute"; None without a memory access."""
    function: str | None = None
    """The guest's function that the instruction is in, if the guest program has symbols."""


class GuestStackOverflow(GuestFault):
    """The guest used up its stack; raise stack_size, or recurse less. The sandbox is poisoned."""

    code = -12


class GuestOutOfMemory(HyperlightError):
    """The guest used up its heap; raise heap_size. The sandbox is poisoned."""

    code = -13


class GuestTimeout(HyperlightError, TimeoutError):
    """The call took longer than it may. The sandbox is poisoned."""

    code = -14


class Interrupted(HyperlightError):
    """The call was interrupted. The sandbox is poisoned."""

    code = -15


class SandboxPoisoned(HyperlightError):
    """An earlier call was stopped in the middle; only a restore mends the sandbox."""

    code = -16


class SandboxBusy(HyperlightError):
    """The sandbox is in use: by another thread, or by the call that this came from."""

    code = -17


class SandboxStateError(HyperlightError):
    """The sandbox is in the wrong state for this."""

    code = -18


class SnapshotMismatch(HyperlightError):
    """The snapshot does not belong to this guest, or needs other host functions."""

    code = -19


class SnapshotFileError(HyperlightError):
    """The snapshot file is damaged, or of another version or processor."""

    code = -20


class HyperlightIOError(HyperlightError, OSError):
    """Reading or writing a file failed."""

    code = -21


class GuestProtocolError(HyperlightError):
    """The guest broke the wire contract. The sandbox is poisoned."""

    code = -22


class SandboxClosed(HyperlightError):
    """The sandbox, or the pool, was closed."""

    code = -23


class PoolTimeout(HyperlightError, TimeoutError):
    """No member of the pool came free in time."""

    code = -24
