from __future__ import annotations

import threading
import time

import pytest

from ats.brokers.ib.bounded import OverdueError, within


def test_the_result_comes_back():
    assert within(5, lambda: 42) == 42
    assert within(5, lambda: None) is None


def test_an_exception_of_the_work_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)


def test_work_that_never_ends_is_left_behind():
    release = threading.Event()
    started = time.monotonic()
    with pytest.raises(OverdueError):
        within(0.1, lambda: release.wait(30))
    assert time.monotonic() - started < 2
    release.set()
