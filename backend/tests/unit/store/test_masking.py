"""Secrets stay out of messages; text fits the database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats.core.errors import ConfigError, DependencyError
from ats.store.postgres.database import check_database, masked_database, storable
from ats.store.redis.connection import check_redis, connect_redis, masked_redis

SECRET = "hunter2"  # noqa: S105 -- the marker these tests look for


def test_urls_are_shown_without_their_password():
    """F7."""
    assert masked_database(f"postgresql://ann:{SECRET}@db.example:5433/ats") == "ann@db.example:5433/ats"
    assert masked_redis(f"redis://ann:{SECRET}@cache.example:6379/0") == "redis://********@cache.example:6379/0"


@pytest.mark.parametrize(
    "url", [f"postgresql://ann:{SECRET}@[broken/ats", f"nonsense {SECRET}", f"postgresql://ann:{SECRET}@h/ats?colour=red"]
)
def test_a_malformed_database_url_is_a_config_error_without_the_secret(url):
    """F7."""
    with pytest.raises(ConfigError) as caught:
        check_database(url)
    assert "ATS_DATABASE_URL" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", [f"http://:{SECRET}@cache.example/0", f"redis://:x#{SECRET}@h:port/0"])
def test_a_malformed_redis_url_is_a_config_error_without_the_secret(url):
    """F7."""
    with pytest.raises(ConfigError) as caught:
        connect_redis(url)
    assert "ATS_REDIS_URL" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("password", [SECRET, f"a:{SECRET}", f"{SECRET}/a", f"a@{SECRET}", f"{SECRET}@a", f"a?{SECRET}", f"{SECRET}#a"])
def test_no_part_of_a_redis_password_is_shown(password):
    """F7: passwords with the signs that usually end one."""
    for url in (f"redis://:{password}@cache.example:6379/0", f"redis://ann:{password}@cache.example/0?password={SECRET}"):
        assert SECRET not in masked_redis(url)
        assert "cache.example" in masked_redis(url)


def test_a_service_that_does_not_answer_is_named_with_a_remedy_and_without_the_secret():
    """F7; the port is one nothing listens on."""
    with pytest.raises(DependencyError) as caught:
        check_database(f"postgresql://ann:{SECRET}@127.0.0.1:1/ats")
    assert "127.0.0.1:1/ats" in str(caught.value)
    assert "ATS_DATABASE_URL" in caught.value.remedy
    assert SECRET not in str(caught.value)
    with pytest.raises(DependencyError) as caught:
        check_redis(f"redis://:{SECRET}@127.0.0.1:1/0")
    assert "ATS_REDIS_URL" in caught.value.remedy
    assert SECRET not in str(caught.value)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_storable_and_storable_text_stays_as_it_is(text):
    stored = storable(text)
    assert "\x00" not in stored
    assert stored.encode().decode() == stored
    assert storable(stored) == stored
