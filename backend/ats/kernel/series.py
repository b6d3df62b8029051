"""The shape of historical data the engine is fed with; the catalog provides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Series(Protocol):
    """Bars of one instrument in engine objects, and as columns of the same length, in the order of availability."""

    @property
    def instrument(self) -> Any:
        """The engine's instrument."""
        ...

    @property
    def bars(self) -> Sequence[Any]:
        """The engine's bars; `ts_event` is the close, `ts_init` the availability."""
        ...

    @property
    def opened_ns(self) -> NDArray[np.int64]:
        """When each bar opened, nanoseconds since the epoch, increasing."""
        ...
