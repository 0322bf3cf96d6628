"""JavaScript: a script in a sandbox, whose functions are called with Python's values."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ._host import HostFunction, HostFunctions, checked, over_json, refuse
from ._keywords import check_names, given, limits
from ._libhyperlight import Guest, Sandbox, Snapshot, _all_to_script, _of_script, _Pool, _prepare_by
from ._options import PoolOptions, SandboxOptions
from ._pool import PoolExecutor
from ._runtime import Runtime
from ._signature import from_codes

if TYPE_CHECKING:
    from typing_extensions import Unpack


class JavaScript(Runtime):
    """A script in a virtual machine of its own: modern JavaScript with modules, without the APIs of browsers or Node.

    It has ``console``, and the host functions as ``host.NAME(…)``. Values are passed as JSON, with extensions. ``None``
    is null. ``int`` is a number, or a bigint from 2**53 on; ``float`` is a number. ``bytes`` is a Uint8Array. ``list``
    and ``tuple`` are arrays, and ``dict`` is an object. ``undefined`` comes back as None, and a whole number as
    ``int``.

        with hl.JavaScript("function greet(who) { return `Hello, ${who.name}!` }", timeout=1) as js:
            print(js.call("greet", {"name": "World"}))

    Any thread may use it, one at a time.

    Args:
        source: the text of the script, a path object (``pathlib.Path``) of one, or a Snapshot to continue from. A
            script with ``import`` or ``export`` is a module.
        modules: texts or path objects of modules that it may import, by their import names.
        host_functions: callables by name. A callable whose annotations are all kinds (``int``, ``hl.i32``, ``str``, …)
            takes exactly those; any other takes and returns all of the above. The script cannot pass parameters that
            have defaults, unless a HostFunction allows it. A pair of a callable and its Signature uses the engine's
            kinds: i64 and u64 are bigints.
        print: takes what ``console.log`` writes, in place of ``sys.stdout.write``.
        options: as in Sandbox; SandboxOptions has them all.

    Raises:
        HyperlightIOError: a file cannot be read.
        InvalidArgument: a size is above its maximum, or differs from the snapshot's.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | Snapshot = "",
        /,
        *,
        modules: Mapping[str, str | os.PathLike[str]] | None = None,
        host_functions: HostFunctions | None = None,
        print: Callable[[str], object] | None = None,
        **options: Unpack[SandboxOptions],
    ) -> None:
        check_names("JavaScript", options, SandboxOptions, JavaScript)
        if isinstance(source, Snapshot) and modules:
            raise TypeError("modules: a snapshot has its modules already")
        if modules is not None and not isinstance(modules, Mapping):
            raise TypeError(f"modules is a mapping of names to sources, not {type(modules).__name__}")
        preparation: list[tuple[str, _Script]] = []
        if not isinstance(source, Snapshot):
            preparation += [("module", _Script.of(text, name)) for name, text in (modules or {}).items()]
            preparation.append(("load", _Script.of(source)))
        start = source if isinstance(source, Snapshot) else Guest.builtin("javascript")
        sandbox = Sandbox(start, print=print, **options)
        _prepare_by(sandbox, preparation)
        super().__init__(sandbox, limits(options), print, host_functions)

    def call(self, function: str, /, *args: Any, timeout: float | None = None, cpu_time: float | None = None) -> Any:
        """Calls a function that the script exports, or a global one; a promise is awaited.

        The first call starts the sandbox and runs the script, as ``evolve`` does; its limits cover all of that.

        Args:
            function: its name, or a path such as ``"handlers.greet"``.
            args: None, bool, int, float, str, bytes, and lists, tuples and dicts of them.
            timeout: seconds that this call may take, in place of the sandbox's. A host function is not cut short.
            cpu_time: seconds of processor time that it may use, in place of the sandbox's.

        Raises:
            TypeError, ValueError: an argument is none of these; nothing was called.
            FunctionNotFound: the script has no such function.
            GuestError: it threw an error, and the message has its name, its text and its stack.
            PayloadTooLarge, GuestTimeout, Interrupted, SandboxPoisoned and others: as in Sandbox.call.
            Whatever a host function raised, if the script did not catch it.
        """
        return _call(self._sandbox, function, args, timeout, cpu_time)

    def eval(self, source: str, /, *, timeout: float | None = None, cpu_time: float | None = None) -> Any:
        """Runs a text in the script's global scope. Returns the value of its last statement; a promise is awaited.

        Raises the errors of ``call``.
        """
        return _of_script(self._sandbox.call("eval", source, timeout=timeout, cpu_time=cpu_time))

    def load(
        self,
        source: str | os.PathLike[str],
        /,
        *,
        name: str | None = None,
        timeout: float | None = None,
        cpu_time: float | None = None,
    ) -> None:
        """Runs another script or module, whose functions can be called afterwards.

        Args:
            source: its text, or a path object.
            name: its name in stacks.
            timeout, cpu_time: as in ``call``.

        Raises the errors of ``call``.
        """
        self._sandbox.call("load", *_Script.of(source, name), timeout=timeout, cpu_time=cpu_time)

    def pool(self, **options: Unpack[PoolOptions]) -> JavaScriptPool:
        """Makes a pool whose members start in the current state: started, the script run, its functions warm.

        They have its host functions, its ``print``, and its limits unless others are given; see JavaScriptPool.
        """
        check_names("JavaScript.pool", options, PoolOptions)
        self._start()
        return JavaScriptPool(
            self.snapshot(),
            print=self._print,
            host_functions=self._host_functions,
            **{**self._limits, **given(options)},
        )

    def _add(self, name: str, function: Any) -> None:
        used = register(self._sandbox, name, function)
        # A function of that name, of either form, is replaced.
        self._sandbox.unregister(name if used != name else _JSON + name)

    def __enter__(self) -> JavaScript:
        self._start()
        return self


