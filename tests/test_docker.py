"""The image: its recipe is clean, its steps work, and what they make serves as an ordinary user on a read-only folder."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.server.serving import free_port, wait_until

ROOT = Path(__file__).parents[1]
NEEDED = ("requirements-server.lock", "pyproject.toml", "README.md", "LICENSE", "docker/install.sh", "src")


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    seeded = subprocess.run([hadolint, "-"], input="FROM python\nRUN cd /x", capture_output=True, text=True)
    assert seeded.returncode == 1  # a fault is found


def test_everything_the_recipe_copies_is_there_and_sent():
    sent = (ROOT / ".dockerignore").read_text().split()
    for name in NEEDED:
        assert (ROOT / name).exists() and f"!{name}" in sent
        assert name in (ROOT / "Dockerfile").read_text()


def test_compose_leaves_no_door_open():
    plain = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = plain["services"]
    server = services["foveal"]
    assert server["read_only"] and server["cap_drop"] == ["ALL"] and "ports" not in server
    assert server["command"][-1] == services["proxy"]["networks"]["inside"]["ipv4_address"]
    for name, service in services.items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
        assert "latest" not in service.get("image", "")
    assert {name for name, service in services.items() if "databases" in service.get("profiles", ())} == {
        "postgres",
        "qdrant",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_the_steps_of_the_image_work():
    """The script that the image is built with, then the server as an ordinary user who can write its data only."""
    with tempfile.TemporaryDirectory(prefix="foveal-image-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        build = folder / "build"
        for name in NEEDED:
            target = build / Path(name).name
            target.parent.mkdir(exist_ok=True)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, target)
        environment = {"PATH": f"{Path(sys.base_prefix)}/bin:/usr/bin:/bin", "HOME": str(folder)}
        done = subprocess.run(
            ["sh", "install.sh", str(folder / "foveal")], cwd=build, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        data = folder / "data"
        data.mkdir()
        os.chown(data, 10001, 10001)
        serve(folder / "foveal", data)


def serve(installed, data):
    """Start as user 10001, who may write nothing else; as oneself where no other user reaches the interpreter."""
    port = free_port()
    reached = all(parent.stat().st_mode & 0o001 for parent in Path(os.path.realpath(sys.executable)).parents)
    other: dict = {"user": 10001, "group": 10001, "extra_groups": []} if reached else {}
    environment = {"PATH": f"{installed}/bin:/usr/bin:/bin", "FOVEAL_CACHE": str(installed / "cache"), "HOME": "/nonexistent",
                   "PYTHONDONTWRITEBYTECODE": "1", "FOVEAL_ADMIN_PASSWORD": "correct horse"}  # fmt: skip
    process = subprocess.Popen(
        [str(installed / "bin" / "foveal"), "serve", str(data), "--port", str(port)], env=environment, cwd="/",
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **other,
    )  # fmt: skip

    def ready():
        assert process.poll() is None, process.stderr.read().decode()[-2000:]
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/readiness", timeout=2).status == 200
        except OSError:
            return False

    try:
        wait_until(ready, 60)
    finally:
        process.terminate()
        process.communicate(timeout=20)
