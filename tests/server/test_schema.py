"""The API is what its description says: schemathesis, all checks, for a while; benchmarks say how to run it for longer."""

import subprocess
import sys
from pathlib import Path

import httpx

SETTINGS = str(Path(__file__).with_name("schemathesis.toml"))
TOOL = str(Path(sys.executable).with_name("schemathesis"))
SECONDS = 40


def test_no_answer_is_undocumented(served, taught, tmp_path):
    command = [
        TOOL, "--config-file", SETTINGS, "run", f"{served.address}/openapi.json",
        "-H", f"Authorization: Bearer {taught._key}", "--checks", "all", "--max-time", str(SECONDS), "--continue-on-failure",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "Traceback" not in served.log.read_text()


def test_an_answer_that_is_not_described_is_found(served, tmp_path):
    """The check itself: with a description that leaves out the refusal that strangers get."""
    plain = httpx.get(f"{served.address}/openapi.json").text.replace('"401":', '"418":')
    (tmp_path / "openapi.json").write_text(plain)
    command = [
        TOOL, "--config-file", SETTINGS, "run", str(tmp_path / "openapi.json"),
        "--url", served.address, "--checks", "status_code_conformance", "--include-path", "/v1/workspaces", "--max-time", "5",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "401" in done.stdout
