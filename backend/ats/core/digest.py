"""Canonical digests: the same content gives the same SHA-256 everywhere, whatever the order of keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no spaces; Decimal as plain text, moments as ISO 8601. Raises TypeError for other types or a float NaN."""
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
            return format(value.normalize(), "f")
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case Sequence():
            return [_plain(item) for item in value]
        case set() | frozenset():
            return sorted(str(item) for item in value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
