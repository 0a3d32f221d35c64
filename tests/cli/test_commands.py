"""The command line, run as a user runs it."""

import json
import os
import subprocess
import sys

import pytest
from tests.pictures import make_folder

from foveal.cli.exit_codes import ExitCode
from foveal.cli.main import COMMANDS


def run(*arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "foveal", *map(str, arguments)], capture_output=True, text=True, **more
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("cli")
    make_folder(root / "photos", each=8)
    done = run(
        "teach", root / "photos", "--workspace", root / "w", "--view", "whole", "--save", root / "a.foveal", "--json"
    )
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    assert plain["classes"] == ["disc", "square", "stripes"]
    assert plain["new"] == 24
    return root


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Example: foveal " + command in done.stdout
    assert "--json" in done.stdout


def test_look_draws_and_reports_what_it_cannot_read(place):
    (place / "text.jpg").write_text("no picture")
    picture = place / "photos" / "disc" / "disc 1.png"
    done = run("look", picture, place / "text.jpg", "--with", place / "w", "--draw", place / "drawn", "--json")
    plain = json.loads(done.stdout)
    assert done.returncode == ExitCode.OK
    assert plain["answers"][0]["best"] == "disc"
    assert plain["answers"][0]["evidence"]["contributions"]
    assert "text.jpg" in plain["unreadable"][0]["name"]
    assert os.path.getsize(plain["answers"][0]["sheet"]) > 5000
    again = json.loads(run("look", picture, "--with", place / "a.foveal", "--json").stdout)
    assert again["answers"][0]["probabilities"] == plain["answers"][0]["probabilities"]


def test_forget_verify_and_card(place, tmp_path):
    run("teach", place / "photos", "-w", tmp_path / "w", "--view", "whole", "--save", tmp_path / "out.foveal")
    picture = place / "photos" / "disc" / "disc 1.png"
    certificate = tmp_path / "certificate.json"
    done = run("forget", picture, "-w", tmp_path / "w", "--certificate", certificate)
    assert done.returncode == 0, done.stderr
    assert "0 traces found" in done.stdout
    key = tmp_path / "w" / "keys" / "public.pem"
    assert run("verify", certificate, "--key", key, "--picture", picture).returncode == 0
    other = place / "photos" / "disc" / "disc 2.png"
    assert run("verify", certificate, "--key", key, "--picture", other).returncode == ExitCode.INTEGRITY
    assert run("verify", tmp_path / "w").returncode == 0
    plain = json.loads(certificate.read_text("utf-8"))
    assert any("out.foveal" in json.dumps(item) for item in plain["not_covered"])
    plain["n_erased"] = 2
    certificate.write_text(json.dumps(plain), "utf-8")
    assert run("verify", certificate, "--key", key).returncode == ExitCode.INTEGRITY
    card = run("card", tmp_path / "w")
    assert "Apache-2.0" in card.stdout
    assert "disc" in card.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["teach", "nowhere"], ExitCode.INPUT, "does not exist"),
        (["look", "x.jpg", "--with", "nowhere"], ExitCode.STORE, "neither a workspace nor"),
        (["teach", ".", "--backbone", "nonsense"], ExitCode.INPUT, "no pictures"),
        (["evaluate", "-w", "nowhere"], ExitCode.STORE, "nowhere"),
        (["forget", "-w", "nowhere"], ExitCode.INPUT, "exactly one"),
        (["nonsense"], ExitCode.USAGE, "invalid choice"),
    ],
)
def test_errors_are_one_sentence_with_an_exit_status(arguments, code, said, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_written_is_named(place, tmp_path):
    done = run("card", place / "w", "--output", tmp_path / "no" / "card.md")
    assert done.returncode == ExitCode.STORE
    assert "cannot read or write" in done.stderr and "card.md" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in run("card", place / "w", "--output", tmp_path / "no" / "card.md", "--verbose").stderr


def test_a_reader_that_went_away_is_no_error():
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "foveal", "models", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=plain) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == ExitCode.OK


def test_errors_are_json_too(tmp_path):
    done = run("teach", "nowhere", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["error"]["kind"] == "InputError"


def test_two_processes_cannot_teach_one_workspace_at_once(place, tmp_path):
    make_folder(tmp_path / "photos", each=60)
    command = [
        sys.executable,
        "-m",
        "foveal",
        "teach",
        str(tmp_path / "photos"),
        "-w",
        str(tmp_path / "w"),
        "--view",
        "whole",
    ]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    texts = [process.communicate() for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes[0] == 0, texts
    assert codes[1] in (ExitCode.OK, ExitCode.BUSY, ExitCode.STORE), texts
    assert "Traceback" not in texts[0][1] + texts[1][1]
    assert run("verify", tmp_path / "w").returncode == 0
