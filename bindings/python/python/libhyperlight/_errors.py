"""The exceptions: one class for each code of the engine's error table.

Written by `cargo xtask generate` from core/src/error/code.rs; not edited by hand.
"""

from __future__ import annotations

from ._error_fields import AbortFields, FaultFields, HyperlightError, ThrownFields

__all__ = [
    "FunctionNotFound",
    "GuestAbort",
    "GuestBinaryError",
    "GuestError",
    "GuestFault",
    "GuestOutOfMemory",
    "GuestProtocolError",
    "GuestStackOverflow",
    "GuestTimeout",
    "HostFunctionError",
    "HyperlightError",
    "HyperlightIOError",
    "HypervisorUnavailable",
    "Interrupted",
    "InvalidArgument",
    "PayloadTooLarge",
    "PoolTimeout",
    "ResourceError",
    "SandboxBusy",
    "SandboxClosed",
    "SandboxPoisoned",
    "SandboxStateError",
    "SignatureError",
    "SnapshotFileError",
    "SnapshotMismatch",
]


class InvalidArgument(HyperlightError, ValueError):
    """An argument that no sandbox could accept. The sandbox is unchanged."""

    code = -1


class HypervisorUnavailable(HyperlightError):
    """There is no usable hypervisor; the message says why and what mends it."""

    code = -2


class GuestBinaryError(HyperlightError):
    """The guest program cannot be loaded."""

    code = -3


class ResourceError(HyperlightError):
    """The host lacks memory, file descriptors or virtual machines. The sandbox is unchanged, or poisoned if this
    struck inside a call."""

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


class GuestError(HyperlightError, ThrownFields):
    """The guest function returned an error. The sandbox is ready."""

    code = -8


class HostFunctionError(HyperlightError):
    """A host function failed, and the guest passed its error on."""

    code = -9


class GuestAbort(HyperlightError, AbortFields):
    """The guest panicked or gave up. The sandbox is poisoned."""

    code = -10


class GuestFault(HyperlightError, FaultFields):
    """The guest did something that the processor or the hypervisor forbids. The sandbox is poisoned."""

    code = -11


class GuestStackOverflow(GuestFault):
    """The guest used up its stack. The sandbox is poisoned."""

    code = -12


class GuestOutOfMemory(HyperlightError):
    """The guest used up its heap. The sandbox is poisoned."""

    code = -13


class GuestTimeout(HyperlightError, TimeoutError):
    """The call took longer than it may. The sandbox is poisoned."""

    code = -14


class Interrupted(HyperlightError):
    """The call was interrupted. The sandbox is poisoned."""

    code = -15


class SandboxPoisoned(HyperlightError):
    """An earlier call was stopped in the middle. Only a restore mends the sandbox."""

    code = -16


class SandboxBusy(HyperlightError):
    """The sandbox is in use: by another thread, or by the call that this came from. The sandbox is unchanged."""

    code = -17


class SandboxStateError(HyperlightError):
    """The sandbox is in the wrong state for this, such as one that has not started. The sandbox is unchanged."""

    code = -18


class SnapshotMismatch(HyperlightError):
    """A snapshot does not belong to this guest, or needs other host functions."""

    code = -19


class SnapshotFileError(HyperlightError):
    """A snapshot file is damaged, or of another version or processor."""

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
