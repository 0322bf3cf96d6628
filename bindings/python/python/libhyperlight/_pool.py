"""Pools."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from ._host import HostFunction, HostFunctions, checked
from ._keywords import check_names
from ._libhyperlight import Sandbox, Snapshot, _Pool
from ._options import PoolOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class PoolStatistics(NamedTuple):
    """Statistics of a pool."""

    in_use: int
    """Members in use."""
    idle: int
    """Members that are ready."""
    created: int
    """Members made so far."""
    replaced: int
    """Members dropped because they could not be restored."""
    waits: int
    """Acquisitions that had to wait."""
    waited: float
    """Total time that acquisitions waited, in seconds."""


class PoolExecutor(Executor):
    """Base of all pools: members in the snapshot's state, and threads for submitted work."""

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

        Raises the errors of ``acquire`` and of the sandbox's ``call``.
        """
        self._check_open()
        return self._call(function, args, timeout, cpu_time)

    def submit(  # type: ignore[override]  # names a guest's function in place of a callable
        self, function: str, /, *args: Any, timeout: float | None = None, cpu_time: float | None = None
    ) -> Future[Any]:
        """Calls a function in a pristine sandbox, on a thread of the pool's own.

        The future can be cancelled until the call begins; ``timeout`` ends a call that has begun.
        """
        with self._lock:
            self._check_open()
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self._size or None, thread_name_prefix="libhyperlight")
            return self._workers.submit(self._call, function, args, timeout, cpu_time)

    def map(  # type: ignore[override]  # as above
        self, function: str, /, *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1
    ) -> Iterator[Any]:
        """Calls a function with the first elements, then the second ones, …; the results are in that order.

        Args:
            timeout: seconds until a requested result must be there; otherwise TimeoutError. The calls continue: their
                own limit is the pool's.
            chunksize: ignored.
        """
        return super().map(function, *iterables, timeout=timeout)  # type: ignore[arg-type]

    def stats(self) -> PoolStatistics:
        """Returns the statistics of the pool."""
        return PoolStatistics(*self._pool.stats())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accepts no more work. Waits for submitted work, unless told otherwise."""
        with self._lock:
            self._is_closed = True
            workers = self._workers
        if workers is not None:
            workers.shutdown(wait, cancel_futures=cancel_futures)
            if not wait:
                return
        self._pool.close()

    def close(self) -> None:
        """Accepts no more work, waits for submitted work, and releases the members. May be repeated.

        Other callers that still wait for a member get SandboxClosed. Members in use stay usable.
        """
        self.shutdown()

    def _check_open(self) -> None:
        if self._is_closed:
            self._pool.refuse_use()

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
    """Sandboxes kept ready from one snapshot: every caller gets one in the snapshot's state.

    It is also a ``concurrent.futures`` executor of the guest's functions: ``pool.submit("Echo", "hi")``.

    Args:
        snapshot: the initial state of every member.
        host_functions: callables by name: callables with annotations, pairs of a callable and its Signature, or
            HostFunctions. They run on the threads that call members, on several at once.
        print: takes the text that guests print, in place of ``sys.stdout.write``.
        options: its size and the limits of its members; PoolOptions has them all.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        print: Callable[[str], object] | None = None,
        host_functions: HostFunctions | None = None,
        **options: Unpack[PoolOptions],
    ) -> None:
        check_names("SandboxPool", options, PoolOptions, SandboxPool)
        pool = _Pool(snapshot, print=print, **options)
        super().__init__(pool, options.get("size"))
        for name, function in checked(host_functions).items():
            HostFunction.of(function)._register(pool, name)

    def acquire(self) -> Sandbox:
        """Acquires a member for exclusive use: ``with pool.acquire() as sandbox: …`` gives it back, as does
        ``sandbox.close()``.

        Waits in order of arrival while all members are in use.

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
