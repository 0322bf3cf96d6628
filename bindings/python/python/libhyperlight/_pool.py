"""Pools."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from ._errors import SandboxClosed
from ._host import HostFunction, HostFunctions, checked
from ._libhyperlight import Sandbox, Snapshot, _Pool


class PoolStatistics(NamedTuple):
    """What a pool has done and has."""

    in_use: int
    """Members that somebody has acquired."""
    idle: int
    """Members that are ready."""
    created: int
    """Members that were made."""
    replaced: int
    """Members that could not be brought back, and were dropped."""
    waits: int
    """Acquisitions that had to wait."""
    waited: float
    """How long they waited, together, in seconds."""


class PoolExecutor(Executor):
    """What all pools are: members that are as the snapshot has them, and threads for what is submitted."""

    def __init__(self, pool: _Pool, size: int | None) -> None:
        self._pool = pool
        self._size = size
        self._workers: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    @abstractmethod
    def _call(self, function: str, args: tuple[Any, ...], timeout: float | None, cpu_time: float | None) -> Any:
        """Calls a function of a member."""

    def call(self, function: str, /, *args: Any, timeout: float | None = None, cpu_time: float | None = None) -> Any:
        """Calls a function in a pristine sandbox.

        Raises what ``acquire`` and the sandbox's ``call`` raise.
        """
        self._check_open()
        return self._call(function, args, timeout, cpu_time)

    def submit(  # type: ignore[override]  # names a guest's function in place of a callable
        self, function: str, /, *args: Any, timeout: float | None = None, cpu_time: float | None = None
    ) -> Future[Any]:
        """Calls a function in a pristine sandbox, on a thread of the pool's own.

        Cancelling the future works until the call begins; ``timeout`` ends one that has begun.
        """
        with self._lock:
            self._check_open()
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self._size, thread_name_prefix="libhyperlight")
            return self._workers.submit(self._call, function, args, timeout, cpu_time)

    def map(  # type: ignore[override]  # as above
        self, function: str, /, *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Any]:
        """Calls a function with the first elements, with the second ones, …; the results come in that order.

        Args:
            timeout: seconds until a result that is asked for must be there; TimeoutError if it is not. The calls go
                on: their own limit is the pool's.
            chunksize: means nothing here.
        """
        return super().map(function, *iterables, timeout=timeout)  # type: ignore[arg-type]

    def stats(self) -> PoolStatistics:
        """What the pool has done and has."""
        return PoolStatistics(*self._pool.stats())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more work. Waits for what was submitted, unless told otherwise."""
        with self._lock:
            self._is_closed = True
            workers = self._workers
        if workers is not None:
            workers.shutdown(wait, cancel_futures=cancel_futures)
            if not wait:
                return
        self._pool.close()

    def close(self) -> None:
        """Takes no more work, waits for what was submitted, and lets go of the members. May be repeated.

        Whoever else still waits for a member gets SandboxClosed. Members that are out stay usable.
        """
        self.shutdown()

    def _check_open(self) -> None:
        if self._is_closed:
            raise SandboxClosed("the pool was closed")

    def _member(self) -> Sandbox:
        self._check_open()
        return self._pool.acquire()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' closed' if self._is_closed else ''}>"

    def __reduce__(self) -> Any:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled: pickle its Snapshot, and make a pool of that there"
        )


class SandboxPool(PoolExecutor):
    """Sandboxes kept ready from one snapshot: whoever gets one has it as the snapshot has it.

    Also a ``concurrent.futures`` executor, whose work is named by the guest's functions: ``pool.submit("Echo", "hi")``.

    Args:
        snapshot: what every member is at first.
        size: members at most, in use and idle; twice the processors if left out.
        min_idle: idle members that are kept in reserve.
        acquire_timeout: seconds to wait while all members are in use; for ever if left out, not at all if 0.
        host_functions: what guests may call, by name: callables with annotations, pairs of a callable and its
            Signature, or HostFunctions. They are called on the threads that call members, on several at once.
        print: takes the text that guests print, in place of ``sys.stdout.write``.
        timeout, cpu_time, max_host_calls, max_log_bytes, max_print_bytes: limits of each call, as in Sandbox.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        size: int | None = None,
        min_idle: int | None = None,
        acquire_timeout: float | None = None,
        timeout: float | None = None,
        cpu_time: float | None = None,
        max_host_calls: int | None = None,
        max_log_bytes: int | None = None,
        max_print_bytes: int | None = None,
        print: Callable[[str], object] | None = None,
        host_functions: HostFunctions | None = None,
    ) -> None:
        pool = _Pool(
            snapshot,
            size=size,
            min_idle=min_idle,
            acquire_timeout=acquire_timeout,
            timeout=timeout,
            cpu_time=cpu_time,
            max_host_calls=max_host_calls,
            max_log_bytes=max_log_bytes,
            max_print_bytes=max_print_bytes,
            print=print,
        )
        super().__init__(pool, size)
        for name, function in checked(host_functions).items():
            HostFunction.of(function)._register(pool, name)

    def acquire(self) -> Sandbox:
        """A member, exclusively: ``with pool.acquire() as sandbox: …`` gives it back, as does ``sandbox.close()``.

        Waits in the order of arrival while all are in use.

        Raises:
            PoolTimeout: none came free within acquire_timeout.
            SandboxClosed: the pool was closed.
            SnapshotMismatch: the pool lacks host functions that the snapshot needs; all are listed.
        """
        return self._member()

    def _call(self, function: str, args: tuple[Any, ...], timeout: float | None, cpu_time: float | None) -> Any:
        return self._pool.call(function, *args, timeout=timeout, cpu_time=cpu_time)

    def __enter__(self) -> SandboxPool:
        return self
