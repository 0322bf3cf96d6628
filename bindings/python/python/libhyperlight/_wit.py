"""Types of WebAssembly programs that are no single kind, and their values as the JSON of the ``wasm`` guest.

The compiler describes a type as WIT writes it, with records and the like written out where they are used:
``list<record { name: string, price: option<f64> }>``. Both directions are checked alike: what a guest sends is exactly
what the runtime in it writes for the type, or GuestProtocolError. Nothing recurses: types are as deep as a program
says, and the caller may be deep in Python's own stack.
"""

from __future__ import annotations

import math
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from itertools import islice
from typing import Any, ClassVar, Literal

from ._errors import GuestBinaryError, GuestProtocolError, InvalidArgument
from ._libhyperlight import _decode_json, _encode_json

Work = Generator[tuple[Any, "Type", Any], Any, Any]
"""Asks for the values of its members, one after the other: where they are, their types, what they are made of."""

Direction = Literal["lower", "lift"]


class Type(ABC):
    """A type: from Python's values to what JSON writes, and back."""

    is_leaf: ClassVar[bool] = False
    """Whether ``lower`` and ``lift`` answer at once; else they are ``Work``."""

    @abstractmethod
    def lower(self, value: Any) -> Any:
        """A value on its way into the program; Unfit if it has another type."""

    @abstractmethod
    def lift(self, value: Any) -> Any:
        """A value on its way out, whose form the guest answers for; Unfit if it has another type."""

    def encode(self, value: Any, what: str) -> str:
        """The text of a value, which an error calls ``what``."""
        try:
            return _encode_json(_walk("lower", self, value), what, is_script=False)
        except Unfit as unfit:
            raise unfit.error(f"{what}{unfit.where()} {unfit.text}") from None

    def decode(self, text: str) -> Any:
        """The value of a text that a guest wrote: hostile, perhaps."""
        return self.take(_decode_json(text, is_script=False))

    def take(self, value: Any) -> Any:
        """The value that a guest sent, perhaps without being asked what it may be."""
        try:
            return _walk("lift", self, value)
        except Unfit as unfit:
            raise GuestProtocolError(f"the guest's value{unfit.where()} {unfit.text}") from None


class Unfit(Exception):
    """A value is not what its type says."""

    def __init__(self, text: str, error: type[Exception] = TypeError) -> None:
        self.text = text
        self.error = error
        self.path: Sequence[Any] = ()

    def where(self) -> str:
        return "".join(
            f" (the key {_shown(step.key)})" if isinstance(step, _Key) else f"[{_shown(step)}]"
            for step in self.path
            if step is not None
        )


class _Key:
    """A key's own place in a map."""

    def __init__(self, key: Any) -> None:
        self.key = key


def _walk(direction: Direction, ty: Type, value: Any) -> Any:
    """The value lowered, or lifted: those of its members as they are asked for."""
    open: list[Work] = []
    # Where each of those is at the moment.
    path: list[Any] = []
    try:
        while True:
            result = ty.lower(value) if direction == "lower" else ty.lift(value)
            if not ty.is_leaf:
                open.append(result)
                path.append(None)
                result = None
            while open:
                path[-1] = None
                try:
                    path[-1], ty, value = open[-1].send(result)
                    break
                except StopIteration as stop:
                    result = stop.value
                    open.pop()
                    path.pop()
            else:
                return result
    except Unfit as unfit:
        unfit.path = path
        raise


class _Leaf(Type):
    is_leaf = True


