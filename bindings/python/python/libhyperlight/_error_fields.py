"""Attributes of the exceptions: the base class, and those with attributes of their own."""

from __future__ import annotations

from typing import Any


class HyperlightError(Exception):
    """The base of all exceptions of this package. Raised itself for a contained bug of the library."""

    code: int = -99
    """The number of the error table, the same in every language."""


class ThrownFields:
    """Attributes of an error that a guest function returned."""

    guest_code: int = 0
    """The number that the guest returned."""
    name: str | None = None
    """Of a script's exception: its name, such as "TypeError". This and the following attributes come from the guest."""
    text: str | None = None
    """Its message, without the name."""
    stack: str | None = None
    """Its stack, one line for each function."""
    thrown_code: Any = None
    """Its ``code``; ``code`` itself is the error table's."""
    value: Any = None
    """The thrown value, if it is not an error and can be passed."""
    cause: Any = None
    """Its ``cause``: a GuestError or any value. A GuestError is also ``__cause__``, unless a host function's exception
    is."""
    errors: tuple[Any, ...] = ()
    """The errors of an AggregateError: GuestErrors, or any values."""


class AbortFields:
    """Attributes of a guest's abort."""

    guest_code: int = 0
    """The guest's abort code."""


class FaultFields:
    """Place and reason of a fault."""

    kind: str | None = None
    """The kind of fault, such as "null-access" or "stack-overflow": docs/errors.md lists them."""
    vector: int = 0
    """The number of the processor's exception (Intel SDM vol. 3A, table 6-1)."""
    instruction: int = 0
    """The guest address of the instruction."""
    address: int = 0
    """The guest address that the instruction accessed; 0 without a memory access."""
    access: str | None = None
    """The kind of access: "read", "write" or "execute"; None without a memory access."""
    function: str | None = None
    """The guest's function that contains the instruction, if the guest program has symbols."""
