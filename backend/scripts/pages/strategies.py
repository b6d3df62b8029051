"""The library of strategies: what each does, where it comes from, and every parameter with its range, from the rules themselves."""

from __future__ import annotations

import inspect

from pydantic.fields import FieldInfo

from ats.signals.library import RULES
from ats.signals.params import RuleParams
from pages import HEADER

_INTRODUCTION = """# Strategies

Each is long or flat on one instrument, decides on closed bars and acts at the next open. Parameters are one JSON object; what is left out takes its
default, and an unknown name or a value out of range is refused by name. They are examples of well-known ideas, good enough to test a
path from idea to order. That one of them made money somewhere says nothing about your instrument and your costs.
"""
_SIGNS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def page() -> str:
    """docs/reference/strategies.md."""
    return "".join([HEADER, _INTRODUCTION, *(_section(key) for key in RULES)])


def _section(key: str) -> str:
    rule = RULES[key]
    card, model = rule.card, rule.params_model
    warm_up = rule.warm_up(model())
    rows = "".join(
        f"| `{name}` | {_default(field)} | {_range(field)} | {field.description} |\n" for name, field in _own_first(model).items()
    )
    return (
        f"\n## {key}\n\n**{card.title}.** {card.description}\n\nSource: {card.source}\n\n"
        f"With the defaults it needs {warm_up} closed bar{'' if warm_up == 1 else 's'} before its first decision.\n\n"
        f"| Parameter | Default | Range | Meaning |\n|---|---|---|---|\n{rows}"
    )


def _own_first(model: type[RuleParams]) -> dict[str, FieldInfo]:
    inherited = RuleParams.model_fields
    fields = model.model_fields
    return {name: fields[name] for name in (*(name for name in fields if name not in inherited), *inherited)}


def _default(field: FieldInfo) -> str:
    return "none" if field.default is None else f"`{field.default}`"


def _range(field: FieldInfo) -> str:
    limits = [
        f"{words} {value}" for item in field.metadata for sign, words in _SIGNS.items() if (value := getattr(item, sign, None)) is not None
    ]
    return ", ".join(dict.fromkeys(limits)) or inspect.formatannotation(field.annotation)
