"""Check the database and Redis."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from limits.aio.storage import Storage
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string

from service.cli.checks.check import Check
from service.core.clock import SystemClock
from service.core.errors import Misconfigured
from service.migrations.operations import difference
from service.settings import Settings
from service.storage.answering import DatabaseError
from service.storage.database import Client, Database, connect, require_replica_set
from service.storage.indexes import refuse_deadly_ttl
from service.stored import drift_of

_OLDEST_MONGODB = 6
_OLDEST_IN_PRODUCTION = 7
# Stripe's signatures may be 300 s old: a clock that is far off rejects them all.
_SKEW_NOTED_S, _SKEW_WRONG_S = 2, 60


async def check_database(settings: Settings, uri: str) -> AsyncIterator[Check]:
    """Check the database, from reachability to indexes; skip what can't be asked."""
    try:
        client = connect(uri)
    except Misconfigured as error:
        yield Check("database", "address", "problem", error.message)
        return
    try:
        await require_replica_set(client)
        yield Check("database", "replica set", "fine", "answers")
        yield await _version(client, production=settings.production)
        yield await _clock(client)
        database = client[settings.database.name]
        if (differs := await difference(database)) is not None:
            yield Check("database", "layout", "problem", differs)
            return  # nothing is created before that, and the indexes depend on the version
        async for check in _indexes(database, settings):
            yield check
    except Misconfigured as error:
        yield Check("database", "replica set", "problem", error.message)
    except DatabaseError as error:
        yield Check("database", "commands", "problem", f"were refused: {error}")
    finally:
        await client.close()


async def check_redis(url: str) -> Check:
    """Check that Redis answers."""
    try:
        storage = storage_from_string(f"async+{url}", wrap_exceptions=True)
        answers = isinstance(storage, Storage) and await storage.check()
    except ConfigurationError:
        return Check("database", "Redis", "problem", "REDIS_URL takes redis://host:port/0")
    except (StorageError, OSError, ValueError, TimeoutError):
        answers = False
    if not answers:
        says = "does not answer at REDIS_URL: requests pass unlimited while it is away"
        return Check("database", "Redis", "problem", says)
    return Check("database", "Redis", "fine", "answers")


async def _version(client: Client, *, production: bool) -> Check:
    version = str((await client.admin.command("buildInfo"))["version"])
    major = int(version.partition(".")[0])
    if major < _OLDEST_MONGODB:
        return Check("database", "version", "problem", f"is {version}; 6.0 or newer is needed")
    if production and major < _OLDEST_IN_PRODUCTION:
        return Check("database", "version", "warning", f"is {version}; take 7 or 8 in production")
    return Check("database", "version", "fine", f"MongoDB {version}")


async def _clock(client: Client) -> Check:
    before = SystemClock().now()
    reported: datetime = (await client.admin.command("hello"))["localTime"]
    theirs = reported.replace(tzinfo=UTC)  # a command's answer comes without an offset
    after = SystemClock().now()
    # A difference smaller than the round trip may be the round trip.
    skew = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0)
    says = f"{skew:.1f} s apart from the database's"
    if skew >= _SKEW_WRONG_S:
        return Check("database", "clock", "problem", f"{says}: signatures will be refused")
    return Check("database", "clock", "warning" if skew >= _SKEW_NOTED_S else "fine", says)


async def _indexes(database: Database, settings: Settings) -> AsyncIterator[Check]:
    try:
        await refuse_deadly_ttl(database)
    except Misconfigured as error:
        yield Check("database", "TTL", "problem", error.message)
    drift = await drift_of(database)
    missing = [f"{one.collection}.{one.index}" for one in drift if one.kind == "missing"]
    if missing:
        says = f"{len(missing)} are missing ({missing[0]} …): tillgate migrate"
        yield Check("database", "indexes", "problem" if settings.production else "warning", says)
    for one in drift:
        if one.kind != "missing":
            yield Check("database", "indexes", "warning", str(one))
    if not drift:
        yield Check("database", "indexes", "fine", "are all there")
