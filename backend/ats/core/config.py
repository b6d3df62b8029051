"""Settings: frozen groups, one loader, passed in. Nothing else in ats reads the environment.

Precedence: environment, then `backend/.env`, then the default. An unknown `ATS_*` name is refused by name, because a typo in a
limit is a missing limit. `docs/reference/settings.md` and `backend/.env.example` are generated from these groups.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar

import platformdirs
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from ats.core.env_file import read_env_file
from ats.core.errors import ConfigError, InputError, excerpt
from ats.core.ids import InstrumentId, is_live_account, is_paper_account, is_symbol
from ats.core.money import StrictDecimal

PREFIX = "ATS_"
ENV_FILE_NAME = "ATS_ENV_FILE"
DEFAULT_ENV_FILE = Path(__file__).resolve().parents[2] / ".env"
_RATE = re.compile(r"([1-9][0-9]{0,3})/([0-9]{2}):([0-5][0-9]):([0-5][0-9])", re.ASCII)
_FIRST_PRINTABLE = 0x20
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` per `interval`. Written as the engine writes it: `2/00:00:01`."""

    count: int
    interval: timedelta

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `COUNT/HH:MM:SS`, both above zero. Raises ValueError (row J10)."""
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError("write COUNT/HH:MM:SS, for example 2/00:00:01")
        interval = timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4]))
        if not interval:
            raise ValueError("the interval must be above zero, for example 2/00:00:01")
        return cls(int(match[1]), interval)

    def __str__(self) -> str:
        seconds = int(self.interval.total_seconds())
        return f"{self.count}/{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _to_rate(value: object) -> object:
    return Rate.parse(value) if isinstance(value, str) else value


def _to_bool(value: object) -> object:
    if isinstance(value, str):
        if value not in _BOOLEANS:
            raise ValueError("write true or false")
        return _BOOLEANS[value]
    return value


def _to_port(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[1-9][0-9]{0,4}", value, re.ASCII):
        raise ValueError("write a port from 1 to 65535, digits only")
    return value


def _to_whole(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"0|-?[1-9][0-9]{0,9}", value, re.ASCII):
        raise ValueError("write a whole number, digits only")
    return value


def _to_url(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[a-z][a-z0-9+.\-]*://\S+", value):
        raise ValueError("write a URL, scheme://host:port/name, or remove the setting")
    return value


def _to_instruments(value: object) -> object:
    if not isinstance(value, str):
        return value
    return frozenset(_restricted(part.strip().upper()) for part in value.split(",") if part.strip())


def _restricted(name: str) -> str:
    if is_symbol(name):
        return name
    try:
        return str(InstrumentId.parse(name))
    except InputError as error:
        raise ValueError(f"{excerpt(name)} is neither SYMBOL nor SYMBOL.VENUE; separate them with commas") from error


def _to_path(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("write a path")
    try:
        return Path(value).expanduser().absolute() if isinstance(value, str) else value
    except RuntimeError as error:  # ~name of an unknown user
        raise ValueError(str(error)) from error


StrictBool = Annotated[bool, BeforeValidator(_to_bool)]
Port = Annotated[int, BeforeValidator(_to_port), Field(ge=1, le=65_535)]
RateSetting = Annotated[Rate, BeforeValidator(_to_rate)]
InstrumentSet = Annotated[frozenset[str], NoDecode, BeforeValidator(_to_instruments)]
Whole = Annotated[int, BeforeValidator(_to_whole)]
SecretUrl = Annotated[SecretStr, BeforeValidator(_to_url)]
PathSetting = Annotated[Path, BeforeValidator(_to_path)]


class Group(BaseSettings):
    """A frozen group of settings that share a prefix."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=True, env_prefix_target="all", arbitrary_types_allowed=True
    )
    title: ClassVar[str] = ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the loader passes in: it alone has read the environment and the file, so every value has one origin."""
        return (init_settings,)

    @classmethod
    def names(cls) -> dict[str, str]:
        """Environment name of every field."""
        prefix = cls.model_config.get("env_prefix", "")
        return {f"{prefix}{field}".upper(): field for field in cls.model_fields}


class StorageSettings(Group):
    """Where state lives."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)
    title: ClassVar[str] = "Storage and services"

    data_dir: PathSetting = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("ats", appauthor=False)),
        description="Folder of the embedded services, the catalog, artifacts and sentinel files. Two installations with different folders never meet.",
    )
    env_file: PathSetting | None = Field(
        None, description="File of settings read before the environment; only the environment can name it. Unset: `backend/.env`."
    )
    database_url: SecretUrl | None = Field(
        None, description="PostgreSQL URL, postgresql://user:password@host:port/name. Unset: an embedded server in the data folder."
    )
    redis_url: SecretUrl | None = Field(
        None, description="Redis or Valkey URL, redis://host:port/0. Unset: an embedded Valkey in the data folder."
    )
    catalog_dir: PathSetting | None = Field(None, description="Folder of the Parquet catalog of bars. Unset: `catalog` in the data folder.")
    artifacts_dir: PathSetting | None = Field(
        None, description="Folder of reports and run artifacts. Unset: `artifacts` in the data folder."
    )
    kill_switch_sentinel: PathSetting | None = Field(
        None,
        description="Sentinel file of the kill switch: if it exists, nothing is submitted. Unset: `KILL_SWITCH_ACTIVE` in the data folder.",
    )

    @property
    def catalog(self) -> Path:
        """Effective folder of the catalog."""
        return self.catalog_dir or self.data_dir / "catalog"

    @property
    def artifacts(self) -> Path:
        """Effective folder of the artifacts."""
        return self.artifacts_dir or self.data_dir / "artifacts"

    @property
    def sentinel(self) -> Path:
        """Effective path of the kill switch's sentinel file."""
        return self.kill_switch_sentinel or self.data_dir / "KILL_SWITCH_ACTIVE"

    @property
    def is_embedded(self) -> bool:
        """Whether any of the two services is the embedded one."""
        return self.database_url is None or self.redis_url is None


