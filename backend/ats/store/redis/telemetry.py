"""What a session shows of itself while it runs: snapshots in a bounded stream. Lost telemetry is no lost fact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import redis
import structlog

from ats.core.digest import canonical_json
from ats.core.errors import DependencyError
from ats.store.redis.connection import redis_errors
from ats.store.redis.namespace import Namespace

log = structlog.get_logger()
_KEPT = 1_000
_SECONDS_KEPT = 7 * 86_400


class SessionTelemetry:
    """Publishes and reads the snapshots of sessions of one mode."""

    def __init__(self, client: redis.Redis, namespace: Namespace) -> None:
        self._client = client
        self._namespace = namespace

    def publish(self, session_id: str, snapshot: Mapping[str, object]) -> None:
        """Add a snapshot; old ones beyond about a thousand fall off. Raises DependencyError, which the session reports and survives."""
        key = self._stream(session_id)
        with redis_errors("publishing telemetry"), self._client.pipeline(transaction=True) as pipeline:
            pipeline.xadd(key, {"snapshot": canonical_json(snapshot)}, maxlen=_KEPT, approximate=True)
            pipeline.expire(key, _SECONDS_KEPT)
            pipeline.execute()

    def latest(self, session_id: str) -> dict[str, Any] | None:
        """The newest snapshot; None when there is none."""
        found = self.recent(session_id, 1)
        return found[0] if found else None

    def recent(self, session_id: str, count: int) -> list[dict[str, Any]]:
        """The newest snapshots, newest first."""
        with redis_errors("reading telemetry"):
            entries = cast("list[tuple[str, dict[str, str]]]", self._client.xrevrange(self._stream(session_id), count=count))
        return [json.loads(fields["snapshot"]) for _, fields in entries]

    def _stream(self, session_id: str) -> str:
        return self._namespace.key("telemetry", session_id)


class SurvivingTelemetry:
    """The telemetry of one session, which goes on when nobody can be told: loss is logged once per outage (row F14)."""

    def __init__(self, telemetry: SessionTelemetry, session_id: str) -> None:
        self._telemetry, self._session_id = telemetry, session_id
        self._is_lost = False

    def publish(self, snapshot: dict[str, object]) -> None:
        """Publish, or note once that it cannot be published."""
        try:
            self._telemetry.publish(self._session_id, snapshot)
        except DependencyError as error:
            if not self._is_lost:
                log.warning("telemetry.lost", error=error.message)
            self._is_lost = True
        else:
            self._is_lost = False
