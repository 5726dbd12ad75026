"""The browser client as it is served: to every origin, small, and of the very bytes it says."""

import gzip
from base64 import b64encode
from hashlib import sha384

import httpx
import pytest
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.storage.database import Database
from service.web.client.builds import Build, builds, newest, newest_build
from tests.web.app import create_test_app, settings_for
from tests.web.conftest import client_of

MOST_BYTES = 6_000
SHOP = "https://shop.example"


def hash_of(content: bytes) -> str:
    """Return what a page writes into `integrity`."""
    return f"sha384-{b64encode(sha384(content).digest()).decode()}"


@pytest.mark.parametrize("build", builds().values(), ids=lambda build: build.version)
def test_a_version_is_at_most_six_kilobytes_on_the_wire(build: Build) -> None:
    assert len(build.packed) <= MOST_BYTES
    assert gzip.decompress(build.packed) == build.content


@pytest.mark.parametrize("build", builds().values(), ids=lambda build: build.version)
async def test_a_version_may_be_loaded_by_every_origin_and_kept_for_ever(
    http: AsyncClient, build: Build
) -> None:
    answer = await http.get(build.path, headers={"Origin": SHOP})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert hash_of(answer.content) == build.integrity


async def test_an_origin_that_may_call_is_named_once(
    database: Database, clock: ManualClock
) -> None:
    app = create_test_app(settings_for(cors_origins=(SHOP,)), clock, database)
    async with client_of(app) as http:
        answer = await http.get("/tillgate.js", headers={"Origin": SHOP})
    assert answer.headers.get_list("access-control-allow-origin") == [SHOP]


async def test_the_newest_is_asked_about_each_time(http: AsyncClient) -> None:
    answer = await http.get("/tillgate.js")
    assert answer.content == newest_build().content
    assert answer.headers["cache-control"] == "no-cache"
    etag = answer.headers["etag"]
    unchanged = await http.get("/tillgate.js", headers={"If-None-Match": f'W/"old", {etag}'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    changed = await http.get("/tillgate.js", headers={"If-None-Match": '"old"'})
    assert changed.status_code == 200


async def test_it_is_packed_for_those_who_unpack(http: AsyncClient) -> None:
    def length(answer: httpx.Response) -> int:
        return int(answer.headers["content-length"])

    packed = await http.get("/tillgate.js", headers={"Accept-Encoding": "br, gzip"})
    plain = await http.get("/tillgate.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert length(packed) <= MOST_BYTES < length(plain)


async def test_its_hash_can_be_asked_for(http: AsyncClient) -> None:
    told = (await http.get("/tillgate.json")).json()
    script = await http.get(told["path"])
    assert told == {
        "version": newest().version,
        "path": f"/tillgate-{newest().version}.js",
        "integrity": hash_of(script.content),
    }


async def test_no_other_file_and_no_other_version_is_served(http: AsyncClient) -> None:
    for path in ("/tillgate-9.9.9.js", "/built.json", "/tillgate-built.json", "/tillgate-.js"):
        assert (await http.get(path)).status_code == 404