class TradingSettings(Group):
    """What this installation may do at all."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)
    title: ClassVar[str] = "Trading"

    enable_live_trading: StrictBool = Field(
        False, description="Edition flag. false: every live command is refused, paper and research work."
    )
    approval_days: Whole = Field(90, ge=1, le=365, description="Days until a go-live approval expires.")
    alert_drawdown_pct: StrictDecimal = Field(
        Decimal(5), gt=0, le=100, description="Drawdown of a session from its equity peak, in percent, that raises an alert."
    )


class IbSettings(Group):
    """The Interactive Brokers gateways."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}IB_")
    title: ClassVar[str] = "Interactive Brokers"

    host: str = Field("127.0.0.1", pattern=r"^\S+$", description="Host of the gateway.")
    paper_port: Port = Field(4002, description="API port of the paper gateway. 4001 and 7496 are live ports and are refused here.")
    live_port: Port = Field(4001, description="API port of the live gateway. 4002 and 7497 are paper ports and are refused here.")
    paper_account_id: str | None = Field(
        None, description="Paper account, DU and digits. Unset: the one account the paper gateway reports."
    )
    live_account_id: str | None = Field(None, description="Live account, U and digits. Required to trade live.")
    client_id: Whole = Field(
        11, ge=1, le=900, description="API client id of the trading node. The node uses this one; control and probes use the next ones."
    )
    request_timeout_seconds: Whole = Field(15, ge=2, le=120, description="Seconds to wait for the gateway to answer one request.")

    @model_validator(mode="after")
    def _ports_and_accounts_fit_their_mode(self) -> IbSettings:
        if self.paper_port in (4001, 7496):
            raise ValueError(f"ATS_IB_PAPER_PORT: {self.paper_port} is a live port; use 4002 (gateway) or 7497 (TWS)")
        if self.live_port in (4002, 7497):
            raise ValueError(f"ATS_IB_LIVE_PORT: {self.live_port} is a paper port; use 4001 (gateway) or 7496 (TWS)")
        if self.paper_port == self.live_port:
            raise ValueError("ATS_IB_PAPER_PORT and ATS_IB_LIVE_PORT are the same port; each gateway needs its own")
        if self.paper_account_id is not None and not is_paper_account(self.paper_account_id):
            raise ValueError("ATS_IB_PAPER_ACCOUNT_ID: not a paper account id (DU and digits)")
        if self.live_account_id is not None and not is_live_account(self.live_account_id):
            raise ValueError("ATS_IB_LIVE_ACCOUNT_ID: not a live account id (U and digits)")
        return self


class RiskSettings(Group):
    """Limits of one mode. Guardian enforces each of them on every order; there is no flag to switch it off."""

    max_notional_per_order: StrictDecimal = Field(Decimal(25_000), gt=0, description="Largest value of one order, account currency.")
    max_order_submit_rate: RateSetting = Field(
        Rate(2, timedelta(seconds=1)), description="Most orders per interval, COUNT/HH:MM:SS; the excess is refused."
    )
    max_position_notional: StrictDecimal = Field(
        Decimal(50_000), gt=0, description="Largest value of one position, counting working orders as filled, account currency."
    )
    max_gross_notional: StrictDecimal = Field(
        Decimal(100_000), gt=0, description="Largest sum of absolute position values, counting working orders as filled, account currency."
    )
    max_price_age_seconds: Whole = Field(
        60,
        ge=1,
        le=86_400,
        description="Oldest quote or trade, in seconds, that may price an order. Older or missing: the order is refused.",
    )
    restricted_instruments: InstrumentSet = Field(
        frozenset(), description="Comma list of instruments that may not be traded, as SYMBOL or SYMBOL.VENUE."
    )


