"""The broker's published limits on historical requests, which clients must live with. Pure but for its memory of recent requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from datetime import datetime, timedelta

_SAME_REQUEST = timedelta(seconds=15)
_SAME_CONTRACT = timedelta(seconds=2)
_MOST_PER_CONTRACT = 5
_WINDOW = timedelta(minutes=10)
_MOST_PER_WINDOW = 60


class HistoryPacing:
    """Remembers requests for bars of 30 seconds and less and says when one comes too soon."""

    def __init__(self) -> None:
        self._recent: deque[tuple[datetime, Hashable, Hashable]] = deque()

    def admit(self, at: datetime, contract: Hashable, request: Hashable) -> bool:
        """Whether the request keeps the limits: no identical one within 15 s, under six per contract in 2 s, 60 in ten minutes."""
        while self._recent and at - self._recent[0][0] >= _WINDOW:
            self._recent.popleft()
        same_request = any(at - then < _SAME_REQUEST and known == request for then, _, known in self._recent)
        same_contract = sum(at - then < _SAME_CONTRACT and known == contract for then, known, _ in self._recent)
        if same_request or same_contract >= _MOST_PER_CONTRACT or len(self._recent) >= _MOST_PER_WINDOW:
            return False
        self._recent.append((at, contract, request))
        return True