class _Plain(_Leaf):
    """``bool`` and ``string``."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def lower(self, value: Any) -> Any:
        if not isinstance(value, self._kind):
            raise _other(self._kind.__name__, value)
        return value

    lift = lower


class _Character(_Plain):
    def __init__(self) -> None:
        super().__init__(str)

    def lower(self, value: Any) -> Any:
        text = super().lower(value)
        if len(text) != 1:
            raise Unfit(f"must be one character, found {len(text)}", InvalidArgument)
        return text

    lift = lower


class _Integer(_Leaf):
    def __init__(self, name: str, least: int, above: int) -> None:
        self._name, self._least, self._above = name, least, above

    def lower(self, value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _other(f"int ({self._name})", value)
        if not self._least <= value < self._above:
            raise Unfit(f"does not fit {self._name}", OverflowError)
        return int(value)

    lift = lower


class _Float(_Leaf):
    _OTHERS: ClassVar = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

    def __init__(self, name: str, above: float = math.inf) -> None:
        self._name, self._above = name, above

    def lower(self, value: Any) -> Any:
        if not isinstance(value, float):
            raise _other(f"float ({self._name})", value)
        if math.isfinite(value):
            if abs(value) >= self._above:
                raise Unfit(f"does not fit {self._name}", OverflowError)
            return float(value)
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"

    def lift(self, value: Any) -> Any:
        if isinstance(value, str) and value in self._OTHERS:
            return self._OTHERS[value]
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise _other(f"float ({self._name})", value)
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if abs(number) >= self._above:
            raise Unfit(f"does not fit {self._name}")
        # JSON has one kind of number.
        return struct.unpack("f", struct.pack("f", number))[0] if math.isfinite(self._above) else number


class _List(Type):
    def __init__(self, item: Type, length: int | None = None) -> None:
        self._item, self._length = item, length

    def lower(self, value: Any) -> Work:
        if not isinstance(value, (list, tuple)):
            raise _other("a list", value)
        return (yield from self._each(self._item.lower, value))

    def lift(self, value: Any) -> Work:
        return (yield from self._each(self._item.lift, _list(value)))

    def _each(self, convert: Callable[[Any], Any], value: Sequence[Any]) -> Work:
        _check_count(value, self._length)
        found: list[Any] = []
        if not self._item.is_leaf:
            for item in value:
                found.append((yield len(found), self._item, item))
            return found
        try:
            for item in value:
                found.append(convert(item))
        except Unfit:
            # Once more, for the path.
            yield len(found), self._item, item
        return found


class _Bytes(_Leaf):
    """``list<u8>``."""

    def __init__(self, length: int | None = None) -> None:
        self._length = length

    def lower(self, value: Any) -> Any:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise _other("bytes, bytearray or memoryview", value)
        found = bytes(value)
        _check_count(found, self._length)
        return found

    def lift(self, value: Any) -> Any:
        _check_count(_list(value), self._length)
        # What JSON says has exactly these types; a bool would pass for a byte.
        others = set(map(type, value)) - {int}
        if others:
            raise Unfit(f"must be a list of int (u8), not of {others.pop().__name__}")
        try:
            return bytes(value)
        except ValueError:
            raise Unfit("has a number that does not fit u8") from None


class _Map(Type):
    def __init__(self, key: Type, value: Type) -> None:
        self._key, self._value = key, value

    def lower(self, value: Any) -> Work:
        if not isinstance(value, dict):
            raise _other("a dict", value)
        found = []
        for key, item in value.items():
            lowered = yield _Key(key), self._key, key
            found.append([lowered, (yield key, self._value, item)])
        return found

    def lift(self, value: Any) -> Work:
        found = {}
        for at, pair in enumerate(_list(value)):
            if not isinstance(pair, list):
                raise Unfit(f"must be pairs, not {type(pair).__name__} at {at}")
            if len(pair) != 2:
                raise Unfit(f"must have two members in a pair, found {len(pair)} at {at}")
            key = yield _Key(at), self._key, pair[0]
            try:
                hash(key)
            except TypeError:
                # Its own, or that of a member of a tuple.
                raise Unfit(f"cannot be a map by {type(key).__name__}") from None
            found[key] = yield key, self._value, pair[1]
        return found


class _Tuple(Type):
    """A tuple, and the results of a function that has several."""

    def __init__(self, items: Sequence[Type]) -> None:
        self._items = items

    def lower(self, value: Any) -> Work:
        if not isinstance(value, (list, tuple)) or len(value) != len(self._items):
            raise _other(f"a tuple of {len(self._items)}", value)
        return (yield from self._each(value))

    def lift(self, value: Any) -> Work:
        _check_count(_list(value), len(self._items))
        found = yield from self._each(value)
        return tuple(found)

    def _each(self, value: Sequence[Any]) -> Work:
        found = []
        for at, (ty, item) in enumerate(zip(self._items, value, strict=True)):
            found.append((yield at, ty, item))
        return found


class _Record(Type):
    def __init__(self, fields: dict[str, Type]) -> None:
        self._fields = fields
        # Alone looked for: a value may leave out any number of the others.
        self._needed = [name for name, ty in fields.items() if not isinstance(ty, _Option)]

    def lower(self, value: Any) -> Work:
        found = {}
        for name in self._names(value):
            found[name] = yield name, self._fields[name], value[name]
        for name in self._needed:
            if name not in found:
                raise _lacks(name)
        return found

    def lift(self, value: Any) -> Work:
        self._names(value)
        found = {}
        for name, ty in self._fields.items():
            if name not in value:
                raise _lacks(name)
            found[name] = yield name, ty, value[name]
        return found

    def _names(self, value: Any) -> Iterable[str]:
        if not isinstance(value, dict):
            raise _other("a dict", value)
        for name in value:
            if name not in self._fields:
                raise Unfit(f"has no field {_shown(name)}; it has {_names(self._fields)}")
        return list(value)


class _Cases(Type):
    """A variant or an enum: the name of a case, or a dict from it to its value. A result is always such a dict."""

    def __init__(self, cases: dict[str, Type | None], always_dict: bool = False) -> None:
        self._cases, self._always_dict = cases, always_dict
        # Asked once: a program may have as many cases as a guest sends values.
        self._may_be_dict = always_dict or any(ty is not None for ty in cases.values())

    def lower(self, value: Any) -> Work:
        is_dict = isinstance(value, dict) and len(value) == 1
        if not is_dict and (self._always_dict or not isinstance(value, str)):
            raise _other(f"one of {_names(self._cases)}", value)
        ((name, item),) = value.items() if is_dict else ((value, None),)
        ty = self._of(name)
        if ty is None:
            if item is not None:
                raise Unfit(f"must be `{name}` without a value")
            return {name: None} if self._always_dict else name
        if not is_dict:
            raise Unfit(f"must be a dict from `{name}` to its value")
        return {name: (yield name, ty, item)}

    def lift(self, value: Any) -> Work:
        if isinstance(value, str) and not self._always_dict:
            if self._of(value) is not None:
                raise Unfit(f"needs a value for `{value}`")
            return value
        if not isinstance(value, dict) or not self._may_be_dict:
            raise _other(f"one of {_names(self._cases)}", value)
        name, item = _only(value)
        ty = self._of(name)
        if ty is not None:
            return {name: (yield name, ty, item)}
        if not self._always_dict:
            raise Unfit(f"must have no value for `{name}`")
        if item is not None:
            raise Unfit(f"must be `{name}` without a value")
        return {name: None}

    def _of(self, name: Any) -> Type | None:
        if name not in self._cases:
            raise Unfit(f"must be one of {_names(self._cases)}, found {_shown(name)}", InvalidArgument)
        return self._cases[name]


class _Flags(_Leaf):
    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)
        self._shown = _names(names)

    def lower(self, value: Any) -> Any:
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise _other(f"a set or list of {self._shown}", value)
        found = list(value)
        for name in found:
            self._check(name)
        return found

    def lift(self, value: Any) -> Any:
        found: set[str] = set()
        for name in _list(value):
            if not isinstance(name, str):
                raise _other(f"a list of {self._shown}", name)
            self._check(name)
            if name in found:
                raise Unfit(f"has `{name}` twice")
            found.add(name)
        return found

    def _check(self, name: Any) -> None:
        if not isinstance(name, str) or name not in self._names:
            raise Unfit(f"may have {self._shown}, found {_shown(name)}", InvalidArgument)


class _Option(Type):
    def __init__(self, inner: Type) -> None:
        self._inner = inner

    def lower(self, value: Any) -> Work:
        if value is None:
            return None
        if not isinstance(self._inner, _Option):
            return (yield None, self._inner, value)
        # None could be either's.
        if not isinstance(value, dict) or list(value) != ["some"]:
            raise _other("None or a dict from `some` to the value", value)
        return {"some": (yield "some", self._inner, value["some"])}

    def lift(self, value: Any) -> Work:
        if value is None:
            return None
        if not isinstance(self._inner, _Option):
            return (yield None, self._inner, value)
        if not isinstance(value, dict):
            raise _other("None or a dict from `some` to the value", value)
        name, item = _only(value)
        if name != "some":
            raise Unfit(f"must be `some`, found {_shown(name)}")
        return {"some": (yield "some", self._inner, item)}


class _Foreign(_Leaf):
    """Something that belongs to the program alone, such as a resource."""

    def __init__(self, name: str) -> None:
        self._name = name

    def lower(self, value: Any) -> Any:
        raise Unfit(f"is a {self._name}, which cannot be given to the program")

    def lift(self, value: Any) -> Any:
        raise Unfit(f"is a {self._name}, which cannot be taken from the program")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _other("a list", value)
    return value


def _only(value: dict[str, Any]) -> tuple[str, Any]:
    """The one member of a dict."""
    if len(value) != 1:
        raise Unfit(f"must have one key, found {len(value)}")
    ((name, item),) = value.items()
    return name, item


def _check_count(value: Sequence[Any], count: int | None) -> None:
    if count is not None and len(value) != count:
        raise Unfit(f"must have {count} members, found {len(value)}")


def _lacks(name: str) -> Unfit:
    return Unfit(f"lacks the field `{name}`")


def _other(wanted: str, value: Any) -> Unfit:
    return Unfit(f"must be {wanted}, not {type(value).__name__}")


def _names(names: Collection[str]) -> str:
    """As many as an error has room for."""
    more = f", and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(f"`{name}`" for name in islice(names, _MOST_NAMES)) + more


_MOST_NAMES = 20


def _shown(value: Any) -> str:
    """Something that may be of any length, or have no text at all."""
    try:
        text = repr(value)
    except Exception:
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:80]}…"


_PRIMITIVES: dict[str, Type] = {
    "bool": _Plain(bool),
    "string": _Plain(str),
    "char": _Character(),
    # What is not below rounds to infinity.
    "f32": _Float("f32", float(2**128 - 2**103)),
    "f64": _Float("f64"),
    # Those of core modules, …
    "i32": _Integer("i32", -(2**31), 2**31),
    "i64": _Integer("i64", -(2**63), 2**63),
    # … and those of components.
    **{f"s{bits}": _Integer(f"s{bits}", -(2 ** (bits - 1)), 2 ** (bits - 1)) for bits in (8, 16, 32, 64)},
    **{f"u{bits}": _Integer(f"u{bits}", 0, 2**bits) for bits in (8, 16, 32, 64)},
}


def narrow(text: str) -> Type | None:
    """The type of such a text, if it is a single kind on the wire, but has not all of that kind's values."""
    return _PRIMITIVES[text] if text in ("s8", "s16", "u8", "u16", "char") else None