class LiveRiskSettings(RiskSettings):
    """Limits with real money."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}LIVE_RISK_")
    title: ClassVar[str] = "Risk limits, live"

    max_notional_per_order: StrictDecimal = Field(Decimal(5_000), gt=0, description="Largest value of one order, account currency.")
    max_position_notional: StrictDecimal = Field(
        Decimal(20_000), gt=0, description="Largest value of one position, counting working orders as filled, account currency."
    )
    max_gross_notional: StrictDecimal = Field(
        Decimal(40_000), gt=0, description="Largest sum of absolute position values, counting working orders as filled, account currency."
    )


class PaperRiskSettings(RiskSettings):
    """Limits with a paper account."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}PAPER_RISK_")
    title: ClassVar[str] = "Risk limits, paper"


class BacktestRiskSettings(RiskSettings):
    """Limits in backtests: the same Guardian, so that its refusals show up before money does."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}BACKTEST_RISK_")
    title: ClassVar[str] = "Risk limits, backtest"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every effective setting, and where each came from."""

    storage: StorageSettings
    trading: TradingSettings
    ib: IbSettings
    live_risk: LiveRiskSettings
    paper_risk: PaperRiskSettings
    backtest_risk: BacktestRiskSettings
    origins: Mapping[str, str]

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(environment name, shown value, origin) of every setting; secrets masked."""
        for group in (self.storage, self.trading, self.ib, self.live_risk, self.paper_risk, self.backtest_risk):
            for name, field in group.names().items():
                yield name, shown(getattr(group, field)), self.origins.get(name, "default")


GROUPS: tuple[type[Group], ...] = (StorageSettings, TradingSettings, IbSettings, LiveRiskSettings, PaperRiskSettings, BacktestRiskSettings)


def shown(value: object) -> str:
    """A setting as text; a secret only as stars."""
    match value:
        case None:
            return ""
        case SecretStr():
            return "********"
        case bool():
            return str(value).lower()
        case frozenset():
            return ",".join(sorted(str(item) for item in value))
    return str(value)


def default_of(group: type[Group], field: str) -> object:
    """Default of a field, for the generated references; None where it is unset."""
    info = group.model_fields[field]
    default = info.get_default(call_default_factory=True)
    return None if default is PydanticUndefined else default


def load_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Read environment and env file once. Raises ConfigError naming the variable, the value and the remedy.

    `env_file`: read this one, whatever ATS_ENV_FILE says.
    """
    environment = _ours(os.environ if environ is None else environ)
    named = environment.get(ENV_FILE_NAME)
    env_file = env_file or Path(named or DEFAULT_ENV_FILE)
    if named and not env_file.exists():
        raise ConfigError(
            f"{ENV_FILE_NAME}={named!r}: there is no such file.", remedy="Correct the path, or unset it to read backend/.env."
        )
    from_file = _ours(read_env_file(env_file))
    known = {name for group in GROUPS for name in group.names()}
    if ENV_FILE_NAME in from_file:
        raise ConfigError(f"{ENV_FILE_NAME} stands in {env_file}, which is being read already.", remedy="Set it in the environment only.")
    for origin, values in (("the environment", environment), (str(env_file), from_file)):
        for name in sorted(values.keys() - known):
            raise ConfigError(
                f"{name if name.isidentifier() else excerpt(name)} (in {origin}) is not a setting of ats.", remedy=_suggestion(name, known)
            )
        for name, value in values.items():
            if any(ord(character) < _FIRST_PRINTABLE for character in value):
                raise ConfigError(f"{name} (in {origin}) holds a control character.", remedy=_WHERE, name=name)
    merged = from_file | environment
    origins = {name: "environment" if name in environment else str(env_file) for name in merged}
    storage, trading, ib, live, paper, backtest = (_build(group, merged) for group in GROUPS)
    return Settings(storage, trading, ib, live, paper, backtest, origins)  # type: ignore[arg-type]  # one value per entry of GROUPS, in order


def _ours(values: Mapping[str, str]) -> dict[str, str]:
    """Everything that begins with the prefix in any case: `ats_live_risk_…` is a typo, not somebody else's variable."""
    return {name: value for name, value in values.items() if name.upper().startswith(PREFIX)}


def _build(group: type[Group], values: Mapping[str, str]) -> Group:
    names = group.names()
    given = {field: values[name] for name, field in names.items() if name in values}
    try:
        return group.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise ConfigError(f"{message}.", remedy=_WHERE) from None
        field = str(first["loc"][0])
        name = next(name for name, known in names.items() if known == field)
        value = "********" if "SecretStr" in str(group.model_fields[field].annotation) else excerpt(given.get(field))
        raise ConfigError(f"{name}={value} is not valid: {message}.", remedy=_WHERE, name=name) from None


_WHERE = "Set it in the environment or in backend/.env; `ats config show` prints every effective value."


def _suggestion(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name.upper(), known, n=1)
    return f"Did you mean {close[0]}?" if close else "See docs/reference/settings.md for every name, or remove it."
