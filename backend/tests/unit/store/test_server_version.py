"""Which PostgreSQL servers are taken."""

import pytest

from ats.core.errors import DependencyError
from ats.store.postgres.migrate import refuse_old_server


@pytest.mark.parametrize("version", [150_018, 159_999, 90_624])
def test_an_older_server_is_refused_with_both_versions_named(version):
    with pytest.raises(DependencyError, match=rf"PostgreSQL {version // 10_000}; ats needs 16"):
        refuse_old_server(version)


@pytest.mark.parametrize("version", [160_000, 180_001])
def test_sixteen_and_later_are_taken(version):
    refuse_old_server(version)
