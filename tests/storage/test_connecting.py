"""Whatever is wrong with MONGODB_URI is told in words, and never with its password."""

import pytest

from service.core.errors import Misconfigured
from service.storage.database import connect

_PASSWORD = "s3cretPassw0rd"

UNUSABLE = [
    f"mongodb://u:{_PASSWORD}@h:port/",
    f"mongodb://u:{_PASSWORD}@h:99999/",
    f"mongodb://u:{_PASSWORD}/x@h:1/",
    f"mongodb://u:{_PASSWORD}@/",
    f"mongo://u:{_PASSWORD}@h/",
    f"u:{_PASSWORD}@h",
    f"mongodb://u:{_PASSWORD}%@h/",
    f"mongodb://u:{_PASSWORD}:x@h/",
    f"mongodb://u:{_PASSWORD}@[::1/",
    f"mongodb://u:{_PASSWORD}@h/a b?",
    f"mongodb+srv://u:{_PASSWORD}@h1.example,h2.example/",
    f"mongodb://u:{_PASSWORD}@h/?tls=true&tlsCAFile=/nowhere/ca.pem",
    f"mongodb://u:{_PASSWORD}@h/?tls=true&tlsCertificateKeyFile=/nowhere/key.pem",
]


@pytest.mark.parametrize("uri", UNUSABLE)
def test_an_address_that_can_not_be_used_is_told_without_its_password(uri: str) -> None:
    with pytest.raises(Misconfigured, match="MONGODB_URI can't be read: ") as told:
        connect(uri)
    assert _PASSWORD not in told.value.message


async def test_control_a_sound_address_is_taken() -> None:
    client = connect(f"mongodb://u:{_PASSWORD}@127.0.0.1:9/?replicaSet=rs0")
    await client.close()
