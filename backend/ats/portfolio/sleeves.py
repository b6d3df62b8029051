"""The sleeves of a book: which strategies trade which instruments, and the strict reader of `--sleeves-json` (row J8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ats.core.errors import InputError
from ats.core.ids import InstrumentId
from ats.core.market import BarSpec
from ats.signals.library import RULES
from ats.signals.params import RuleParams, build_params, read_json

FIELD = "sleeves-json"
MOST_SLEEVES = 50
_TOLERANCE = Decimal("1e-9")
_REQUIRED = ("strategy", "instrument", "bar_spec")
_OPTIONAL = ("params", "weight")
_REMEDY = (
    'Write a list of sleeves, for example [{"strategy": "ibs_reversion", "instrument": "QQQ.NASDAQ", "bar_spec": "1-DAY-LAST", '
    '"params": {}, "weight": 1}]; params and weight may be left out.'
)
_MODELS: Mapping[str, type[RuleParams]] = {key: rule.params_model for key, rule in RULES.items()}


@dataclass(frozen=True, slots=True)
class SleeveSpec:
    """One strategy on one instrument and timeframe, with its share of the book; `weight` is a fraction, and a book's sum to 1."""

    strategy: str
    instrument: InstrumentId
    bar_spec: BarSpec
    params: RuleParams
    weight: Decimal

    def __str__(self) -> str:
        return f"{self.strategy} on {self.instrument} {self.bar_spec}"


def parse_sleeves(text: str, models: Mapping[str, type[RuleParams]] = _MODELS) -> tuple[SleeveSpec, ...]:
    """Read a book of sleeves from JSON. `models` holds the parameters of every known strategy.

    A sleeve is known by strategy, instrument and bar spec, so those three may appear once. Weights are given for all sleeves or
    for none, then all are equal. Raises InputError naming the sleeve by its place, strategy and instrument.
    """
    entries = read_json(text, FIELD, _REMEDY)
    if not isinstance(entries, list) or not entries:
        raise InputError(FIELD, entries, "is not a list of at least one sleeve", remedy=_REMEDY)
    if len(entries) > MOST_SLEEVES:
        raise InputError(FIELD, len(entries), f"sleeves are more than {MOST_SLEEVES}", remedy="Split the book over several sessions.")
    labels = [_label(place, entry) for place, entry in enumerate(entries)]
    weights = _weights(entries, labels)
    sleeves = tuple(_sleeve(*parts, models) for parts in zip(entries, labels, weights, strict=True))
    _refuse_twice(sleeves, labels)
    return sleeves


def _label(place: int, entry: object) -> str:
    """The sleeve as a person finds it again: `sleeves-json[1] (sma_cross on SPY.ARCA)`."""
    if not isinstance(entry, dict):
        return f"{FIELD}[{place}]"
    names = [ascii(entry.get(name, "?")).strip("'")[:40] for name in ("strategy", "instrument")]
    return f"{FIELD}[{place}] ({names[0]} on {names[1]})"


def _sleeve(entry: object, label: str, weight: Decimal, models: Mapping[str, type[RuleParams]]) -> SleeveSpec:
    if not isinstance(entry, dict):
        raise InputError(label, entry, "is not a sleeve", remedy=_REMEDY)
    for name in entry:
        if name not in _REQUIRED + _OPTIONAL:
            raise InputError(label, name, "is not a field of a sleeve", remedy=_REMEDY)
    for name in _REQUIRED:
        if name not in entry:
            raise InputError(label, name, "is missing", remedy=_REMEDY)
    strategy = entry["strategy"]
    if not isinstance(strategy, str) or strategy not in models:
        raise InputError(f"{label}.strategy", strategy, "is not a strategy", remedy=f"Use one of {', '.join(models)}.")
    return SleeveSpec(
        strategy=strategy,
        instrument=InstrumentId.parse(entry["instrument"], f"{label}.instrument"),
        bar_spec=BarSpec.parse(entry["bar_spec"], f"{label}.bar_spec"),
        params=build_params(models[strategy], entry.get("params", {}), f"{label}.params"),
        weight=weight,
    )


def _weights(entries: list[object], labels: list[str]) -> list[Decimal]:
    given = [entry["weight"] if isinstance(entry, dict) and "weight" in entry else None for entry in entries]
    if all(weight is None for weight in given):
        return [Decimal(1) / len(entries)] * len(entries)
    weights = [_weight(weight, label) for weight, label in zip(given, labels, strict=True)]
    total = sum(weights, Decimal(0))
    if abs(total - 1) > _TOLERANCE:
        raise InputError(f"{FIELD} ({', '.join(labels)})", total, "is the sum of the weights and must be 1", remedy="Change the weights.")
    return weights


def _weight(value: object, label: str) -> Decimal:
    if value is None:
        raise InputError(f"{label}.weight", value, "is missing", remedy="Give every sleeve a weight, or none.")
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 < value <= 1:
        raise InputError(f"{label}.weight", value, "is not a weight above 0 and at most 1", remedy="Write a fraction, for example 0.25.")
    return Decimal(value)


def _refuse_twice(sleeves: tuple[SleeveSpec, ...], labels: list[str]) -> None:
    seen: dict[str, str] = {}
    for sleeve, label in zip(sleeves, labels, strict=True):
        if str(sleeve) in seen:
            raise InputError(label, str(sleeve), f"is the same sleeve as {seen[str(sleeve)]}", remedy="Keep one of them.")
        seen[str(sleeve)] = label
