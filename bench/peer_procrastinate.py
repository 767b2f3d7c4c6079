"""procrastinate as it is meant to be used; run by its own environment's Python, without anything of Hostler's.

`schema` makes its tables; `measure N` prints the median of N latencies in ms; `worker` runs jobs; `finish N` prints how
many of N jobs, a lock each, a worker that runs ten at once finishes in a second.
"""

# mypy: ignore-errors

import asyncio
import logging
import os
import statistics
import sys
import time

import procrastinate

logging.getLogger("procrastinate").setLevel(logging.ERROR)
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["PEER_DATABASE_URL"]))


@app.task(name="held")
async def held(id):
    print(time.monotonic(), flush=True)


async def schema():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def worker():
    async with app.open_async():
        print("ready", flush=True)
        await app.run_worker_async(wait=True, listen_notify=True)


async def measure(samples):
    process = await asyncio.create_subprocess_exec(sys.executable, __file__, "worker", stdout=asyncio.subprocess.PIPE)
    await process.stdout.readline()
    latencies = []
    async with app.open_async():
        await held.defer_async(id=-1)  # the worker listens when it has done this one
        await process.stdout.readline()
        for n in range(samples):
            called = time.monotonic()
            await held.defer_async(id=n)
            latencies.append(float(await process.stdout.readline()) - called)
    process.terminate()
    await process.wait()
    print(statistics.median(latencies) * 1000)


@app.task(name="nothing")
async def nothing():
    pass


async def finish(count):
    async with app.open_async():
        for n in range(count):
            await nothing.configure(lock=f"stream-{n}", queue="finish").defer_async()
        started = time.perf_counter()
        await app.run_worker_async(queues=["finish"], wait=False, concurrency=10, delete_jobs="successful")
        print(count / (time.perf_counter() - started))


if __name__ == "__main__":
    commands = {
        "schema": schema,
        "worker": worker,
        "measure": lambda: measure(int(sys.argv[2])),
        "finish": lambda: finish(int(sys.argv[2])),
    }
    asyncio.run(commands[sys.argv[1]]())
