"""Two thousand slow clients, then twice what the server can do: whether it stands, what it says, and how it recovers.

python -m benchmarks.serving_load [--slow 2000] [--seconds 600]

A slow client opens a connection, sends a request's head and then a byte of its body every two seconds. Twice the
capacity is an open loop: a request begins on time whether others have ended or not.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from tests.pictures import make_folder
from tests.server.serving import Served

from benchmarks.serving import load, make_picture, request_of


def memory_of(served):
    """Resident MiB of the server and of its children together."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        if served._process.pid in (int(facts["Pid"]), int(facts["PPid"])) and "VmRSS" in facts:
            total += int(facts["VmRSS"].split()[0])
    return total / 1024


async def slow_client(port, token, ended, seconds):
    """Send a byte every two seconds until the time is up or the server has had enough."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /v1/workspaces/shapes/look HTTP/1.1\r\nHost: x\r\n{token}\r\nContent-Type: image/png\r\n"
                     "Content-Length: 100000\r\n\r\n".encode())  # fmt: skip
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            writer.write(b"x")
            await writer.drain()
            try:
                head = await asyncio.wait_for(reader.read(4096), 2)
                ended["closed" if not head else head.split()[1].decode()] += 1
                return
            except TimeoutError:
                pass
        ended["still sending"] += 1
        writer.close()
    except OSError as problem:
        ended[type(problem).__name__] += 1


async def slow_phase(served, request, options):
    token = f"Authorization: Bearer {options.key}"
    ended = Counter()
    slow = [asyncio.ensure_future(slow_client(served.port, token, ended, 40)) for _ in range(options.slow)]
    await asyncio.sleep(8)
    times, statuses = await load(served.port, request, 4, 20)
    peak = memory_of(served)
    await asyncio.gather(*slow)
    return times, statuses, peak, ended


async def overload(served, request, rate, seconds):
    """Begin `rate` requests a second, and note how each ended."""
    statuses, times, memory, waiting = Counter(), [], [], set()
    promised, idle = Counter(), []

    async def one():
        begun = time.perf_counter()
        try:
            reader, writer = (
                idle.pop() if idle else await asyncio.open_connection("127.0.0.1", served.port, limit=1 << 22)
            )
            writer.write(request)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError) as problem:
            statuses[type(problem).__name__] += 1
            return
        status = head.split()[1]
        statuses[status] += 1
        if status == "200":
            times.append(time.perf_counter() - begun)
        else:
            promised["with Retry-After" if "retry-after:" in head else "without"] += 1
        idle.append((reader, writer))

    begun, n, told = time.perf_counter(), 0, 0.0
    while (now := time.perf_counter() - begun) < seconds:
        while n < now * rate:
            task = asyncio.ensure_future(one())
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            n += 1
        if now - told > 5:
            memory.append(memory_of(served))
            told = now
        await asyncio.sleep(0.002)
    await asyncio.gather(*waiting)
    for _, writer in idle:
        writer.close()
    return n, statuses, times, memory, promised


def percentiles(times):
    return " / ".join(f"{1000 * t:.0f}" for t in np.percentile(times, [50, 95, 99])) if times else "none"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))
    picture = make_picture()
    with tempfile.TemporaryDirectory() as temporary:
        served = Served(Path(temporary) / "home").ready()
        client = served.client()
        client.create("shapes")
        for folder in make_folder(Path(temporary) / "photos", each=8).iterdir():
            client.upload("shapes", sorted(folder.iterdir()), label=folder.name)
        client.teach("shapes", single=True)
        options.key = client._key
        request = request_of(
            "/v1/workspaces/shapes/look", served.port, picture, [f"Authorization: Bearer {client._key}"]
        )
        asyncio.run(load(served.port, request, 4, 3))
        quiet, _ = asyncio.run(load(served.port, request, 4, 10))
        times, _ = asyncio.run(load(served.port, request, 16, 10))
        capacity, before = len(times) / 10, memory_of(served)
        print(
            f"capacity {capacity:.0f} requests/s; four clients p50/p95/p99 {percentiles(quiet)} ms; {before:.0f} MiB",
            flush=True,
        )
        times, statuses, peak, ended = asyncio.run(slow_phase(served, request, options))
        print(f"with {options.slow} slow clients: four clients get {len(times) / 20:.0f}/s, {percentiles(times)} ms, {dict(statuses)}; "
              f"{peak:.0f} MiB; the slow ones: {dict(ended)}", flush=True)  # fmt: skip
        n, statuses, times, memory, promised = asyncio.run(overload(served, request, 2 * capacity, options.seconds))
        first, last = np.mean(memory[2:6]), np.mean(memory[-4:])
        print(f"{options.seconds:.0f} s at {2 * capacity:.0f} requests/s: {n} begun, {dict(statuses)}, refusals {dict(promised)}; "
              f"answered {len(times) / options.seconds:.0f}/s, {percentiles(times)} ms; "
              f"memory {first:.0f} MiB at first, {last:.0f} at last, {max(memory):.0f} at most", flush=True)  # fmt: skip
        times, statuses = asyncio.run(load(served.port, request, 4, 10))
        print(
            f"right after it, four clients: {percentiles(times)} ms, {dict(statuses)}; the server runs: {served._process.poll() is None}"
        )
        served.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
