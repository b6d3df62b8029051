"""How a message's fields are laid out, as data: one description serves encoding, decoding and the tests.

A layout is written as words: `name:kind=default`, kinds `text` (the default), `esc`, `int`, `dec`, `bool`. A field without `=`
must be given when encoding. `name*( ... )` is a list preceded by its count; `?name( ... )` is present when the predicate
of that name says so about the fields before it. Everything here is pure and knows no message by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ats.core.errors import InvariantError

UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"
UNSET_LONG = "9223372036854775807"

_WORD = re.compile(r"(?P<repeat>\w+)\*\(|\?(?P<when>\w+)\(|(?P<end>\))|(?P<name>\w+)(?::(?P<kind>\w+))?(?P<default>=\S*)?")
_INTEGER = re.compile(r"-?[0-9]{1,19}(\.0+)?", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?", re.ASCII)
_UNSET_INTEGERS = ("", UNSET_INTEGER, UNSET_LONG)
_LARGEST_EXPONENT = 30
_LONGEST_LIST = 100_000

Values = Mapping[str, Any]
Predicate = Callable[[Values], bool]


class WireError(ValueError):
    """A message does not fit its layout. The server drops it, or the connection, and logs why."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, how it is written, and what is sent when nobody gives a value."""

    name: str
    kind: str
    default: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A list of groups preceded by its count."""

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class When:
    """Fields that are there only when a predicate over the earlier fields holds."""

    predicate: Predicate
    items: tuple[Item, ...]


Item = Field | Repeat | When


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of one message after its id."""

    message_id: int
    name: str
    items: tuple[Item, ...]


def layout(message_id: int, name: str, words: str, predicates: Mapping[str, Predicate] | None = None) -> Layout:
    """Build a layout from its words. Raises ValueError for a word that does not parse: tables are checked at import."""
    leftover = _WORD.sub("", words).strip()
    if leftover:
        raise ValueError(f"layout {name}: cannot read {leftover!r}")
    tokens = _WORD.finditer(words)
    return Layout(message_id, name, tuple(_items(tokens, predicates or {})))


def _items(tokens: Iterator[re.Match[str]], predicates: Mapping[str, Predicate]) -> Iterator[Item]:
    for token in tokens:
        if token["end"]:
            return
        if token["repeat"]:
            yield Repeat(token["repeat"], tuple(_items(tokens, predicates)))
        elif token["when"]:
            yield When(predicates[token["when"]], tuple(_items(tokens, predicates)))
        else:
            default = token["default"]
            yield Field(token["name"], token["kind"] or "text", None if default is None else default[1:])


def encode(message: Layout, values: Values) -> list[str]:
    """The message as text fields, id first. Raises InvariantError when a value is missing or has the wrong type: that is our bug."""
    fields = [str(message.message_id)]
    try:
        _encode(message.items, values, fields)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InvariantError(f"The message {message.name} cannot be written: {error!r}.", remedy="Report this.") from error
    return fields


def _encode(items: Sequence[Item], values: Values, out: list[str]) -> None:
    for item in items:
        if isinstance(item, Repeat):
            group = values.get(item.name, ())
            out.append(str(len(group)))
            for entry in group:
                _encode(item.items, entry, out)
        elif isinstance(item, When):
            if item.predicate(values):
                _encode(item.items, values, out)
        elif item.name in values:
            out.append(_write(item.kind, values[item.name]))
        elif item.default is not None:
            out.append(item.default)
        else:
            raise KeyError(item.name)


def _write(kind: str, value: Any) -> str:  # noqa: ANN401 -- a field value of any kind
    if kind == "bool":
        return "1" if value else "0"
    if kind == "int":
        return UNSET_INTEGER if value is None else str(int(value))
    if kind == "dec":
        return UNSET_DOUBLE if value is None else plain(Decimal(value))
    text = str(value).replace("\0", "")
    return _escaped(text) if kind == "esc" else text


def plain(number: Decimal) -> str:
    """The number in digits, no exponent and no padding: `100`, `0.0001`. Raises ValueError when it is not finite."""
    if not number.is_finite():
        raise ValueError(f"{number} cannot be sent")
    text = format(number or Decimal(0), "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _escaped(text: str) -> str:
    r"""ASCII with \\uXXXX for the rest, as gateways write texts that clients un-escape."""
    return text.encode("ascii", "backslashreplace").decode("ascii") if "\\" not in text else _escaped(text.replace("\\", "/"))


def decode(message: Layout, fields: Sequence[str], *, exact: bool = False) -> dict[str, Any]:
    """The values of a message from its text fields, id first. Unset numbers are None.

    Raises WireError when a field is missing or malformed, or, with `exact`, when fields are left over.
    """
    reader = iter(fields[1:])
    values: dict[str, Any] = {}
    _decode(message, message.items, reader, values)
    if exact and (rest := list(reader)):
        raise WireError(f"{message.name}: {len(rest)} fields left over")
    return values


def _decode(message: Layout, items: Sequence[Item], reader: Iterator[str], values: dict[str, Any]) -> None:
    for item in items:
        if isinstance(item, Repeat):
            values[item.name] = _decode_list(message, item, reader)
        elif isinstance(item, When):
            if item.predicate(values):
                _decode(message, item.items, reader, values)
        else:
            values[item.name] = _read(message, item, reader)


def _decode_list(message: Layout, item: Repeat, reader: Iterator[str]) -> list[dict[str, Any]]:
    count = _read(message, Field(item.name, "int", None), reader) or 0
    if not 0 <= count <= _LONGEST_LIST:
        raise WireError(f"{message.name}.{item.name}: {count} entries")
    entries = []
    for _ in range(count):
        entry: dict[str, Any] = {}
        _decode(message, item.items, reader, entry)
        entries.append(entry)
    return entries


def _read(message: Layout, field: Field, reader: Iterator[str]) -> Any:  # noqa: ANN401 -- a field value of any kind
    text = next(reader, None)
    if text is None:
        raise WireError(f"{message.name}: ends before {field.name}")
    try:
        return _READERS[field.kind](text)
    except ValueError as error:
        raise WireError(f"{message.name}.{field.name}: {text[:40]!r} is not a {field.kind}") from error


def _read_int(text: str) -> int | None:
    if text in _UNSET_INTEGERS:
        return None
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text.partition(".")[0])


def _read_decimal(text: str) -> Decimal | None:
    if text in _UNSET_INTEGERS:
        return None
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if number.adjusted() > 300:  # noqa: PLR2004 -- the largest double is how clients write "unset"
        return None
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(text)
    return number


def _read_bool(text: str) -> bool:
    if text not in ("", "0", "1", "true", "false"):
        raise ValueError(text)
    return text in ("1", "true")


_READERS: dict[str, Callable[[str], Any]] = {"text": str, "esc": str, "int": _read_int, "dec": _read_decimal, "bool": _read_bool}
