"""A recorded run begins queued and is a value: nothing changes it but its store."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from ats.core.runs import RunRecord, RunStatus


def test_a_run_begins_queued_with_nothing_found_yet():
    record = RunRecord("r-1", datetime(2026, 1, 2, tzinfo=UTC), "ibs_reversion", "QQQ.NASDAQ", "1-DAY-LAST", {}, "c", "p")
    assert (record.status, record.metrics, record.artifacts, record.error) == (RunStatus.QUEUED, {}, {}, "")
    with pytest.raises(FrozenInstanceError):
        record.status = RunStatus.DONE
