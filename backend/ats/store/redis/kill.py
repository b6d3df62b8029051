"""The kill switch's place in Redis: one key for every mode, because a kill stops all trading of the installation."""

from __future__ import annotations

from datetime import datetime

import redis

from ats.core.errors import DependencyError
from ats.risk.kill_switch import KillReading, Reading
from ats.store.redis.connection import redis_errors

KILL_KEY = "ats:kill"


class RedisKillPlace:
    """The switch in Redis: the key exists, the switch is on. Rebuildable: file and database keep the latch across a restart."""

    name = "redis"

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def read(self) -> KillReading:
        """On when the key exists, whatever its type; unreadable, with the reason, when Redis cannot be asked."""
        try:
            with redis_errors("reading the kill switch"):
                if not self._client.exists(KILL_KEY):
                    return KillReading(self.name, Reading.OFF)
                return KillReading(self.name, Reading.ON, self._reason())
        except DependencyError as error:
            return KillReading(self.name, Reading.UNREADABLE, error.message)

    def switch_on(self, reason: str, actor: str, at: datetime) -> None:
        """Set the key; one that is there stays. Raises DependencyError when it was not set."""
        text = f"{reason} ({actor}, {at:%Y-%m-%d %H:%M:%S} UTC)"
        with redis_errors("switching the kill switch on"):
            self._client.set(KILL_KEY, text.encode(errors="backslashreplace"), nx=True)

    def switch_off(self) -> None:
        """Remove the key."""
        with redis_errors("switching the kill switch off"):
            self._client.delete(KILL_KEY)

    def _reason(self) -> str:
        try:
            value = self._client.get(KILL_KEY)
        except redis.ResponseError:  # somebody stored another type; that it exists is what counts
            return ""
        return str(value or "")
