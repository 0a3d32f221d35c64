"""What is said where optional parts are not installed."""

import subprocess
import sys

import pytest

CODE = """
import sys
sys.modules[{module!r}] = None
{run}
"""


@pytest.mark.parametrize(
    ("module", "run", "extra"),
    [
        ("fastapi", "from foveal.cli.main import main; sys.exit(main(['serve', 'nowhere']))", "server"),
        ("uvicorn", "from foveal.cli.main import main; sys.exit(main(['serve', 'nowhere']))", "server"),
        (
            "paho",
            "from foveal.workflows.telling import MqttNotifier; MqttNotifier('mqtt://x', 'x').send('', '', '')",
            "mqtt",
        ),
    ],
)
def test_the_pip_line_is_named(module, run, extra, tmp_path):
    command = [sys.executable, "-c", CODE.format(module=module, run=run)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and f"pip install 'foveal[{extra}]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_client_needs_nothing_but_the_standard_library(tmp_path):
    code = "import sys\nimport foveal\nfoveal.Client('http://127.0.0.1:9', 'x')\nprint([m for m in ('numpy', 'fastapi', 'httpx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
