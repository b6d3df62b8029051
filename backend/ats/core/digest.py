"""Canonical digests: the same content gives the same SHA-256 everywhere, whatever the order of keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces; Decimal as plain text, moments as ISO 8601 in UTC.

    Raises TypeError for what has no canonical form: other types, naive moments, keys that are neither text nor whole numbers. Raises ValueError for NaN
    and infinities.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_of(value: object) -> str:
    """SHA-256, hex, of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_of_text(text: str) -> str:
    """SHA-256, hex, of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | str() | float():
            return value
        case Decimal():
            return _plain_decimal(value)
        case datetime():
            return _utc(value).isoformat()
        case date():
            return value.isoformat()
        case Mapping():
            return _plain_mapping(value)
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return [_plain(item) for item in value]
        case set() | frozenset():
            return sorted(str(item) for item in value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _plain_decimal(value: Decimal) -> str:
    """Digits without exponent or trailing zeros, whatever the caller's decimal context."""
    if not value.is_finite():
        raise ValueError(f"{value} has no canonical form")
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise TypeError("a naive datetime has no canonical form")
    return moment.astimezone(UTC)


def _plain_mapping(value: Mapping[object, object]) -> dict[str, object]:
    plain = {str(key): _plain(item) for key, item in value.items() if isinstance(key, str | int)}
    if len(plain) < len(value):
        raise TypeError("a key that is neither text nor whole number, or that another key would be written like, has no canonical form")
    return plain
