"""The options, for type checkers. Written by ``cargo xtask generate``: do not edit.

They are made of the table of options, ``core/src/options``. None is the same as an option that is left out.
"""

from __future__ import annotations

from typing import TypedDict


class Limits(TypedDict, total=False):
    """Limits of each call, and those of time for the start, too.

    Args:
        timeout: Time limit of evolve and of each call. In seconds: unlimited by default, and with
            math.inf.
        cpu_time: Limit on the calling thread's processor time for evolve and for each call, host
            functions included. In seconds: unlimited by default, and with math.inf.
        max_host_calls: Host functions that one call may call. Calling more fails inside the guest.
            Unlimited by default.
        max_log_bytes: Bytes of log records that one call may send to the host's logger. Records beyond it
            are counted and dropped. 1 MiB by default.
        max_print_bytes: Bytes that one call may print through `HostPrint`. Printing more fails inside the
            guest. 16 MiB by default.
    """

    timeout: float | None
    cpu_time: float | None
    max_host_calls: int | None
    max_log_bytes: int | None
    max_print_bytes: int | None


class SandboxOptions(Limits, total=False):
    """Sizes of a sandbox, and its Limits.

    Args:
        heap_size: The guest's heap. In bytes: 16 MiB by default, at least 4 KiB, at most 16 GiB.
        stack_size: The guest's stack. In bytes: 1 MiB by default, at least 16 KiB, at most 1 GiB.
        input_size: Room for the arguments of a call, and for the result of a host function. In bytes: 1
            MiB by default, at least 4 KiB, at most 256 MiB.
        output_size: Room for the result of a call, and for the arguments of a host function. In bytes: 1
            MiB by default, at least 4 KiB, at most 256 MiB.
    """

    heap_size: int | None
    stack_size: int | None
    input_size: int | None
    output_size: int | None


class PoolOptions(Limits, total=False):
    """The size of a pool, and the Limits of its members.

    Args:
        size: Maximum number of members, in use and idle. Twice the processors of the machine by default.
        min_idle: Idle members kept in reserve, as far as the pool's size allows. None by default.
        acquire_timeout: Time that an acquisition waits while all members are in use. In seconds:
            unlimited by default, and with math.inf, not at all with 0.
    """

    size: int | None
    min_idle: int | None
    acquire_timeout: float | None


class LoadOptions(TypedDict, total=False):
    """Bounds of what a snapshot file may bring.

    Args:
        max_size: Bound on the memory in the file, and on its guest's program and payloads, zeros
            included. In bytes: 1 GiB by default.
        max_heap_size: Bound on the heap, on the stack and on each call buffer, even where the file holds
            nothing of them. In bytes: 1 GiB by default.
    """

    max_size: int | None
    max_heap_size: int | None


class CompileOptions(TypedDict, total=False):
    """What a WebAssembly program may ask of its compiler.

    Args:
        max_program_size: Maximum size of the program, in bytes. In bytes: 64 MiB by default.
        compile_timeout: Time limit of compiling, waiting for a turn included. Compiling may take some
            seconds longer. In seconds: 1 minute by default, unlimited with math.inf.
        compile_threads: Maximum number of processors that compile, shared by all programs that are
            compiled at the same time. All that are available to the process by default.
    """

    max_program_size: int | None
    compile_timeout: float | None
    compile_threads: int | None
