"""Ten thousand mutated picture files of every format, sent to a real server: what becomes of each.

python -m benchmarks.serving_fuzz [--files 10000] [--seed 0]

Seeds are real photographs saved in every format and variant that is read. Each file is one of them, cut, flipped,
repeated, spliced or with its numbers changed, and goes to look, to the pictures of a workspace, or, zipped, to its zips.
"""

import argparse
import asyncio
import io
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image
from tests.imaging.test_dicom import make as make_dicom
from tests.pictures import make_folder
from tests.server.serving import Served

from benchmarks.serving import request_of
from benchmarks.sets import DATA

CLEAR = {200, 201, 202, 413, 415, 422}


def save(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def seeds():
    """Files of every format, from a real photograph where there is one."""
    files = sorted((DATA / "grocery" / "val").rglob("*.jpg"))
    photo = Image.open(files[0]).convert("RGB") if files else Image.effect_noise((240, 180), 60).convert("RGB")
    photo = photo.resize((160, 120))
    exif = Image.Exif()
    exif[274], exif[271] = 6, "Maker"
    grey16 = Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    frames = [photo.rotate(angle) for angle in (10, 20)]
    return {
        "jpeg": save(photo, "JPEG", exif=exif), "progressive": save(photo, "JPEG", progressive=True),
        "cmyk": save(photo.convert("CMYK"), "JPEG"), "grey": save(photo.convert("L"), "JPEG"),
        "png": save(photo, "PNG", exif=exif), "palette": save(photo.convert("P"), "PNG"),
        "png16": save(grey16, "PNG"), "alpha": save(photo.convert("RGBA"), "PNG"),
        "webp": save(photo, "WEBP", exif=exif), "lossless": save(photo, "WEBP", lossless=True),
        "animated webp": save(photo, "WEBP", save_all=True, append_images=frames),
        "gif": save(photo, "GIF", save_all=True, append_images=frames, comment=b"hello"),
        "bmp": save(photo, "BMP"), "tiff": save(photo, "TIFF"), "lzw": save(photo, "TIFF", compression="tiff_lzw"),
        "tiff16": save(grey16, "TIFF"), "pages": save(photo, "TIFF", save_all=True, append_images=frames),
        "jpeg tiff": save(photo, "TIFF", compression="jpeg"), "dicom": make_dicom(np.asarray(photo.convert("L"))),
    }  # fmt: skip


def mutate(data, other, chosen):
    """A damaged copy: one to eight changes of kinds that damage files in transit, on disks and in bad programs."""
    made = bytearray(data)
    for _ in range(chosen.randint(1, 8)):
        if not made:
            return b""
        place = chosen.randrange(len(made)) if chosen.random() < 0.5 else chosen.randrange(min(len(made), 200))
        what = chosen.randrange(8)
        if what == 0:
            made[place] ^= 1 << chosen.randrange(8)
        elif what == 1:
            made[place] = chosen.choice((0, 1, 127, 128, 255))
        elif what == 2:
            del made[place:]
        elif what == 3:
            del made[place : place + chosen.randint(1, 64)]
        elif what == 4:
            made[place:place] = chosen.randbytes(chosen.randint(1, 64))
        elif what == 5:
            made[place:place] = made[place : place + chosen.randint(1, 512)]
        elif what == 6:
            number = chosen.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
            made[place : place + 4] = number.to_bytes(4, chosen.choice(("big", "little")))
        else:
            cut = chosen.randrange(len(other) + 1)
            made[place:] = other[cut:]
    return bytes(made)


async def send_all(port, requests, statuses, slowest):
    """Send each request over one of eight connections; a connection that the server closes counts as a crash."""
    waiting = list(enumerate(requests))[::-1]

    async def one():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        while waiting:
            number, request = waiting.pop()
            begun = time.perf_counter()
            writer.write(request)
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            body = await reader.readexactly(length)
            status = int(head.split()[1])
            statuses[status] += 1
            slowest.append(time.perf_counter() - begun)
            if status not in CLEAR:
                sys.stdout.write(f"file {number}: {status} {body[:300]!r}\n")
        writer.close()

    await asyncio.gather(*(one() for _ in range(8)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = random.Random(options.seed)
    kinds = seeds()
    with tempfile.TemporaryDirectory() as temporary:
        served = Served(Path(temporary) / "home").ready()
        client = served.client()
        client.create("shapes")
        for folder in make_folder(Path(temporary) / "photos", each=8).iterdir():
            client.upload("shapes", sorted(folder.iterdir()), label=folder.name)
        client.teach("shapes", single=True)
        token = f"Authorization: Bearer {client._key}"
        requests, made = [], Counter()
        for number in range(options.files):
            kind = chosen.choice(list(kinds))
            data = mutate(kinds[kind], kinds[chosen.choice(list(kinds))], chosen)
            made[kind] += 1
            where, fields = "look", []
            if number % 4 == 3:
                where, fields = "pictures", [("label", "fuzz")]
            if number % 50 == 7:
                buffer = io.BytesIO()
                with zipfile.ZipFile(buffer, "w") as zipped:
                    zipped.writestr("fuzz/a.png", data)
                body = mutate(buffer.getvalue(), data, chosen) if number % 100 == 7 else buffer.getvalue()
                head = f"POST /v1/workspaces/shapes/zips HTTP/1.1\r\nHost: x\r\n{token}\r\nPrefer: wait=30\r\n"
                requests.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                continue
            requests.append(request_of(f"/v1/workspaces/shapes/{where}", served.port, data, [token], fields))
        begun, statuses, slowest = time.perf_counter(), Counter(), []
        asyncio.run(send_all(served.port, requests, statuses, slowest))
        seconds = time.perf_counter() - begun
        log = served.log.read_text()
        print(f"{sum(statuses.values())} files of {len(made)} kinds in {seconds:.0f} s: "
              + ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items())))  # fmt: skip
        print(f"slowest answer {max(slowest):.2f} s; tracebacks in the log: {log.count('Traceback')}; "
              f"the server runs: {served._process.poll() is None}")  # fmt: skip
        good = client.look("shapes", kinds["png"])
        print(f"and it answers: {good['best']}")
        served.stop()
    return 0 if set(statuses) <= CLEAR else 1


if __name__ == "__main__":
    sys.exit(main())
