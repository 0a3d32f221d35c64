"""Requests a second of `look` beside a bare FastAPI + ONNX Runtime server with the same network, in one run.

python -m benchmarks.serving [--seconds 15] [--rounds 3] [--clients 16]

The bare server decodes with Pillow, resizes, runs the same graph and returns a label: no limits, no accounts, no
processes of its own. Rounds alternate. The load comes from raw sockets that are kept open, from one process beside.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.sets import DATA
from foveal.server.client import Client

BARE = """
import json, sys
import numpy as np
import onnxruntime
from fastapi import FastAPI, UploadFile
from io import BytesIO
from PIL import Image
import uvicorn
session = onnxruntime.InferenceSession(sys.argv[1])
weights, labels = np.load(sys.argv[2]), json.loads(sys.argv[3])
app = FastAPI()

@app.get("/healthz")
def healthz():
    return "ok"

@app.post("/look")
def look(file: UploadFile):
    picture = Image.open(BytesIO(file.file.read())).convert("RGB").resize((224, 224), Image.BICUBIC)
    pooled = session.run(["pooled"], {"image": np.asarray(picture)[None]})[0][0]
    return {"label": labels[int((weights @ (pooled / np.linalg.norm(pooled))).argmax())]}

uvicorn.run(app, port=int(sys.argv[4]), log_level="warning", access_log=False)
"""
PORTS = {"foveal": 8871, "bare": 8872}


def make_picture(n_bytes=200_000):
    """A JPEG of about so many bytes, of twelve real photographs side by side."""
    files = sorted((DATA / "grocery" / "val").rglob("*.jpg"))[::25][:12]
    whole = Image.new("RGB", (4 * 348, 3 * 348))
    for place, file in enumerate(files):
        whole.paste(Image.open(file).convert("RGB").resize((348, 348)), (348 * (place % 4), 348 * (place // 4)))
    made = []
    for quality in range(40, 98, 2):
        buffer = BytesIO()
        whole.save(buffer, "JPEG", quality=quality)
        made.append(buffer.getvalue())
    return min(made, key=lambda data: abs(len(data) - n_bytes))


def request_of(path, port, picture, headers=(), fields=()):
    """The bytes of one request with a form."""
    parts = [f'name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields]
    parts.append(b'name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' + picture + b"\r\n")
    body = b"".join(b"--b0undary\r\nContent-Disposition: form-data; " + part for part in parts) + b"--b0undary--\r\n"
    head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}",
            "Content-Type: multipart/form-data; boundary=b0undary", *headers]  # fmt: skip
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def load(port, request, clients, seconds):
    """Times of answered requests, and statuses."""
    times, statuses, until = [], {}, time.perf_counter() + seconds

    async def one():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            writer.write(request)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            await reader.readexactly(length)
            status = int(head.split()[1])
            statuses[status] = statuses.get(status, 0) + 1
            if status == 200:
                times.append(time.perf_counter() - begun)
        writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return times, statuses


def wait_for(port, path):
    """Seconds until a server answers."""
    begun = time.perf_counter()
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).read()
            return time.perf_counter() - begun
        except OSError:
            time.sleep(0.02)


def prepare(folder):
    """A taught workspace with a key, the graph, and what the bare server reads out with."""
    from foveal.backbones import catalog
    from foveal.server.accounts import ROLES, Caller
    from foveal.server.house import House
    from foveal.server.options import Options
    from foveal.workflows.recognizer import teach

    taught = teach(DATA / "grocery" / "val", workspace=folder, view="whole")
    house = House(Options(folder))
    house.first_password(secrets.token_hex(8))
    caller = Caller("admin", "administrator", ROLES["administrator"])
    _, key = house.accounts.add_key(caller, "benchmark", ["read", "look"], None)
    house.state.close()
    variant = catalog.VARIANTS[catalog.DEFAULT]
    graph = folder.parent / "graph.onnx"
    graph.write_bytes(catalog._graph(variant, variant.size, catalog.DEFAULT_MAPS, pooled=True))
    np.save(folder.parent / "weights.npy", taught.learned.readout.weights.astype(np.float32))
    return key, graph, taught.classes


def start(folder, graph, labels):
    """Both servers, and the seconds until each answered."""
    (folder.parent / "bare.py").write_text(BARE)
    bare = subprocess.Popen(
        [sys.executable, str(folder.parent / "bare.py"), str(graph), str(folder.parent / "weights.npy"),
         json.dumps(labels), str(PORTS["bare"])]
    )  # fmt: skip
    wait_for(PORTS["bare"], "/healthz")
    ours = subprocess.Popen(
        [sys.executable, "-m", "foveal", "serve", str(folder), "--port", str(PORTS["foveal"]), "--quiet"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seconds = wait_for(PORTS["foveal"], "/healthz")
    wait_for(PORTS["foveal"], "/readiness")
    time.sleep(3)
    return [bare, ours], seconds


def tell(name, times, seconds):
    found = np.percentile(times, [50, 95, 99]) * 1000
    print(f"| {name} | {len(times) / seconds:.1f} | {found[0]:.0f} / {found[1]:.0f} / {found[2]:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    picture = make_picture()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "shop"
        key, graph, labels = prepare(folder)
        processes, started = start(folder, graph, labels)
        try:
            token = f"Authorization: Bearer {key}"
            look = "/v1/workspaces/main/look"
            requests = {
                "bare FastAPI + ONNX Runtime": (PORTS["bare"], request_of("/look", PORTS["bare"], picture)),
                "foveal look": (PORTS["foveal"], request_of(look, PORTS["foveal"], picture, [token])),
                "foveal look, evidence": (
                    PORTS["foveal"], request_of(look, PORTS["foveal"], picture, [token], [("evidence", "true")])),
            }  # fmt: skip
            print(f"JPEG of {len(picture) / 1000:.0f} kB, {options.clients} clients, {os.cpu_count()} cores; "
                  f"/healthz {started:.2f} s after the start")  # fmt: skip
            Client(f"http://127.0.0.1:{PORTS['foveal']}", key).look("main", picture)
            print("\n| server | requests/s | p50 / p95 / p99, ms |\n|---|---|---|")
            rates = {name: [] for name in requests}
            for _ in range(options.rounds):
                for name, (port, request) in requests.items():
                    times, statuses = asyncio.run(load(port, request, options.clients, options.seconds))
                    if set(statuses) != {200}:
                        print(f"{name}: {statuses}")
                    tell(name, times, options.seconds)
                    rates[name].append(len(times) / options.seconds)
            bare, ours, evidence = (np.array(rate) for rate in rates.values())
            print(f"\nratio of foveal to bare, by round: {', '.join(f'{r:.2f}' for r in ours / bare)}; "
                  f"with evidence: {', '.join(f'{r:.2f}' for r in evidence / bare)}")  # fmt: skip
        finally:
            for process in processes:
                process.terminate()
                process.wait(20)


if __name__ == "__main__":
    main()
