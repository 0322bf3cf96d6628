"""Types of WebAssembly programs that are no single kind, and their values as the JSON of the ``wasm`` guest.

The compiler describes a type as WIT writes it, with records and the like written out where they are used:
``list<record { name: string, price: option<f64> }>``.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from ._errors import GuestProtocolError, InvalidArgument


class Type(ABC):
    """A type: from Python's values to what ``json`` writes, and back."""

    @abstractmethod
    def lower(self, value: Any) -> Any:
        """A value on its way into the program; Unfit if it has another type."""

    @abstractmethod
    def lift(self, value: Any) -> Any:
        """A value on its way out, whose form the guest answers for."""

    def encode(self, value: Any, what: str) -> str:
        """The text of a value, which an error calls ``what``."""
        try:
            return json.dumps(self.lower(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except Unfit as unfit:
            raise unfit.error(f"{what}{''.join(reversed(unfit.path))} {unfit.text}") from None

    def decode(self, text: str) -> Any:
        """The value of a text that a guest wrote: hostile, perhaps."""
        try:
            return self.lift(json.loads(text))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise GuestProtocolError(f"the guest's JSON cannot be read: {error}") from None


class Unfit(Exception):
    """A value is not what its type says."""

    def __init__(self, text: str, error: type[Exception] = TypeError) -> None:
        self.text = text
        self.error = error
        self.path: list[str] = []


class _Plain(Type):
    """``bool`` and ``string``."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def lower(self, value: Any) -> Any:
        if not isinstance(value, self._kind):
            raise _other(self._kind.__name__, value)
        return value

    def lift(self, value: Any) -> Any:
        return value if isinstance(value, self._kind) else _broken(value)


class _Character(_Plain):
    def __init__(self) -> None:
        super().__init__(str)

    def lower(self, value: Any) -> Any:
        text = super().lower(value)
        if len(text) != 1:
            raise Unfit(f"must be one character, found {len(text)}", InvalidArgument)
        return text


class _Integer(Type):
    def __init__(self, name: str, least: int, above: int) -> None:
        self._name, self._least, self._above = name, least, above

    def lower(self, value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _other(f"int ({self._name})", value)
        if not self._least <= value < self._above:
            raise Unfit(f"does not fit {self._name}", OverflowError)
        return int(value)

    def lift(self, value: Any) -> Any:
        return value if isinstance(value, int) else _broken(value)


class _Float(Type):
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
        return self._OTHERS[value] if isinstance(value, str) else float(value)


class _List(Type):
    def __init__(self, item: Type) -> None:
        self._item = item

    def lower(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise _other("a list", value)
        return [_within(f"[{at}]", self._item.lower, item) for at, item in enumerate(value)]

    def lift(self, value: Any) -> Any:
        return [self._item.lift(item) for item in value]


class _Bytes(Type):
    """``list<u8>``."""

    def lower(self, value: Any) -> Any:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise _other("bytes, bytearray or memoryview", value)
        return list(bytes(value))

    def lift(self, value: Any) -> Any:
        return bytes(value) if isinstance(value, list) else _broken(value)


class _Map(Type):
    def __init__(self, key: Type, value: Type) -> None:
        self._key, self._value = key, value

    def lower(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _other("a dict", value)
        return [
            [_within(f" (the key {key!r})", self._key.lower, key), _within(f"[{key!r}]", self._value.lower, item)]
            for key, item in value.items()
        ]

    def lift(self, value: Any) -> Any:
        return {self._key.lift(key): self._value.lift(item) for key, item in value}


class _Tuple(Type):
    """A tuple, and the results of a function that has several."""

    def __init__(self, items: Sequence[Type]) -> None:
        self._items = items

    def lower(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != len(self._items):
            raise _other(f"a tuple of {len(self._items)}", value)
        pairs = enumerate(zip(self._items, value, strict=True))
        return [_within(f"[{at}]", ty.lower, item) for at, (ty, item) in pairs]

    def lift(self, value: Any) -> Any:
        return tuple(ty.lift(item) for ty, item in zip(self._items, value, strict=True))


class _Record(Type):
    def __init__(self, fields: dict[str, Type]) -> None:
        self._fields = fields

    def lower(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise _other("a dict", value)
        for name in value:
            if name not in self._fields:
                raise Unfit(f"has no field {name!r}; it has {_names(self._fields)}")
        for name, ty in self._fields.items():
            if name not in value and not isinstance(ty, _Option):
                raise Unfit(f"lacks the field `{name}`")
        return {name: _within(f"[{name!r}]", self._fields[name].lower, item) for name, item in value.items()}

    def lift(self, value: Any) -> Any:
        return {name: ty.lift(value[name]) for name, ty in self._fields.items()}


class _Cases(Type):
    """A variant or an enum: the name of a case, or a dict from it to its value. A result is always such a dict."""

    def __init__(self, cases: dict[str, Type | None], always_dict: bool = False) -> None:
        self._cases, self._always_dict = cases, always_dict

    def lower(self, value: Any) -> Any:
        is_dict = isinstance(value, dict) and len(value) == 1
        if not is_dict and (self._always_dict or not isinstance(value, str)):
            raise _other(f"one of {_names(self._cases)}", value)
        ((name, item),) = value.items() if is_dict else ((value, None),)
        if name not in self._cases:
            raise Unfit(f"must be one of {_names(self._cases)}, found {name!r}", InvalidArgument)
        ty = self._cases[name]
        if ty is None:
            if item is not None:
                raise Unfit(f"must be `{name}` without a value")
            return {name: None} if self._always_dict else name
        if not is_dict:
            raise Unfit(f"must be a dict from `{name}` to its value")
        return {name: _within(f"[{name!r}]", ty.lower, item)}

    def lift(self, value: Any) -> Any:
        ((name, item),) = value.items() if isinstance(value, dict) else ((value, None),)
        ty = self._cases[name]
        if isinstance(value, dict):
            return {name: None if ty is None else ty.lift(item)}
        return name


class _Flags(Type):
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def lower(self, value: Any) -> Any:
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise _other(f"a set or list of {_names(self._names)}", value)
        found = list(value)
        for name in found:
            if name not in self._names:
                raise Unfit(f"may have {_names(self._names)}, found {name!r}", InvalidArgument)
        return found

    def lift(self, value: Any) -> Any:
        return {name for name in value if name in self._names}


class _Option(Type):
    def __init__(self, inner: Type) -> None:
        self._inner = inner

    def lower(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(self._inner, _Option):
            return self._inner.lower(value)
        # None could be either's.
        if not isinstance(value, dict) or list(value) != ["some"]:
            raise _other("None or a dict from `some` to the value", value)
        return {"some": _within("['some']", self._inner.lower, value["some"])}

    def lift(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(self._inner, _Option):
            return self._inner.lift(value)
        return {"some": self._inner.lift(value["some"])}


class _Foreign(Type):
    """Something that belongs to the program alone, such as a resource."""

    def __init__(self, name: str) -> None:
        self._name = name

    def lower(self, value: Any) -> Any:
        raise Unfit(f"is a {self._name}, which cannot be given to the program")

    def lift(self, value: Any) -> Any:
        return _broken(value)


def _within(step: str, lower: Callable[[Any], Any], value: Any) -> Any:
    try:
        return lower(value)
    except Unfit as unfit:
        unfit.path.append(step)
        raise


def _other(wanted: str, value: Any) -> Unfit:
    return Unfit(f"must be {wanted}, not {type(value).__name__}")


def _broken(value: Any) -> Any:
    raise ValueError(f"found {type(value).__name__} in the wrong place")


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


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


def parse(text: str) -> Type:
    """The type of such a text."""
    parser = _Parser(re.findall(r"[^\s<>{}(),:]+|[<>{}(),:]", text))
    return parser.type()


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def type(self) -> Type:
        name = self._next()
        if name in _PRIMITIVES:
            return _PRIMITIVES[name]
        if name == "(":
            return _Tuple(self._list(self.type, ")"))
        if name == "record":
            return _Record(dict(self._braced(self._field)))
        if name in ("variant", "enum"):
            return _Cases(dict(self._braced(self._case)))
        if name == "flags":
            return _Flags(self._braced(self._next))
        arguments = self._arguments()
        if name == "list":
            return _Bytes() if arguments[0] is _PRIMITIVES["u8"] else _List(arguments[0])
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

    def _arguments(self) -> list[Any]:
        """What is between < and >; nothing if there is none."""
        if self._peek() != "<":
            return []
        self._next()

        def argument() -> Type | int | None:
            if self._peek() == "_":
                self._next()
                return None
            return int(self._next()) if self._peek().isdecimal() else self.type()

        return self._list(argument, ">")

    def _braced(self, item: Callable[[], Any]) -> list[Any]:
        self._next()
        return self._list(item, "}")

    def _field(self) -> tuple[str, Type]:
        name = self._next()
        self._next()
        return name, self.type()

    def _case(self) -> tuple[str, Type | None]:
        name = self._next()
        if self._peek() != "(":
            return name, None
        self._next()
        ty = self.type()
        self._next()
        return name, ty

    def _list(self, item: Callable[[], Any], end: str) -> list[Any]:
        found = []
        while self._peek() != end:
            found.append(item())
            if self._peek() == ",":
                self._next()
        self._next()
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]
