"""Which database is meant: what is set, else what the address names."""

import pytest

from service.storage.settings import DatabaseSettings

HOSTS = "mongodb://user:pass%2Fword@one:27017,two:27017"


def name_of(**given: str) -> str:
    """Read the settings of these variables alone; return the database's name."""
    return DatabaseSettings(**given).name  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/shop?replicaSet=rs0", "shop"),
        ("/shop", "shop"),
        ("/my%2Dshop", "my-shop"),
        ("/?replicaSet=rs0", "tillgate"),
        ("/", "tillgate"),
        ("", "tillgate"),
        ("?replicaSet=a/b", "tillgate"),
        ("/admin?replicaSet=rs0", "tillgate"),
    ],
)
def test_the_database_in_the_path_is_used(path: str, name: str) -> None:
    assert name_of(MONGODB_URI=HOSTS + path) == name
    assert name_of(MONGODB_URI=f"mongodb+srv://cluster.example{path}") == name


def test_control_what_is_set_wins() -> None:
    assert name_of(MONGODB_URI=f"{HOSTS}/shop", MONGODB_DATABASE="another") == "another"


def test_a_name_that_can_not_be_one_is_refused() -> None:
    with pytest.raises(ValueError, match="MONGODB_DATABASE"):
        name_of(MONGODB_URI=f"{HOSTS}/a.b")
