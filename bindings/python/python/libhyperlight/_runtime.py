"""The common part of the ready-made runtimes: each is a sandbox with a program of the user's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar, overload

from ._host import HostFunction, HostFunctions, checked
from ._libhyperlight import Sandbox, Snapshot

_F = TypeVar("_F", bound=Callable[..., Any])
_R = TypeVar("_R", bound="Runtime")


class Runtime(ABC):
    """A sandbox with a program of the user's."""

    def __init__(
        self,
        sandbox: Sandbox,
        limits: dict[str, Any],
        print: Callable[[str], object] | None,
        host_functions: HostFunctions | None,
    ) -> None:
        self._sandbox = sandbox
        self._limits = limits
        self._print = print
        self._host_functions = checked(host_functions)
        for name, function in self._host_functions.items():
            self._add(name, function)

    @classmethod
    def _of_pool(
        cls: type[_R],
        sandbox: Sandbox,
        limits: dict[str, Any],
        print: Callable[[str], object] | None,
        host_functions: dict[str, Any],
    ) -> _R:
        """Makes a member, whose host functions are its pool's."""
        member = cls.__new__(cls)
        member._sandbox, member._limits, member._print = sandbox, limits, print
        member._host_functions = host_functions
        return member

    @abstractmethod
    def _add(self, name: str, function: Any) -> None:
        """Registers a host function with the sandbox."""

    def register(
        self,
        name: str,
        function: Callable[..., Any],
        /,
        *,
        params: Any = ...,
        returns: Any = ...,
        open_arity: bool = False,
        arity: int | tuple[int, int | None] | None = None,
    ) -> None:
        """Registers a host function, before the sandbox starts. It replaces one of the same name.

        Args:
            name: its name in the program.
            function: any callable that is not ``async``.
            params, returns: its signature, by default as in ``host_functions`` of the constructor.
            open_arity, arity: the parameters that the program may pass; see HostFunction.

        Raises:
            TypeError: it cannot be called, is ``async``, or does not tell how many arguments it takes.
            SandboxStateError: the sandbox has started.
        """
        entry = HostFunction(function, params=params, returns=returns, open_arity=open_arity, arity=arity)
        self._add(name, entry)
        self._host_functions[name] = entry

    @overload
    def host_function(self, function: _F, /) -> _F: ...

    @overload
    def host_function(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        params: Any = ...,
        returns: Any = ...,
        open_arity: bool = False,
        arity: int | tuple[int, int | None] | None = None,
    ) -> Callable[[_F], _F]: ...

    def host_function(
        self,
        function: _F | None = None,
        /,
        *,
        name: str | None = None,
        params: Any = ...,
        returns: Any = ...,
        open_arity: bool = False,
        arity: int | tuple[int, int | None] | None = None,
    ) -> _F | Callable[[_F], _F]:
        """Returns a decorator that registers a function under its own name, or under ``name``; see ``register``."""

        def add(function: _F) -> _F:
            self.register(
                name or function.__name__,
                function,
                params=params,
                returns=returns,
                open_arity=open_arity,
                arity=arity,
            )
            return function

        return add if function is None else add(function)

    def evolve(self, *, timeout: float | None = None, cpu_time: float | None = None) -> None:
        """Starts the virtual machine and the program in it, as the first call does.

        Args:
            timeout: seconds that all of that may take, in place of the sandbox's.
            cpu_time: seconds of processor time that it may use, in place of the sandbox's.

        Raises:
            SandboxStateError: it has started.
            HypervisorUnavailable, ResourceError: no virtual machine can be made.
            SnapshotMismatch: it starts from a snapshot and lacks host functions that its source had; all are listed.
            GuestError: the program failed to start. As after all errors of its own, the sandbox is closed then.
            GuestTimeout, Interrupted, GuestAbort, GuestOutOfMemory and others: it was stopped while it started.
        """
        self._sandbox.evolve(timeout=timeout, cpu_time=cpu_time)

    def snapshot(self) -> Snapshot:
        """Takes a snapshot. The sandbox must be ready, and is unchanged.

        Raises:
            SandboxStateError: it has not started.
            SandboxPoisoned, SandboxBusy, SandboxClosed, ResourceError.
        """
        return self._sandbox.snapshot()

    def restore(self, snapshot: Snapshot, /) -> None:
        """Restores the program to the snapshot. A poisoned sandbox is ready again.

        Raises:
            SnapshotMismatch: the snapshot is of another program or other sizes, or needs other host functions.
            SandboxStateError, SandboxBusy, SandboxClosed, ResourceError.
        """
        self._sandbox.restore(snapshot)

    def interrupt(self) -> bool:
        """Cancels the running call, from any thread: it raises Interrupted, and the sandbox is poisoned.

        Returns:
            True if a call was running.
        """
        return self._sandbox.interrupt()

    def close(self) -> None:
        """Destroys the virtual machine, or gives it back to its pool: now, or when the running call ends.

        May be repeated.
        """
        self._sandbox.close()

    @property
    def state(self) -> str:
        """ "uninitialized", "ready", "running", "poisoned" or "closed". May be asked at any time."""
        return self._sandbox.state

    def _start(self) -> None:
        """Starts it, unless it has started."""
        self._sandbox.__enter__()

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state}>"

    def __reduce__(self) -> Any:
        raise TypeError(
            f"a {type(self).__name__} is a virtual machine of this process and cannot be pickled or copied: pickle a "
            "Snapshot of it, and make one of that"
        )
