#!/bin/sh
# What the image is built with, in a script of its own so that it can be run and tested without a container engine.
# Usage: install.sh FOLDER, beside requirements-server.lock and the sources.
set -eu
target=$1
python3 -m venv "$target"
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r requirements-server.lock
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps .
# The network's graph is made once here: the container's own file system is read-only.
FOVEAL_CACHE="$target/cache" "$target/bin/python" - <<'END'
import numpy as np
from foveal.backbones.catalog import DEFAULT, open_backbone
from foveal.backbones.patch_backbone import open_patch_backbone
from foveal.core.image import Image
open_backbone().feature_maps(Image(np.zeros((224, 224, 3), np.uint8), "blank"))
open_patch_backbone(DEFAULT)
END
"$target/bin/foveal" --version
