"""The house rules: imports point down, files and functions stay small, importing stays light."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "foveal"
FILES = sorted(SOURCE.rglob("*.py"))
HEAVY = ("numpy", "onnxruntime", "onnx", "PIL", "cryptography", "safetensors", "scipy", "sklearn", "pydicom", "jinja2",
         "matplotlib", "pyarrow", "tqdm", "sqlite3", "fastapi", "starlette", "pydantic", "uvicorn")  # fmt: skip
BROAD_ALLOWED = {"cli/main.py", "server/child.py"}  # edges of processes: one sentence instead of a stack trace
BANNED_NAMES = {"utils", "helpers", "common", "misc", "manager"}
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS, MOST_PUBLIC_NAMES = 400, 50, 7, 10


def faults(text, where="made.py"):
    """Every broken budget in a source text."""
    tree = ast.parse(text)
    found = []
    if sum(1 for line in text.splitlines() if line.strip()) > LONGEST_FILE:
        found.append("long file")
    if Path(where).stem in BANNED_NAMES:
        found.append("banned name")
    public = [node for node in _public(tree) if node in tree.body]
    if len(public) > MOST_PUBLIC_NAMES:
        found.append(f"{len(public)} public names")
    found += [f"{node.name}: no docstring" for node in _public(tree) if not ast.get_docstring(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found += _function_faults(node)
        if isinstance(node, ast.Assert):
            found.append(f"assert at {node.lineno}")
        if isinstance(node, ast.ExceptHandler) and where not in BROAD_ALLOWED:
            names = {getattr(node.type, "id", "")} if node.type is not None else {"Exception"}
            if names & {"Exception", "BaseException"}:
                found.append(f"broad except at {node.lineno}")
    return found


def _public(tree):
    """Public classes and functions, and the public methods of those classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
            yield node
            yield from _public(node) if isinstance(node, ast.ClassDef) else ()


def _function_faults(node):
    doc = ast.get_docstring(node, clean=False)
    length = node.end_lineno - node.lineno + 1 - (len(doc.splitlines()) if doc else 0)
    arguments = node.args
    own = [a for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs) if a.arg not in ("self", "cls")]
    found = []
    if length > LONGEST_FUNCTION:
        found.append(f"{node.name}: {length} lines")
    if len(own) > MOST_PARAMETERS:
        found.append(f"{node.name}: {len(own)} parameters")
    if not node.name.startswith("_") and node.returns is None:
        found.append(f"{node.name}: not annotated")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(SOURCE).as_posix())
def test_budgets(path):
    assert faults(path.read_text("utf-8"), path.relative_to(SOURCE).as_posix()) == []


@pytest.mark.parametrize(
    "seeded",
    [
        "x = 1\n" * 401,
        "def f() -> None:\n    'Says what.'\n" + "    x = 1\n" * 51,
        "def f(a, b, c, d, e, f, g, h) -> None:\n    'Says what.'",
        "def f():\n    'Says what.'",
        "def f() -> None: ...",
        "class A: ...",
        "".join(f"def f{i}() -> None:\n    'Says what.'\n" for i in range(11)),
        "assert True",
        "try:\n    x = 1\nexcept Exception:\n    pass",
        "try:\n    x = 1\nexcept:\n    pass",
    ],
)
def test_budgets_catch_a_seeded_fault(seeded):
    assert faults(seeded)


def run_lint(folder):
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True,
        env={"PYTHONPATH": str(folder / "src"), "PATH": ""},
    )  # fmt: skip


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the package whose architecture holds."""
    folder = tmp_path_factory.mktemp("copied")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    shutil.copy(ROOT / "pyproject.toml", folder / "pyproject.toml")
    whole = run_lint(folder)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    return folder


@pytest.mark.parametrize(
    ("where", "statement", "broken"),
    [
        ("memory/codes.py", "import foveal.workflows.teaching", "Imports point down BROKEN"),
        ("store/scan.py", "import foveal.imaging.exif", "Imports point down BROKEN"),
        ("workflows/kinds.py", "import onnxruntime", "inference libraries BROKEN"),
        ("core/hashing.py", "import PIL", "standard library only BROKEN"),
        ("audits/natural_order.py", "import foveal.audits.bursts", "no cycles BROKEN"),
    ],
)
def test_the_architecture_lint_catches_a_seeded_fault(copied, where, statement, broken):
    file = copied / "src" / "foveal" / where
    whole = file.read_text("utf-8")
    file.write_text(f"{whole}\n{statement}\n", "utf-8")
    done = run_lint(copied)
    file.write_text(whole, "utf-8")
    assert done.returncode != 0
    assert broken in done.stdout


@pytest.mark.parametrize(
    "statement", ["import foveal", "import sys; sys.argv = ['foveal', '--help']; import foveal.__main__"]
)
def test_importing_stays_light(statement):
    code = f"import sys, atexit\natexit.register(lambda: print('LOADED', *sorted(sys.modules)))\n{statement}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = done.stdout.rsplit("LOADED", 1)[1].split()
    assert "foveal" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_public_names_are_there():
    import foveal

    assert all(getattr(foveal, name) is not None for name in foveal.__all__)
    with pytest.raises(AttributeError):
        foveal.nonsense  # noqa: B018


def test_every_command_and_page_is_documented():
    from foveal.cli.main import COMMANDS

    pages = "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
    assert [command for command in COMMANDS if f"foveal {command}" not in pages] == []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for line in page.read_text("utf-8").split("](")[1:]:
            target = line.split(")")[0].split("#")[0]
            if target and not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_reference_page_is_up_to_date():
    done = subprocess.run([sys.executable, "-m", "docs.generate", "--check"], cwd=ROOT)
    assert done.returncode == 0, "run: make docs"
