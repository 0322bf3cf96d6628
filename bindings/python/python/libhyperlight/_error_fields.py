"""What the exceptions have: the base of all, and the attributes of those that have some of their own."""

from __future__ import annotations

from typing import Any


class HyperlightError(Exception):
    """The base of all exceptions here. Raised itself for a bug of the library's own, contained."""

    code: int = -99
    """The number of the error table, the same in every language."""


class ThrownFields:
    """What a guest says of an error that its function returned."""

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


class AbortFields:
    """What a guest says when it gives up."""

    guest_code: int = 0
    """The number that the guest gave up with."""


class FaultFields:
    """Where and why the processor stopped a guest."""

    kind: str | None = None
    """What happened, such as "null-access" or "stack-overflow": docs/errors.md has them all."""
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
