"""Parameters of rules: frozen, bounded, strictly typed models, and the strict reader of `--params` (row J7)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from ats.core.errors import InputError

LONGEST_TEXT = 65_536
LONGEST_NUMBER = 40
DEEPEST_NESTING = 4


def _money(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("write a number, without quotes")  # noqa: TRY004 -- pydantic collects ValueErrors
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError("write a finite number")
    return Decimal(value)


def _real(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


Money = Annotated[Decimal, BeforeValidator(_money), Field(gt=0, le=1_000_000_000, max_digits=12, decimal_places=2)]
"""An amount in account currency, cents at most. Takes int and Decimal; a float has lost digits, text is not a number."""

Real = Annotated[float, BeforeValidator(_real)]
"""A statistical number. JSON numbers arrive as Decimal and become float here."""


class RuleParams(BaseModel):
    """What every rule has: how large an entry is. Unknown names, numbers as text, NaN and infinities are refused.

    Sizing is fixed by default. With a volatility target an entry shrinks in proportion while the price moves more than that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    order_notional: Money = Field(Decimal(4_000), description="Most to spend on one entry, account currency.")
    volatility_target: Real | None = Field(
        None, gt=0, le=5, description="Annual volatility an entry is sized for, as a fraction; null spends the whole notional always."
    )
    volatility_bars: int = Field(20, ge=2, le=1_000, description="Closes the volatility is measured on.")

    @property
    def sizing_bars(self) -> int:
        """Closed bars that sizing needs; none for a fixed size."""
        return self.volatility_bars + 1 if self.volatility_target is not None else 0

    def plain(self) -> dict[str, object]:
        """The parameters as JSON values that survive storage unchanged; money as text. For digests, approvals and records."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields}


def _plain(value: object) -> object:
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value


def parse_params[P: RuleParams](model: type[P], text: str, field: str = "params") -> P:
    """Read the parameters of a rule from JSON. Raises InputError naming the parameter, and listing the valid ones."""
    return build_params(model, read_json(text, field), field)


def build_params[P: RuleParams](model: type[P], values: object, field: str = "params") -> P:
    """Check already read JSON values. Raises InputError naming the parameter, and listing the valid ones."""
    if not isinstance(values, Mapping):
        raise InputError(field, values, "is not a JSON object", remedy=_valid(model))
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = ".".join([field, *(_label(str(part)) for part in first["loc"])])
        value = first["input"] if first["loc"] else {key: _real(item) for key, item in values.items()}
        raise InputError(name, value, _problem(first), remedy=_valid(model)) from None


def params_text(params: RuleParams) -> str:
    """The parameters as JSON text that `parse_params` reads back to equal ones."""
    items = (f"{json.dumps(name)}: {_number(value)}" for name, value in params)
    return "{" + ", ".join(items) + "}"


PARAMS_REMEDY = "Write one JSON object in single quotes, for example '{\"order_notional\": 4000}'."


def read_json(text: str, field: str, remedy: str = PARAMS_REMEDY) -> object:
    """Read JSON from a person: bounded size and depth, no duplicate keys, no NaN; fractions as Decimal. Raises InputError."""
    if len(text) > LONGEST_TEXT:
        raise InputError(
            field, text, f"is longer than {LONGEST_TEXT} characters", remedy="Give only the values that differ from the defaults."
        )
    if _depth(text) > DEEPEST_NESTING:
        raise InputError(field, text, f"is nested deeper than {DEEPEST_NESTING}", remedy=remedy)
    try:
        return json.loads(text, parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant, object_pairs_hook=_unique)
    except ValueError as error:
        raise InputError(field, text, f"is not readable: {error}", remedy=remedy) from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(_bounded(text))
    except InvalidOperation:
        raise ValueError(f"{text} is out of range") from None


def _integer(text: str) -> int:
    return int(_bounded(text))


def _bounded(text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has more than {LONGEST_NUMBER} characters")
    return text


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{_label(twice)} is given twice")
    return values


def _depth(text: str) -> int:
    depth = deepest = 0
    inside_string = escaped = False
    for character in text:
        if inside_string:
            inside_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _label(name: str) -> str:
    """A name from a person, safe to print: anything but a short identifier is quoted and cut."""
    return name if name.isidentifier() and name.isascii() and len(name) <= LONGEST_NUMBER else ascii(name)[:LONGEST_NUMBER]


def _problem(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a parameter of this strategy"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"is not valid: {message[:1].lower()}{message[1:]}"


def _number(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value, allow_nan=False)


def _valid(model: type[RuleParams]) -> str:
    return "Parameters: " + "; ".join(_described(name, info) for name, info in model.model_fields.items()) + "."


def _described(name: str, info: FieldInfo) -> str:
    default = _plain(info.get_default())
    return f"{name} ({_kind(info.annotation)}, default {'null' if default is None else default})"


def _kind(annotation: object) -> str:
    """A type as an operator calls it. Optional ones arrive as a union, with their validators still around the type."""
    members = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    bare = [get_args(member)[0] if get_origin(member) is Annotated else member for member in members]
    return " or ".join(_KINDS[member] for member in bare)


_KINDS: dict[object, str] = {int: "integer", float: "number", Decimal: "amount", bool: "true or false", NoneType: "null"}