class JavaScriptPool(PoolExecutor):
    """Warmed scripts, kept ready: every call gets a script in the snapshot's state, independent of earlier calls.

    Use it to serve requests: ``pool = hl.JavaScript(source).pool(size=8, timeout=1)`` once, then
    ``pool.call("handler", request)`` for each. It is also a ``concurrent.futures`` executor of the script's functions:
    ``pool.submit("handler", request)``.

    Args:
        snapshot: the initial state of every member, the snapshot of a JavaScript.
        host_functions: as in JavaScript. They run on the threads that call members, on several at once.
        print, options: as in SandboxPool; PoolOptions has them all.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        print: Callable[[str], object] | None = None,
        host_functions: HostFunctions | None = None,
        **options: Unpack[PoolOptions],
    ) -> None:
        check_names("JavaScriptPool", options, PoolOptions, JavaScriptPool)
        self._limits = limits(options)
        self._print = print
        self._host_functions = checked(host_functions)
        pool = _Pool(snapshot, print=print, **options)
        super().__init__(pool, options.get("size"))
        for name, function in self._host_functions.items():
            register(pool, name, function)

    def acquire(self) -> JavaScript:
        """Acquires a member for exclusive use: ``with pool.acquire() as js: …`` gives it back, as does ``js.close()``.

        Waits in order of arrival while all members are in use.

        Raises:
            PoolTimeout: none came free within acquire_timeout.
            SandboxClosed: the pool was closed.
            SnapshotMismatch: the pool lacks host functions that the snapshot needs; all are listed.
        """
        return JavaScript._of_pool(self._member(), self._limits, self._print, self._host_functions)

    def eval(self, source: str, /, *, timeout: float | None = None, cpu_time: float | None = None) -> Any:
        """``JavaScript.eval`` in a member."""
        self._check_open()
        return _of_script(self._pool.call("eval", source, timeout=timeout, cpu_time=cpu_time))

    def _call(self, function: str, args: tuple[Any, ...], timeout: float | None, cpu_time: float | None) -> Any:
        return _call(self._pool, function, args, timeout, cpu_time)

    def __enter__(self) -> JavaScriptPool:
        return self


class _Script(NamedTuple):
    name: str
    text: str

    @classmethod
    def of(cls, source: str | os.PathLike[str], name: str | None = None) -> _Script:
        if isinstance(source, str):
            return cls(name or "main", source)
        if not isinstance(source, os.PathLike):
            raise TypeError(f"a script is a str or a path object, not {type(source).__name__}")
        with open(source, encoding="utf-8") as file:
            return cls(name or os.path.basename(source), file.read())


def register(target: Sandbox | _Pool, name: str, function: Any) -> str:
    """Registers a function under a script's name. Returns its name in the engine."""
    entry = HostFunction.of(function)
    if entry._has_signature():
        entry._register(target, name)
        return name
    refuse(name, entry.function)
    codes = entry._codes()
    if codes is not None and entry.arity is not None:
        entry._check_count(name, len(codes[0]))
    if codes is not None and not entry._needs_json(codes):
        signature = from_codes(*codes)
        target.register(name, entry.function, params=signature.params, returns=signature.returns)
        return name
    target.register(_JSON + name, over_json(name, entry, codes), params=[str], returns=str)
    return _JSON + name


# A name with this prefix marks a host function that takes and returns JSON.
_JSON = "json:"


def _call(
    target: Sandbox | _Pool, function: str, args: tuple[Any, ...], timeout: float | None, cpu_time: float | None
) -> Any:
    text = _all_to_script(args, f"an argument of `{function}`")
    return _of_script(target.call("call", function, text, timeout=timeout, cpu_time=cpu_time))
