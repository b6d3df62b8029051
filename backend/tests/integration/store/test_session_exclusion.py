"""One session per account, between processes."""

import pytest

from ats.core.errors import RefusedByGateError
from ats.store.files import SessionLock

RUNNER = """
    import sys
    from pathlib import Path
    from ats.core.errors import RefusedByGateError
    from ats.store.files import SessionLock

    folder, session_id = Path(sys.argv[1]), sys.argv[2]
    print("ready", flush=True)
    while sys.stdin.readline():
        try:
            with SessionLock(folder, "DU1234567").held(session_id):
                print("won", flush=True)
                sys.stdin.readline()
        except RefusedByGateError:
            print("refused", flush=True)
            sys.stdin.readline()
        print("over", flush=True)
"""


@pytest.fixture
def runners(start_python, tmp_path):
    both = [start_python(RUNNER, tmp_path, name) for name in ("s-1", "s-2")]
    for runner in both:
        assert runner.stdout.readline() == "ready\n"
    return both


def say(runners):
    for runner in runners:
        runner.stdin.write("go\n")
        runner.stdin.flush()
    return [runner.stdout.readline().strip() for runner in runners]


def test_of_two_starts_at_once_exactly_one_wins(runners):
    """C14: fifty rounds."""
    for _ in range(50):
        assert sorted(say(runners)) == ["refused", "won"]
        assert say(runners) == ["over", "over"]


def test_a_killed_holder_frees_the_account_and_a_living_one_is_named(runners, tmp_path):
    """C14: the lock dies with its process."""
    assert say(runners[:1]) == ["won"]
    with pytest.raises(RefusedByGateError, match=f"session s-1, process {runners[0].pid}"), SessionLock(tmp_path, "DU1234567").held("s-3"):
        pass
    runners[0].kill()
    runners[0].wait()
    assert say(runners[1:]) == ["won"]
