"""Where the cache is."""

import os
from pathlib import Path

import pytest

from labelscan.config import CacheConfig
from labelscan.images.cache import folder_of


def test_the_folder_is_the_users_unless_one_is_named(tmp_path, cache_of_the_tests):
    assert folder_of(CacheConfig()).is_relative_to(cache_of_the_tests)
    assert folder_of(CacheConfig(folder="none")) is None
    assert folder_of(CacheConfig(folder="~/mine")) == Path.home() / "mine"
    assert folder_of(CacheConfig(folder="~no such user/mine")) == Path("~no such user/mine")


@pytest.mark.skipif(os.name != "posix", reason="users of Windows have a home")
def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def nobody(number):
        raise KeyError(number)

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert folder_of(CacheConfig()) is None
