"""Acts of who keeps the service running: jobs paused and run by hand, deliveries made again."""

import asyncio

from service.jobs.operations.begin import begin_job
from service.jobs.operations.pausing import pause_job
from tests.conversation.picking import pick
from tests.conversation.world import ADMIN, JOBS, OPERATOR, World

NAMES = ("cleanup", "outbox", "events", "entries", "refunds")


async def redeliver(world: World, a: int, b: int, c: int) -> None:
    """Have a delivery made again: one that is done, that waits, or that was given up."""
    rows = await world.rows("deliveries")
    dead = [row for row in rows if row["status"] == "dead"]
    row = pick(dead if dead and c % 2 else rows, a)
    if row is None:
        return
    answer = await world.admin("POST", f"/deliveries/{row['_id']}/redeliver")
    assert answer.status_code in {200, 409}, answer.text
    if answer.status_code == 200:
        world.reached.add(f"a delivery that was {row['status']} is made again")
    if b % 2:
        await world.lab.api.settle()


async def pause(world: World, a: int, b: int, c: int) -> None:
    """Pause a job: from now on nobody runs it."""
    name = NAMES[a % len(NAMES)]
    resumptions = world.jobs_resumed
    await pause_job(name, world.lab.api.container.job_table, OPERATOR)
    if resumptions == world.jobs_resumed and resumptions % 2 == 0:  # else nobody knows who is last
        world.paused.add(name)
        world.reached.add("a paused job")


async def resume_jobs(world: World, a: int, b: int, c: int) -> None:
    """Let all jobs run again."""
    await world.resume_jobs()


async def post_entries(world: World, a: int, b: int, c: int) -> None:
    """Have the entries posted of what has changed so far."""
    await world.post_entries()


async def run_by_hand(world: World, a: int, b: int, c: int) -> None:
    """Run a job by its route, with either key that may, or by the button of the page."""
    name = NAMES[a % len(NAMES)]
    if b % 3 == 2:
        await _press(world, name)
    else:
        await world.run_job(name, f"/api/jobs/{name}", (JOBS, ADMIN)[b % 3])


async def _press(world: World, name: str) -> None:
    await world.note()
    paused, table = name in world.paused, world.lab.api.container.job_table
    beginning = await begin_job(name, table, OPERATOR)
    await asyncio.gather(*table.under_way)
    world.story.append(f"  {name}: {beginning}")
    if paused and name in world.paused:
        assert beginning != "begun", f"{name} was begun while it was paused"