def parse(text: str) -> Type:
    """The type of such a text."""
    parser = _Parser(text)
    result: Any = None
    open = [parser.type()]
    while open:
        try:
            open.append(open[-1].send(result))
            result = None
        except StopIteration as stop:
            result = stop.value
            open.pop()
        if len(open) > _MOST_OPEN:
            raise GuestBinaryError(
                "a type of the program is nested deeper than 1024 levels: no value of it could cross"
            )
    found: Type = result
    return found


_MOST_OPEN = 3 * 1024
"""For each level the type, what it is a part of, and the list of those. Options are no levels of values."""

_Parsing = Generator[Any, Any, Any]


class _Parser:
    """Reads a type. Its parts are read by whoever is asked to go on with them."""

    _PUNCTUATION: ClassVar = {ord(sign): f" {sign} " for sign in "<>{}(),:"}

    def __init__(self, text: str) -> None:
        self._tokens = text.translate(self._PUNCTUATION).split()
        self._at = 0

    def type(self) -> _Parsing:
        name = self._next()
        if name in _PRIMITIVES:
            return _PRIMITIVES[name]
        if name == "(":
            return _Tuple((yield self._list(self.type, ")")))
        if name in ("record", "variant", "enum", "flags"):
            self._next()
            if name == "record":
                return _Record(dict((yield self._list(self._field, "}"))))
            if name == "flags":
                return _Flags((yield self._list(self._name, "}")))
            return _Cases(dict((yield self._list(self._case, "}"))))
        arguments: list[Any] = []
        if self._peek() == "<":
            self._next()
            arguments = yield self._list(self._argument, ">")
        if name == "list":
            length = arguments[1] if len(arguments) > 1 else None
            return _Bytes(length) if arguments[0] is _PRIMITIVES["u8"] else _List(arguments[0], length)
        if name == "map":
            return _Map(arguments[0], arguments[1])
        if name == "tuple":
            return _Tuple(arguments)
        if name == "option":
            return _Option(arguments[0])
        if name == "result":
            ok, error = (*arguments, None, None)[:2]
            return _Cases({"ok": ok, "err": error}, always_dict=True)
        return _Foreign(name)

    def _argument(self) -> _Parsing:
        if self._peek() == "_":
            self._next()
            return None
        return int(self._next()) if self._peek().isdecimal() else (yield self.type())

    def _field(self) -> _Parsing:
        name = self._next()
        self._next()
        return name, (yield self.type())

    def _case(self) -> _Parsing:
        name = self._next()
        if self._peek() != "(":
            return name, None
        self._next()
        ty = yield self.type()
        self._next()
        return name, ty

    def _name(self) -> _Parsing:
        return self._next()
        yield

    def _list(self, item: Callable[[], _Parsing], end: str) -> _Parsing:
        found = []
        while self._peek() != end:
            found.append((yield item()))
            if self._peek() == ",":
                self._next()
        self._next()
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]
