"""The Redis client every part uses: short timeouts, no silent retries, errors in our own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ats.core.errors import ConfigError, DependencyError

_TIMEOUT_SECONDS = 1.0
_CREDENTIALS = re.compile(r"//.*@", re.DOTALL)


def connect_redis(url: str) -> redis.Redis:
    """A client for the URL; nothing is sent yet. Each call waits at most a second. Raises ConfigError for a malformed URL."""
    try:
        return redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
    except ValueError:
        raise ConfigError(f"ATS_REDIS_URL={masked_redis(url)} is not a Redis URL.", remedy="Write redis://host:port/0.") from None


@contextmanager
def redis_errors(act: str) -> Iterator[None]:
    """Turn the library's errors into DependencyError; `act` says what was attempted."""
    try:
        yield
    except redis.RedisError as error:
        raise DependencyError(f"Redis: {act} failed: {error}.", remedy="Check that Redis runs; `ats status` shows each service.") from error


def check_redis(url: str) -> None:
    """Raise DependencyError unless the server answers."""
    try:
        with connect_redis(url) as client:
            client.ping()
    except redis.RedisError as error:
        raise DependencyError(
            f"Redis at {masked_redis(url)} does not answer: {error}.",
            remedy="Start it, correct ATS_REDIS_URL, or unset it to use the embedded Valkey.",
        ) from None


def masked_redis(url: str) -> str:
    """The URL without credentials and options: whatever stands before the last @ may be part of a password."""
    return _CREDENTIALS.sub("//********@", url).partition("?")[0]
