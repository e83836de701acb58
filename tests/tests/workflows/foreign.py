"""The other side of foreign.rs, on the official Python SDK."""

import asyncio
import os
import sys

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@activity.defn(name="greet")
async def greet(person: dict) -> dict:
    if not person["name"]:
        raise ApplicationError("nobody to greet", {"field": "name"}, type="Invalid", non_retryable=True)
    return {"text": f"hello {person['name']}", "length": len(person["name"])}


@workflow.defn(name="Doubler")
class Doubler:
    @workflow.run
    async def run(self, number: int) -> int:
        return 2 * number


@workflow.defn(name="Parent")
class Parent:
    """Runs a Lua workflow as its child, and a Lua function as its activity."""

    @workflow.run
    async def run(self, queue: str) -> list:
        from datetime import timedelta

        total = await workflow.execute_activity(
            "app:sum", args=[20, 22], task_queue=queue, start_to_close_timeout=timedelta(seconds=30)
        )
        child = await workflow.start_child_workflow("app:work", args=["ada"], task_queue=queue, id=workflow.info().workflow_id + "-child")
        await child.signal("pay", {"amount": 7})
        await child.signal("close")
        return [total, await child]


async def client_part(client: Client, queue: str, unique: str):
    handle = await client.start_workflow("app:work", "ada", id=f"lua-{unique}", task_queue=queue)
    await handle.signal("pay", {"amount": 5, "tags": ["a", None, 1.5]})
    assert await handle.query("total") == 5
    assert await handle.query("total", 10) == 50
    assert await handle.execute_update("pay", {"amount": 2}) == 7
    try:
        await handle.execute_update("pay", {"amount": -1})
        raise AssertionError("it was not refused")
    except WorkflowUpdateFailedError as error:
        assert "positive" in str(error.cause), error.cause
    await handle.signal("close")
    assert await handle.result() == {"name": "ada", "total": 7}

    handle = await client.start_workflow("app:work", "fail", id=f"fail-{unique}", task_queue=queue)
    try:
        await handle.result()
        raise AssertionError("it did not fail")
    except WorkflowFailureError as error:
        cause = error.cause
        assert isinstance(cause, ApplicationError) and cause.type == "Conflict", cause
        assert cause.message == "as told" and list(cause.details) == [{"by": 3}], (cause.message, cause.details)

    async with Worker(
        client, task_queue=f"python-{unique}", workflows=[Parent], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        seen = await client.execute_workflow("Parent", queue, id=f"parent-{unique}", task_queue=f"python-{unique}")
        assert seen == [42, {"name": "ada", "total": 7}], seen
    print("all of it")


async def worker_part(client: Client, queue: str):
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Doubler],
        activities=[greet],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        print("ready", flush=True)
        await asyncio.Event().wait()


async def main():
    part, address, queue, unique = sys.argv[1:]
    client = await Client.connect(address)
    await (client_part(client, queue, unique) if part == "client" else worker_part(client, queue))


asyncio.run(main())
# Threads of the SDK may outlive the interpreter, which would then abort.
sys.stdout.flush()
os._exit(0)
