"""The other side of foreign.rs, on the official Python SDK."""

import asyncio
import os
import sys

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


@workflow.defn(name="Greeter")
class Greeter:
    def __init__(self):
        self.mark = None

    @workflow.run
    async def run(self, arg: dict) -> dict:
        await workflow.wait_condition(lambda: self.mark is not None)
        return {"greeting": f"hello {arg['name']}{self.mark}", "n": arg["n"] + 1}

    @workflow.signal
    def go(self, mark: str):
        self.mark = mark

    @workflow.query
    def waiting(self) -> bool:
        return self.mark is None


@workflow.defn(name="Thrower")
class Thrower:
    @workflow.run
    async def run(self):
        raise ApplicationError("too late", {"by": 3}, type="Conflict", non_retryable=True)


@workflow.defn(name="Parent")
class Parent:
    """Calls a workflow of the other side as a child, and talks to it."""

    @workflow.run
    async def run(self, queue: str) -> list:
        child = await workflow.start_child_workflow("app:mailbox", task_queue=queue, id="child-of-python")
        await child.signal("topic", {"deep": [1, 2.5, None, "ü"]})
        await child.signal("end")
        return await child


async def client_part(client: Client, queue: str):
    handle = await client.start_workflow("app:mailbox", {"a": 1}, id="from-python", task_queue=queue)
    await handle.signal("topic", 5)
    assert await handle.query("count") == 1
    try:
        await handle.query("nothing")
        raise AssertionError("it answered")
    except WorkflowQueryFailedError as error:
        assert "no query `nothing`" in str(error), error
    assert await handle.execute_update("add", {"x": [True]}) == 2
    try:
        await handle.execute_update("fail")
        raise AssertionError("it did not fail")
    except WorkflowUpdateFailedError as error:
        assert isinstance(error.cause, ApplicationError) and error.cause.type == "Conflict", error.cause
        assert list(error.cause.details) == [{"by": 3}], error.cause.details
    await handle.signal("end")
    seen = await handle.result()
    assert seen[0]["name"] == "topic" and seen[0]["arg"] == 5 and seen[1] == {"x": [True]}, seen

    handle = await client.start_workflow("app:mailbox", id="to-cancel", task_queue=queue)
    await handle.cancel()
    try:
        await handle.result()
        raise AssertionError("it went on")
    except WorkflowFailureError as error:
        assert isinstance(error.cause, CancelledError), error.cause

    async with Worker(
        client, task_queue="python", workflows=[Parent], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        seen = await client.execute_workflow("Parent", queue, id="parent", task_queue="python")
        assert seen == [{"name": "topic", "arg": {"deep": [1, 2.5, None, "ü"]}}], seen
    print("all of it")


async def worker_part(client: Client):
    worker = Worker(
        client, task_queue="python", workflows=[Greeter, Thrower], workflow_runner=UnsandboxedWorkflowRunner()
    )
    async with worker:
        print("ready", flush=True)
        await asyncio.Event().wait()


async def main():
    part, address, queue = sys.argv[1:]
    client = await Client.connect(address)
    if part == "client":
        await client_part(client, queue)
    else:
        await worker_part(client)


asyncio.run(main())
# Threads of the SDK may outlive the interpreter, which would then abort.
sys.stdout.flush()
os._exit(0)
