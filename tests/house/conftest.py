"""The trees of all files are let go once a file of tests has looked at them."""

from collections.abc import Iterator

import pytest

from tests.house.trees import tree_of


@pytest.fixture(scope="module", autouse=True)
def trees_that_are_let_go() -> Iterator[None]:
    """A million nodes, which each collection of garbage would look through for good."""
    yield
    tree_of.cache_clear()
