"""Calls from asyncio, and from threads: the interpreter is released while guests run, so that they run in parallel."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import libhyperlight as hl

CALLS = 8


async def from_asyncio(pool: hl.SandboxPool) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticker = asyncio.create_task(tick())
    began = time.perf_counter()
    await asyncio.gather(*(asyncio.to_thread(pool.call, "SpinForMs", 50) for _ in range(CALLS)))
    print(
        f"asyncio: {CALLS} calls of 50 ms took {time.perf_counter() - began:.2f} s, and the loop ticked {ticks} times"
    )
    ticker.cancel()


def from_threads(pool: hl.SandboxPool) -> None:
    began = time.perf_counter()
    with ThreadPoolExecutor() as executor:
        results = list(executor.map(lambda number: pool.call("Fibonacci", number), range(20, 20 + CALLS)))
    print(f"threads: {CALLS} calls took {time.perf_counter() - began:.2f} s: {results}")


def main() -> None:
    with hl.Sandbox(hl.Guest.builtin("demo")) as sandbox:
        snapshot = sandbox.snapshot()
    with hl.SandboxPool(snapshot, size=os.cpu_count(), timeout=5.0) as pool:
        asyncio.run(from_asyncio(pool))
        from_threads(pool)


if __name__ == "__main__":
    main()
